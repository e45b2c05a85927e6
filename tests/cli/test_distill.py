"""One command from a teacher's weights to a student, a config and a report."""

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import own_nets
import pytest
import torch
from mmengine.config import Config
from safetensors.torch import load_file

from mmdfkd.cli import distill, train
from mmdfkd.export import onnx_file
from mmdfkd.models.classifiers import Classifier
from mmdfkd.own_teacher import make_recipe

NAMED = ['own_nets:with_bn', '--weights', 'teacher.pth', '--image-size', '8']
PIXELS = ['--mean', '120', '110', '100', '--std', '60', '60', '60']


@pytest.fixture(autouse=True)
def _small(monkeypatch, tmp_path):
    """An empty folder with a teacher, and runs of few images."""
    monkeypatch.setattr(sys, 'path', sys.path[:])
    monkeypatch.chdir(tmp_path)
    own_nets.save(own_nets.with_bn, tmp_path / 'teacher.pth')

    def recipe(pair, rounds=None):
        return replace(make_recipe(pair, rounds), batch_size=6, capacity=24)

    monkeypatch.setattr(distill, 'make_recipe', recipe)
    write = distill.config_text

    def text(*args, **kwargs):
        return write(*args, **kwargs) + 'model.update(g_steps=2, kd_steps=2)\n'

    monkeypatch.setattr(distill, 'config_text', text)


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['mmdfkd distill', *NAMED, *PIXELS, *arguments])
    distill.main()


def test_a_teacher_gives_a_student_a_config_and_a_report(monkeypatch, tmp_path, capsys):
    for label in range(3):
        (tmp_path / f'test/{label}').mkdir(parents=True)
        picture = np.full((9, 12, 3), 80 * label, np.uint8)
        cv2.imwrite(str(tmp_path / f'test/{label}/1.png'), picture)
    run(monkeypatch, '--rounds', '2', '--test', 'test')
    told = capsys.readouterr().out
    assert 'own_nets:with_bn: 1,139 parameters, 3 classes, with batch norms' in told
    assert 'the teacher without 1.1, 3.1, 5.1' in told
    work_dir = tmp_path / 'work_dirs/distill_own_nets_with_bn'
    page = (work_dir / 'report.html').read_text()
    assert 'accuracy/top1' in page
    described = Config.fromfile(work_dir / 'student/student.py')
    student = Classifier(
        {k: v for k, v in described.model.items() if k != 'data_preprocessor'},
        str(work_dir / 'student/student.pth'),
    )
    trained = torch.load(work_dir / 'iter_2.pth', weights_only=True)['state_dict']
    assert all(
        v.equal(trained[f'student.network.{k}']) for k, v in student.network.state_dict().items()
    )

    config = f'{work_dir}.py'
    assert Path(config).read_text().count('# mmdfkd distill own_nets:with_bn --weights') == 1
    # Of another name: MMEngine names a run by its config and the second.
    Path('again.py').write_text(Path(config).read_text())
    train.main(['again.py', '--work-dir', 'again', '--rounds', '1'])
    assert Path('again/iter_1.pth').is_file()

    with pytest.raises(ValueError, match='--work-dir should be new'):
        run(monkeypatch, '--rounds', '2', '--test', 'test')
    (work_dir / 'iter_2.pth').unlink()
    (work_dir / 'last_checkpoint').unlink()
    run(monkeypatch, '--rounds', '2', '--test', 'test', '--resume')
    again = torch.load(work_dir / 'iter_2.pth', weights_only=True)['state_dict']
    assert all(value.equal(again[key]) for key, value in trained.items())


