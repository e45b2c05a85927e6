"""Nothing that is there is replaced unless --force says so, and no file is ever half there."""

import json
import os
import sys
from pathlib import Path

import pytest
import torch
from load_tool import load_tool
from mmengine.config import Config

from mmdfkd.outputs import Output, make_folder
from mmdfkd.registry import MODELS

ROOT = Path(__file__).parents[1]


def test_a_new_file_is_written_whole_and_nothing_else_is_left(tmp_path):
    Output(tmp_path / 'new/out.json').write('{}')
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['out.json']
    assert (tmp_path / 'new/out.json').read_text() == '{}'


def test_a_writer_that_fails_leaves_what_was_there(tmp_path):
    file = tmp_path / 'out.txt'
    file.write_text('before')

    def fail(part):
        part.write_text('half')
        raise OSError(28, 'No space left on device')

    with pytest.raises(OSError, match='No space'):
        Output(file, force=True).save(fail)
    assert file.read_text() == 'before'
    assert [*tmp_path.iterdir()] == [file]


@pytest.mark.parametrize(
    ('given', 'told'),
    [
        ({}, 'out.txt should be a new file, but is there already; give another file, or --force'),
        ({'option': 'another --out'}, 'give another --out, or --force'),
        ({'own': lambda _: True, 'inputs': ['out.txt']}, 'but it is what this command reads'),
        ({'force': True, 'inputs': ['out.txt']}, 'but it is what this command reads'),
    ],
)
def test_what_is_there_is_kept(tmp_path, monkeypatch, given, told):
    monkeypatch.chdir(tmp_path)
    Path('out.txt').write_text('before')
    with pytest.raises(ValueError, match=told):
        Output('out.txt', **given)
    Output('out.txt', own=lambda path: path.read_text() == 'before').write('after')
    Output('out.txt', force=True).write('and after')
    assert Path('out.txt').read_text() == 'and after'


def test_a_link_to_nothing_may_be_replaced(tmp_path):
    (tmp_path / 'read.txt').touch()
    link = tmp_path / 'link.txt'
    link.symlink_to('nowhere')
    Output(link, force=True, inputs=[tmp_path / 'read.txt']).write('new')
    assert link.read_text() == 'new'
    assert not link.is_symlink()


def test_what_came_meanwhile_is_kept(tmp_path):
    out = Output(tmp_path / 'out.txt')
    (tmp_path / 'out.txt').write_text('of another')
    with pytest.raises(ValueError, match='is there already'):
        out.write('mine')
    assert (tmp_path / 'out.txt').read_text() == 'of another'


def test_what_a_kill_left_half_written_is_removed(tmp_path):
    names = ['.a.12345678.json', '.a.1234567g.json', '.b.12345678.json', '.a.87654321.json']
    for name in names:
        (tmp_path / name).touch()
        if name != names[-1]:  # which another command may just be writing
            os.utime(tmp_path / name, (0, 0))
    Output(tmp_path / 'a.json')
    assert {path.name for path in tmp_path.iterdir()} == set(names[1:])


def test_a_folder_and_a_place_that_cannot_be_written_are_told_first(tmp_path):
    with pytest.raises(ValueError, match='should be a file, but is a folder'):
        Output(tmp_path, force=True)
    (tmp_path / 'file').touch()
    with pytest.raises(OSError, match=r'file/out should be a file that can be written, but: '):
        Output(tmp_path / 'file/out')


