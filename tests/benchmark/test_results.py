import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mmdfkd.benchmark import (
    append,
    check_settings,
    finished,
    plot_curves,
    read_results,
    tables,
)

RESULTS = Path(__file__).parents[2] / 'docs/results'
KEY = dict(pair='p', method='m', seed=1, budget=20.0, options={})


def result(**changes):
    figures = dict(teacher=99.0, student=90.0, minutes=19.5, images=1000, init='random')
    return KEY | figures | dict(curve=[(1.0, 50.0), (19.5, 90.0)]) | changes


def test_lines_come_back(tmp_path):
    file = tmp_path / 'folder/results.jsonl'
    assert read_results(file) == []
    append(file, result(curve=[]))
    append(file, KEY | {'error': 'disk'})
    assert read_results(file) == [result(curve=[]), KEY | {'error': 'disk'}]


def test_a_line_is_whole_or_not_there(tmp_path, monkeypatch):
    file, write = tmp_path / 'results.jsonl', Path.write_text

    def stop(path, text, **options):
        write(path, text[: len(text) // 2 + 5], **options)
        raise OSError('No space left on device')

    append(file, result(curve=[]))
    monkeypatch.setattr(Path, 'write_text', stop)
    with pytest.raises(OSError, match='No space'):
        append(file, result(seed=2))
    assert read_results(file) == [result(curve=[])]


def test_a_line_begins_on_its_own(tmp_path):
    """Two lines in one were no results any more."""
    file = tmp_path / 'results.jsonl'
    file.write_text(json.dumps(result()))
    append(file, result(seed=2))
    assert read_results(file) == [result(curve=[[1.0, 50.0], [19.5, 90.0]], seed=n) for n in (1, 2)]


def test_processes_that_append_at_once_lose_no_line(tmp_path, monkeypatch):
    """Each writes the whole file: one that had read it before the other's line dropped that."""
    file, write = tmp_path / 'results.jsonl', Path.write_text

    def slow(path, text, **options):
        time.sleep(0.05)
        return write(path, text, **options)

    monkeypatch.setattr(Path, 'write_text', slow)
    seeds = range(8)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: append(file, result(seed=seed)), seeds))
    assert sorted(found['seed'] for found in read_results(file)) == list(seeds)


def test_a_result_of_another_config_is_not_taken():
    check_settings([result(settings='a')], KEY, 'a')
    check_settings([result()], KEY, 'a')  # of a version that did not note them
    check_settings([result(settings='b', seed=2)], KEY, 'a')
    with pytest.raises(ValueError, match=r'results of these configs.*give another --results'):
        check_settings([result(settings='a'), result(settings='b')], KEY, 'a')


@pytest.mark.parametrize(
    ('found', 'expected'),
    [
        (result(), True),
        (result(seed=2), False),
        (result(options={'a': '1'}), False),
        (result(budget=10.0), False),
        (KEY | {'error': 'disk'}, False),
    ],
)
def test_a_cell_is_finished_by_a_result_of_its_own(found, expected):
    assert finished([found], KEY) is expected


def test_the_best_method_comes_first_with_mean_and_deviation():
    results = [
        result(student=90.0),
        result(student=80.0, seed=2),
        result(method='better', student=86.0),
        result(method='better', student=10.0, seed=7) | {'student': 88.0},
        KEY | dict(method='broken', error='disk'),
    ]
    lines = tables(results).splitlines()
    assert lines[0] == '### p, 20 minutes'
    assert lines[4].startswith('| `better` | 87.00 ± 1.41 | 86.00, 88.00 | 2 | 99.00 |')
    assert lines[5].startswith('| `m` | 85.00 ± 7.07 | 90.00, 80.00 | 2 | 99.00 | 19.5 | 1,000 |')
    assert 'broken' not in tables(results)


def test_a_seed_that_was_run_again_counts_once():
    assert '| `m` | 91.00 | 91.00 | 1 |' in tables([result(), result(student=91.0)])


def test_curves_are_drawn(tmp_path):
    (file,) = plot_curves([result(), result(method='other')], tmp_path)
    assert file.name == 'p_20min.png'
    assert file.read_bytes().startswith(b'\x89PNG')


def test_options_of_all_are_in_the_title_and_those_of_some_in_the_name():
    runs = [
        result(options={'teacher': 'a{seed}.pth', 'steps': '3'}),
        result(options={'teacher': 'a{seed}.pth', 'steps': '3'}, seed=2),
        result(options={'teacher': 'a{seed}.pth'}, method='other'),
    ]
    lines = tables(runs).splitlines()
    assert lines[0] == '### p, 20 minutes, teacher=a{seed}.pth'
    assert [line.split(' | ')[0] for line in lines[4:6]] == ['| `m steps=3`', '| `other`']


def test_long_options_are_told_below_the_table():
    long = {'optim_wrapper.generator.type': 'OptimWrapper', 'optim_wrapper.student.type': 'Other'}
    runs = [result(), result(options=long, student=91.0), result(method='m2', options=long)]
    lines = tables(runs).splitlines()
    assert [line.split(' | ')[0] for line in lines[4:7]] == ['| `m` (a)', '| `m`', '| `m2` (b)']
    options = '`optim_wrapper.generator.type=OptimWrapper optim_wrapper.student.type=Other`'
    assert lines[8:] == [f'(a): {options}', '', f'(b): {options}']


def test_cells_that_ran_at_once_are_told_from_others():
    runs = [result(jobs=1), result(jobs=6, seed=2), result(method='before')]
    assert [line.split(' | ')[0] for line in tables(runs).splitlines()[4:7]] == [
        '| `m`',
        '| `m --jobs=6`',
        '| `before`',
    ]
    assert tables([result(jobs=6)]).startswith('### p, 20 minutes, --jobs=6\n')


def test_results_of_several_machines_are_told():
    runs = [result(hardware='A', threads=1), result(seed=2, hardware='B', threads=1, commit='b')]
    runs.append(result(method='other', hardware='B', threads=1, commit='b'))
    told = tables(runs).splitlines()[-4:]
    assert told == [
        'Not of one origin (seeds):',
        '',
        '- A, threads 1, not noted: `m` 1',
        '- B, threads 1, b: `m` 2; `other` 1',
    ]
    assert 'origin' not in tables(runs[1:])
    runs = [result(options={'x': '1' * n}, hardware=f'machine {n}') for n in (3, 50)]
    told = tables(runs).splitlines()[-2:]
    assert [line.partition(': ')[2] for line in told] == ['`m x=111` 1', '`m` (a) 1']


def test_the_published_tables_are_those_of_the_published_results():
    results = read_results(RESULTS / 'benchmark.jsonl')
    assert results
    page = (RESULTS / 'benchmark.md').read_text()
    assert all(line in page for line in tables(results).splitlines() if line[:1] in ('|', '('))
    assert all({'commit', 'hardware', 'versions', 'init', 'curve'} <= set(each) for each in results)
    for picture in (RESULTS / 'curves').glob('*.png'):
        assert f'curves/{picture.name}' in page