def test_the_student_is_exported_where_that_is_asked(monkeypatch, tmp_path, capsys):
    onnxruntime = pytest.importorskip('onnxruntime')
    pytest.importorskip('onnxscript')
    run(
        monkeypatch, '--rounds', '4', '--work-dir', 'w', '--export', 'onnx', 'safetensors', '--int8'
    )
    assert {path.name for path in Path('w/export').iterdir()} == {
        'README.md',
        'model.int8.onnx',
        'model.onnx',
        'model.safetensors',
    }
    student = torch.load('w/student/student.pth', weights_only=True)['state_dict']
    written = load_file('w/export/model.safetensors')
    assert student.keys() == written.keys()
    assert all(value.equal(written[name]) for name, value in student.items())
    pixels = torch.randint(256, (2, 3, 8, 8)).float().numpy()
    session = onnxruntime.InferenceSession('w/export/model.int8.onnx')
    assert session.run(None, {'pixels': pixels})[0].shape == (2, 3)
    assert 'calibrated on' in Path('w/export/README.md').read_text()
    assert 'are in w/export' in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ('options', 'missing', 'told'),
    [
        (['--int8'], (), '--int8 should be with --export'),
        (['--export', 'pt2', '--int8'], (), '--int8 should be with onnx among the formats'),
        (['--export', 'onnx'], ('onnxscript',), "pip install 'mmdfkd.export.', or leave onnx out"),
        (['--export'], ('onnx',), r"\['onnx'\] are not there"),
        (['--export', 'mmpretrain'], (), 'but got a Sequential; leave mmpretrain out'),
    ],
)
def test_what_cannot_be_exported_is_told_before_it_is_trained(
    monkeypatch, tmp_path, options, missing, told
):
    def find_spec(name):
        return None if name in missing else name

    def train_it(_):
        raise AssertionError

    monkeypatch.setattr(onnx_file, 'find_spec', find_spec)
    monkeypatch.setattr(train, 'main', train_it)
    with pytest.raises((ValueError, ImportError), match=told):
        run(monkeypatch, '--work-dir', 'w', *options)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ['teacher.pth']


def test_the_export_is_tried_with_the_untrained_student(monkeypatch, tmp_path):
    config = Path('w.py')
    monkeypatch.setattr(train, 'main', lambda _: None)
    monkeypatch.setattr(distill, 'finish', lambda *_: None)

    def cannot(*_, **__):
        raise RuntimeError('no such operator')

    monkeypatch.setattr(torch.export, 'export', cannot)
    with pytest.raises(ValueError, match='no such operator; leave pt2 out of the formats'):
        run(monkeypatch, '--work-dir', 'w', '--export', 'pt2')
    assert not config.exists()
    run(monkeypatch, '--work-dir', 'w', '--export', 'safetensors')
    assert config.is_file()


def test_minutes_are_filled_with_rounds(monkeypatch):
    monkeypatch.setattr(train, 'main', lambda _: None)
    monkeypatch.setattr(distill, 'finish', lambda *_: None)
    run(monkeypatch, '--minutes', '0.5', '--work-dir', 'w')
    cfg = Config.fromfile('w.py')
    assert cfg.train_cfg.max_iters > 20  # 30 s of rounds of milliseconds
    assert cfg.model.warmup_rounds < cfg.train_cfg.max_iters


def test_resume_wants_the_same_command(monkeypatch):
    with pytest.raises(ValueError, match=r'but w\.py is not there; leave it out to begin one'):
        run(monkeypatch, '--work-dir', 'w', '--resume')
    Path('w.py').write_text('# mmdfkd distill another\n')
    with pytest.raises(ValueError, match=r'go on with: mmdfkd train w\.py --work-dir w --resume'):
        run(monkeypatch, '--work-dir', 'w', '--resume')


def test_a_kill_while_rounds_are_timed_leaves_nothing_to_resume(monkeypatch):
    def killed(_):
        assert not Path('w.py').exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(distill, 'seconds_a_round', killed)
    with pytest.raises(KeyboardInterrupt, match='before the run began; start it again'):
        run(monkeypatch, '--minutes', '0.5', '--work-dir', 'w')
    assert not Path('w.py').exists()


def test_what_was_found_and_wrong_test_images_are_told_before_rounds_are_timed(monkeypatch, capsys):
    monkeypatch.setattr(distill, 'seconds_a_round', lambda _: pytest.fail('rounds were timed'))
    Path('test/only_one_class').mkdir(parents=True)
    cv2.imwrite('test/only_one_class/1.png', np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match='should have the teacher’s 3 classes, but got 1'):
        run(monkeypatch, '--minutes', '1', '--test', 'test')
    assert '3 classes, with batch norms' in capsys.readouterr().out


