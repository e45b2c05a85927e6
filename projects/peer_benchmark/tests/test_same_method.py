import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from load_tool import load_tool

FOLDER = Path(__file__).parents[1]
PEERS = os.environ.get('MMDFKD_PEERS')
SCRIPT = """#!/bin/bash
python datafree_kd.py --batch_size 512 --teacher resnet34 \\
--method nayer --g_steps 40
python datafree_kd.py --batch_size 512 --teacher wrn40_2 \\
--method nayer --g_steps 30
"""


@pytest.fixture(scope='module')
def tool():
    return load_tool('peer_benchmark/same_method')


@pytest.fixture(scope='module')
def peers():
    return load_tool('peer_benchmark/three_peers')


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser()
    parser.add_argument('--method', choices=['nldf'])
    parser.add_argument('--teacher')
    for name in ('batch_size', 'g_steps'):
        parser.add_argument(f'--{name}', type=int)
    return parser


def test_options_are_of_the_command_with_the_wanted_ones(peers, parser):
    options = peers.published(parser, SCRIPT, teacher='wrn40_2')
    assert (options.method, options.g_steps) == ('nldf', 30)
    with pytest.raises(ValueError, match='should have a command with'):
        peers.published(parser, SCRIPT, teacher='vgg11')


def test_the_wait_for_the_first_batch_is_no_students_step(peers):
    def span(start, end):
        return np.array([start, start / 2]), np.array([end, end / 2])

    spans = {  # the first round is a warm-up
        'synthesize': [span(0, 1), span(100, 116)],
        'add': [span(0, 1), span(112, 113)],
        'sample': [span(0, 1)] * 2 + [span(120, 124), span(125, 126)],
        'train': [span(0, 1), span(120, 134)],
    }
    assert peers.step_ms(spans, steps=3, kd_steps=2) == {
        'synthesis_step_ms': 4000,
        'once_ms': 4000 + 4000,
        'student_step_ms': 5000,
        'synthesis_step_cpu_ms': 2000,
        'once_cpu_ms': 4000,
        'student_step_cpu_ms': 2500,
    }


def figures(step, once, student, memory):
    names = ('synthesis_step', 'once', 'student_step')
    times = zip(names, (step, once, student), strict=True)
    both = {f'{name}{end}': value for name, value in times for end in ('_ms', '_cpu_ms')}
    return both | {'peak_memory_mib': memory}


def test_an_epoch_is_its_inversions_and_400_student_steps_of_the_least_times(tool):
    runs = [figures(10, 30, 8, 100), figures(20, 20, 5, 200)]
    best = tool.combine(runs, 'nayer')
    assert best['epoch_s'] == pytest.approx((2 * (30 * 10 + 20) + 400 * 5) / 1e3)
    assert best['epoch_cpu_s'] == best['epoch_s']
    assert best['peak_memory_mib'] == 200


def test_the_table_has_the_peers_figure_over_ours(tool):
    peer, ours = (tool.combine([figures(*args, 100)], 'cmi') for args in ((6, 2, 4), (3, 4, 1)))
    lines = tool.table({'peer': peer, 'ours': ours}).splitlines()
    assert lines[0] == '| | peer | ours |'
    assert lines[2] == '| synthesis step, ms | 6 | 3 (2.00) |'
    assert lines[3] == '| once an inversion, ms | 2 | 4 (0.50) |'


def test_networks_of_other_sizes_are_refused(tool):
    with pytest.raises(ValueError, match='as large in all columns'):
        tool.check_networks({'peer': {'parameters': [2, 1]}, 'ours': {'parameters': [2, 2]}})


def test_a_missing_clone_is_named(tool, tmp_path):
    with pytest.raises(ValueError, match='should hold a clone of NAYER'):
        tool.check_peers(tmp_path, ['nayer'])


def measured(method, column, peers, folder):
    """Figures of a process that measures one column with hardly any images."""
    command = [sys.executable, str(FOLDER / 'same_method.py'), '--peers', str(peers)]
    command += ['--method', method, '--measure', column, '--json', 'figures.json']
    command += ['--shrink=32', '--steps=2', '--kd-steps=2']
    environment = os.environ | {'PYTHONPATH': str(FOLDER.parents[1])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / 'figures.json').read_text())


@pytest.mark.parametrize('method', ['fast_datafree', 'cmi', 'nayer'])
def test_ours_is_measured(tool, method, tmp_path):
    result = measured(method, 'both', tmp_path, tmp_path)
    assert all(result[name] > 0 for name in tool.ROWS if 'epoch' not in name)


@pytest.mark.parametrize('method', ['fast_datafree', 'cmi', 'nayer'])
def test_the_peer_is_measured(tool, method, tmp_path):
    clone = tool.CLONES[method]
    if PEERS is None or not (Path(PEERS) / clone).is_dir():
        pytest.skip(f'MMDFKD_PEERS should name a folder with a clone called {clone}')
    result = measured(method, 'peer', PEERS, tmp_path)
    assert all(result[name] > 0 for name in tool.ROWS if 'epoch' not in name)
