import json

import pytest
import torch
from mmengine.config import Config
from toy_export import BGR, COLOUR, logits_of, untrained_run

from mmdfkd.export import load_student, write_onnx
from mmdfkd.export.onnx_file import compare, require_onnx

onnxruntime = pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')


@pytest.fixture(scope='module')
def colour(tmp_path_factory):
    distiller, config, checkpoint = untrained_run(tmp_path_factory.mktemp('colour'), COLOUR)
    return distiller, load_student(Config.fromfile(config), checkpoint)


@pytest.mark.parametrize('dtype', [torch.float32, torch.uint8], ids=str)
def test_onnx_runtime_gives_the_runs_logits_of_any_number_of_pixels(tmp_path, colour, dtype):
    distiller, student = colour
    student.classes = tuple('abcdefghij')
    assert write_onnx(student, tmp_path / 'model.onnx', dtype) <= 1e-5
    opened = onnxruntime.InferenceSession(tmp_path / 'model.onnx')
    (given,), (returned,) = opened.get_inputs(), opened.get_outputs()
    assert (given.name, given.shape) == ('pixels', ['batch', 3, 32, 32])
    assert given.type == ('tensor(float)' if dtype == torch.float32 else 'tensor(uint8)')
    assert (returned.name, returned.shape) == ('logits', ['batch', 10])
    for num in (1, 2, 9):
        pixels = torch.randint(256, (num, 3, 32, 32)).to(dtype)
        found = torch.from_numpy(opened.run(None, {'pixels': pixels.numpy()})[0])
        torch.testing.assert_close(found, logits_of(distiller, pixels), atol=1e-4, rtol=1e-4)
    said = opened.get_modelmeta().custom_metadata_map
    assert json.loads(said['classes']) == list('abcdefghij')
    assert said['pixels'] == 'RGB, 0 to 255, 32 x 32; normalised inside'


def test_networks_that_take_bgr_are_given_rgb(tmp_path):
    distiller, *files = untrained_run(tmp_path / 'run', COLOUR, **BGR)
    student = load_student(Config.fromfile(files[0]), files[1])
    write_onnx(student, tmp_path / 'model.onnx', torch.float32)
    opened = onnxruntime.InferenceSession(tmp_path / 'model.onnx')
    pixels = torch.randint(256, (3, 3, 32, 32)).float()
    found = torch.from_numpy(opened.run(None, {'pixels': pixels.numpy()})[0])
    torch.testing.assert_close(found, logits_of(distiller, pixels), atol=1e-4, rtol=1e-4)
    assert opened.get_modelmeta().custom_metadata_map['pixels'].startswith('RGB')


def test_a_file_that_gives_other_logits_is_refused(colour):
    _, student = colour
    model = student.pixel_classifier()
    with pytest.raises(ValueError, match=r'model\.onnx should give torch’s logits to 0\.0001 of'):
        compare(model, lambda pixels: model(pixels) * 1.01, student, torch.float32, 'model.onnx')
    with pytest.raises(ValueError, match='differs by nan'):
        compare(model, lambda pixels: model(pixels) * torch.nan, student, torch.float32, 'a')


def test_a_network_that_cannot_be_onnx_is_one_line(tmp_path, colour, monkeypatch):
    _, student = colour
    monkeypatch.setattr(
        student.network, 'forward', lambda inputs: inputs if inputs.sum() > 0 else -inputs
    )
    with pytest.raises(ValueError, match=r'ONNX should be able to hold a ImageClassifier, but its'):
        write_onnx(student, tmp_path / 'model.onnx', torch.float32)
    assert not (tmp_path / 'model.onnx').exists()


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr('mmdfkd.export.onnx_file.find_spec', lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'mmdfkd\[export\]'"):
        require_onnx()
