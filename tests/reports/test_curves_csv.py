import csv

from load_tool import load_tool
from report_runs import make_run

from mmdfkd.reports.curves_csv import is_csv, write_csv
from mmdfkd.reports.page import read_runs


def test_every_logged_value_is_a_row(tmp_path):
    make_run(tmp_path / 'a, b')
    runs = read_runs([tmp_path / 'a, b'])
    rows = list(csv.DictReader(write_csv(runs).splitlines()))
    assert {row['run'] for row in rows} == {'a, b'}
    for phase in ('train', 'val'):
        curves = getattr(runs[0], phase)
        assert curves
        for name, curve in curves.items():
            found = [row for row in rows if (row['phase'], row['name']) == (phase, name)]
            assert [(int(row['round']), float(row['value'])) for row in found] == curve


def test_the_report_writes_it_and_replaces_its_own_alone(tmp_path):
    make_run(tmp_path / 'a')
    report = load_tool('report').main
    arguments = [str(tmp_path / 'a'), '--out', str(tmp_path / 'r.html')]
    for _ in range(2):
        report([*arguments, '--csv', str(tmp_path / 'c.csv')])
    assert is_csv(tmp_path / 'c.csv')
    (tmp_path / 'other.csv').write_text('mine\n')
    assert not is_csv(tmp_path / 'other.csv')
