"""Every wrong input of the table ends in one clear line, before any work; none in silence."""

import pytest

from mmdfkd.models.distillers import DataFreeDistiller

from .outcome import run
from .table import KINDS, counts, how_it_ends, read_rows
from .toy_configs import METHODS
from .world import make

ROWS = read_rows()


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """The folder of configs and files, and what the good run of it told."""
    folder = tmp_path_factory.mktemp('world')
    return folder, make(folder)


def test_a_good_run_is_told_nothing_of(world):
    _, good = world
    assert not good.line
    warnings = [line for line in good.text.splitlines() if 'WARNING' in line]
    assert not [line for line in warnings if 'FileClient' not in line and 'HardDisk' not in line]


@pytest.mark.parametrize('method', METHODS)
def test_good_configs_get_as_far_as_their_first_round(method, world, tmp_path):
    end = run('train', [f'{world[0]}/{method}.py'], tmp_path)
    assert (end.status, end.line) == (None, ''), end.line


@pytest.mark.parametrize('row', ROWS, ids=lambda row: f'{row.command} {row.arguments}'.strip())
def test_a_wrong_input_ends_in_one_clear_line(row, world, tmp_path):
    how, told = how_it_ends(row, world[0], tmp_path)
    assert how == 'told', f'{how}: {told}'


def test_the_table_has_every_command_and_kind():
    """``pytest tests/sweep -k table -s`` prints the counts."""
    print(f'\n{counts(ROWS)}')
    assert {row.kind for row in ROWS} == set(KINDS)
    assert len({(row.command, row.arguments) for row in ROWS}) == len(ROWS)
    assert len(ROWS) == 504


def test_the_sweep_would_notice_a_late_or_missing_error(world, tmp_path, monkeypatch):
    row = ROWS[0]
    assert how_it_ends(row._replace(told='something else'), world[0], tmp_path)[0] != 'told'
    good = row._replace(command='train', arguments='{w}/dedfkd.py')
    assert how_it_ends(good, world[0], tmp_path)[0] == 'silence'

    def broken(*_, **__):
        raise ZeroDivisionError('in the first round')

    monkeypatch.setattr(DataFreeDistiller, 'check_ready', broken)
    assert how_it_ends(good, world[0], tmp_path)[0] == 'told otherwise'