def test_folders_of_the_teachers_class_names_are_in_its_order(monkeypatch):
    names = ('truck', 'cat', 'bird')
    weights = torch.load('teacher.pth', weights_only=True)
    meta = dict(dataset_meta=dict(classes=names))
    torch.save(dict(state_dict=weights.get('state_dict', weights), meta=meta), 'teacher.pth')
    for name in names:
        Path('test', name).mkdir(parents=True)
        cv2.imwrite(f'test/{name}/1.png', np.zeros((8, 8, 3), np.uint8))
    run(monkeypatch, '--rounds', '1', '--test', 'test', '--work-dir', 'w')
    assert Config.fromfile('w.py').val_dataloader.dataset.classes == [*names]


@pytest.mark.parametrize('length', ['--rounds', '--minutes'])
def test_after_a_mistake_the_command_can_be_put_right(monkeypatch, length):
    wrong = ['--work-dir', 'w', length, '1', '--mean', '0.5', '0.4', '0.4']
    with pytest.raises(ValueError, match='0 to 255'):
        run(monkeypatch, *wrong)
    Path('test/only_one_class').mkdir(parents=True)
    cv2.imwrite('test/only_one_class/1.png', np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match='classes'):
        run(monkeypatch, '--work-dir', 'w', '--rounds', '1', '--test', 'test')
    assert not Path('w.py').exists()
    run(monkeypatch, '--work-dir', 'w', '--rounds', '1')
    assert Path('w/iter_1.pth').is_file()


def test_force_moves_all_of_the_other_run_aside_and_only_at_the_start(monkeypatch):
    run(monkeypatch, '--work-dir', 'w', '--rounds', '1', '--export', 'safetensors')
    Path('w.py').write_text(Path('w.py').read_text() + '# mine\n')
    before = {path.name for path in Path('w').iterdir()}
    with pytest.raises(ValueError, match='0 to 255'):
        run(monkeypatch, '--work-dir', 'w', '--force', '--mean', '0.5', '0.4', '0.4')
    assert {path.name for path in Path('w').iterdir()} == before
    run(monkeypatch, '--work-dir', 'w', '--rounds', '2', '--force')
    assert not Path('w/export').exists()
    assert Path('w/replaced_1/export/model.safetensors').is_file()
    assert Path('w/replaced_1/student/student.pth').is_file()
    assert Path('w/replaced_1.py').read_text().endswith('# mine\n')
    run(monkeypatch, '--work-dir', 'w', '--rounds', '1', '--force')
    assert {'replaced_1.py', 'replaced_2.py'} < {path.name for path in Path('w').iterdir()}


def test_a_resumed_run_without_a_checkpoint_is_told_of(monkeypatch, capsys):
    monkeypatch.setattr(train, 'main', lambda _: None)
    monkeypatch.setattr(distill, 'finish', lambda *_: None)
    run(monkeypatch, '--work-dir', 'w', '--rounds', '1')
    run(monkeypatch, '--work-dir', 'w', '--rounds', '1', '--resume')
    assert 'w has no checkpoint yet: the run begins with its first round' in capsys.readouterr().out


@pytest.mark.parametrize('folder', ['.', '..', '/'])
def test_a_work_dir_without_a_name_is_told(monkeypatch, folder):
    with pytest.raises(ValueError, match=r'--work-dir should be a folder with a name.*NAME'):
        run(monkeypatch, '--work-dir', folder)


def test_a_file_that_is_there_is_not_replaced(monkeypatch):
    Path('w.py').write_text('mine = True\n')
    with pytest.raises(ValueError, match=r'w\.py should be a new file'):
        run(monkeypatch, '--work-dir', 'w')
    assert Path('w.py').read_text() == 'mine = True\n'


def test_the_users_module_is_not_moved_aside(monkeypatch):
    Path('my_net.py').write_text('from own_nets import with_bn as build\n')
    monkeypatch.setattr(distill, 'write_config', lambda *_: pytest.fail('went on'))
    for options in ([], ['--force']):
        with pytest.raises(ValueError, match='or a config that this command wrote, but is another'):
            run(monkeypatch, '--work-dir', 'my_net', *options)
    assert Path('my_net.py').read_text().startswith('from own_nets')
