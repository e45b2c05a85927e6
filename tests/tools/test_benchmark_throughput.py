import json
import subprocess
import sys
from pathlib import Path

import pytest

from mmdfkd.cli.benchmark_throughput import table

ROOT = Path(__file__).parents[2]
#: Multiplications and additions of one LeNet-5 and one LeNet-5-half pass of a 32-pixel image.
LENET5 = 2 * (28**2 * 6 * 25 + 10**2 * 16 * 6 * 25 + 120 * 400 + 120 * 84 + 84 * 10)
LENET5_HALF = 2 * (28**2 * 3 * 25 + 10**2 * 8 * 3 * 25 + 60 * 200 + 60 * 42 + 42 * 10)
LENET5_HALF_INPUT = 2 * 28**2 * 3 * 25  # the input's gradient, which a student step spares

LABELLED = 'model.memory.type=mmdfkd.LabelledMemory model.memory.num_views=2'
SWEEP = ['model.kd_steps=1', f'model.kd_steps=3 {LABELLED}']
PARTS = ('synthesize', 'remember', 'sample', 'ask_teacher', 'student_step')


@pytest.fixture(scope='module')
def measured(tmp_path_factory):
    file = tmp_path_factory.mktemp('benchmark') / 'figures.json'
    command = [sys.executable, 'tools/benchmark_throughput.py', 'configs/dedfkd_lenet5_mnist.py']
    command += ['--json', str(file)]
    command += ['--cfg-options', 'model.kd_batch_size=32', 'train_dataloader.batch_size=32']
    command += ['--sweep', *SWEEP]
    command += ['--rounds', '2', '--warmup', '1']  # also after the sweep
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(file.read_text()), done.stdout


def test_flops_are_those_of_the_networks(measured):
    one, three = measured[0].values()
    steps = 2 * 32 * (3 * LENET5_HALF - LENET5_HALF_INPUT)  # two more student steps
    teacher = (2 - 1) * 32 * LENET5  # two labelled views rather than one batch
    gained = (three['gflop_per_round'] - one['gflop_per_round']) * 1e9
    assert gained == pytest.approx(steps + teacher, rel=1e-6)


def test_parts_add_up_to_no_more_than_the_round(measured):
    one, three = measured[0].values()
    for result in (one, three):
        share = result['share']
        whole = share['synthesize'] + share['sample'] + share['student_step']
        assert whole + share['rest'] == pytest.approx(1)
        assert 0 < share['rest'] < 0.5
        assert 0 < result['share_of_peak'] < 1
        assert result['peak_memory_mib'] > 100
    assert one['share']['remember'] < three['share']['remember'] < three['share']['synthesize']
    assert three['share']['ask_teacher'] < three['share']['remember']
    assert one['generated_images_per_s'] == pytest.approx(32 * one['rounds_per_s'])
    assert three['trained_on_images_per_s'] == pytest.approx(96 * three['rounds_per_s'])
    assert set(one['step_ms']) == {*PARTS, 'rest'}


def test_the_table_has_a_column_for_each_set_of_options(measured):
    figures, printed = measured
    header = printed.splitlines()[0]
    assert header == f'| | {SWEEP[0]} | {SWEEP[1]} |'
    assert list(figures) == SWEEP
    assert '| step_ms student_step | ' in printed


def test_a_part_that_one_column_lacks_leaves_its_place_empty():
    lines = table({'a': {'ms': {'x': 1.0}}, 'b': {'ms': {'y': 2.0, 'x': 3.0}}}).splitlines()
    assert lines[2:] == ['| ms x | 1 | 3 |', '| ms y | – | 2 |']