@pytest.fixture
def checkpoint(tmp_path):
    """A config and a checkpoint of random networks."""
    cfg = Config.fromfile(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
    teacher = tmp_path / 'teacher.pth'
    torch.save(MODELS.build(cfg.model.teacher.network).state_dict(), teacher)
    cfg.model.teacher.checkpoint = str(teacher)
    cfg.model.memory.capacity = 4
    torch.save({'state_dict': MODELS.build(cfg.model).state_dict()}, tmp_path / 'run.pth')
    cfg.dump(tmp_path / 'run.py')
    return tmp_path / 'run.py', tmp_path / 'run.pth'


@pytest.mark.parametrize('force', [False, True])
def test_a_student_never_replaces_its_checkpoint_or_config(checkpoint, force):
    config, file = checkpoint
    before = config.read_bytes(), file.read_bytes()
    publish = load_tool('publish_student').publish
    for out in (file, file.with_name('run.pt')):  # and of the second, the config beside it
        with pytest.raises(ValueError, match=r'run\.(pth|py) should be a new file, but it is what'):
            publish(str(config), str(file), out, force)
    assert (config.read_bytes(), file.read_bytes()) == before
    assert not file.with_name('run.pt').exists()


def test_a_config_beside_a_student_is_kept_unless_forced(checkpoint):
    config, file = checkpoint
    out = file.with_name('student.pth')
    out.with_suffix('.py').write_text('mine')
    publish = load_tool('publish_student').publish
    with pytest.raises(ValueError, match=r'student\.py should be a new file'):
        publish(str(config), str(file), out)
    assert not out.exists()
    publish(str(config), str(file), out, True)
    assert 'data_preprocessor' in out.with_suffix('.py').read_text()
    with pytest.raises(ValueError, match=r'OUT\.pth, but got .*\.py'):
        publish(str(config), str(file), out.with_suffix('.py'), True)


def test_figures_find_out_first_where_they_cannot_be_written(checkpoint, tmp_path, monkeypatch):
    config, file = checkpoint
    tool = load_tool('figures')
    monkeypatch.setattr(tool, 'make_metrics', lambda *_: pytest.fail('it was measured'))
    arguments = [str(config), str(file), '--no-real', '--num', '20', '--json']
    with pytest.raises(OSError, match=r'run\.pth/f\.json should be a file that can be written'):
        tool.main([*arguments, str(file / 'f.json')])
    (tmp_path / 'mine.json').write_text('[1, 2]')
    with pytest.raises(ValueError, match=r'mine\.json should be new, or have figures, but is anot'):
        tool.main([*arguments, str(tmp_path / 'mine.json')])
    with pytest.raises(ValueError, match='it is what this command reads'):
        tool.main([*arguments, str(config), '--force'])


def test_robustness_finds_out_first_where_it_cannot_be_written(checkpoint, monkeypatch):
    pytest.importorskip('mlxtend')
    config, file = checkpoint
    tool = load_tool('robustness')
    monkeypatch.setattr(tool, 'evaluate', lambda *_: pytest.fail('it was measured'))
    arguments = [str(config), str(file), '--num', '20', '--json', str(file / 'r.json')]
    monkeypatch.setattr(sys, 'argv', ['robustness.py', *arguments])
    with pytest.raises(OSError, match=r'run\.pth/r\.json should be a file that can be written'):
        tool.main()


def test_metrics_find_out_first_where_they_cannot_be_written(checkpoint, tmp_path, monkeypatch):
    config, file = checkpoint
    tool = load_tool('test')
    for out, told in ((config, 'end in .json or .yaml'), (tmp_path / 'a.json', 'is there already')):
        (tmp_path / 'a.json').write_text('{}')
        arguments = [str(config), str(file), '--work-dir', str(tmp_path / 'work')]
        monkeypatch.setattr(sys, 'argv', ['test.py', *arguments, '--out', str(out)])
        with pytest.raises(ValueError, match=told):
            tool.main()


def test_a_report_replaces_reports_alone(tmp_path):
    page, tool = tmp_path / 'notes.html', load_tool('report')
    page.write_text('<html>mine</html>')
    with pytest.raises(ValueError, match=r'notes\.html should be a new file'):
        tool.main([str(tmp_path), '--out', str(page)])
    (tmp_path / 'README.md').write_text('# mine')
    with pytest.raises(ValueError, match=r'README\.md should be a new file'):
        tool.main([str(tmp_path), '--out', str(tmp_path / 'a.html'), '--markdown',
                   str(tmp_path / 'README.md')])  # fmt: skip
    assert json.dumps([page.read_text()]) == '["<html>mine</html>"]'


def test_reproduce_leaves_what_it_did_not_make(tmp_path):
    tool = load_tool('reproduce')
    (tmp_path / 'run').mkdir()
    for name in ('iter_500.pth', 'iter_1000.pth'):
        (tmp_path / 'run' / name).touch()
    (tmp_path / 'run/last_checkpoint').write_text('iter_1000.pth')
    config = str(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
    with pytest.raises(
        ValueError, match=r'should be new, or a run of this command, but has iter_1'
    ):
        tool.run(config, tmp_path / 'run', {}, [])
    assert (tmp_path / 'run/iter_1000.pth').exists()


def test_reproduce_leaves_the_checkpoints_of_a_run_that_was_not_evaluated(tmp_path, monkeypatch):
    tool, config = load_tool('reproduce'), str(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
    tool.check_settings(tmp_path, tool.read_config(config, {}), [])
    for name in ('iter_900.pth', 'iter_1000.pth'):
        (tmp_path / name).write_text(name)
    (tmp_path / 'last_checkpoint').write_text('iter_1000.pth')

    def fail(*_):
        raise SystemExit('full disk')

    monkeypatch.setattr(tool, 'train', fail)
    with pytest.raises(SystemExit):
        tool.run(config, tmp_path, {}, [])
    for name in ('iter_900.pth', 'iter_1000.pth'):
        assert (tmp_path / name).read_text() == name
    assert (tmp_path / 'last_checkpoint').read_text() == 'iter_1000.pth'


def test_a_folder_that_cannot_be_written_is_told_at_once(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr('tempfile.TemporaryFile', refuse)
    with pytest.raises(OSError, match=r'--plots should be a folder that can be written'):
        make_folder(tmp_path, '--plots')
