import pytest
import torch
from torch import nn

from mmdfkd.export import PixelClassifier, TrainedStudent, quantise, write_onnx
from mmdfkd.export.int8 import accuracies, agreement
from mmdfkd.export.onnx_file import run, session

onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """A small student as ONNX, and in 8 bits, calibrated on dark images."""
    folder = tmp_path_factory.mktemp('int8')
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3)
    ).eval()
    with torch.no_grad():  # each channel of another size, as weights of one scale would not show
        network[0].weight *= torch.tensor([1.0, 0.1, 0.01, 10.0]).view(-1, 1, 1, 1)
    student = TrainedStudent(
        network, None, network.state_dict(), [20.0], [10.0], (1, 8, 8), [], None
    )
    write_onnx(student, folder / 'whole.onnx', torch.float32)
    quantise(folder / 'whole.onnx', folder / 'int8.onnx', dark(300))
    return student, folder / 'whole.onnx', folder / 'int8.onnx'


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.no_grad():
        yield


def dark(num):
    return torch.randint(64, (num, 1, 8, 8), dtype=torch.uint8)


def test_eight_bits_are_near_inside_the_range_that_they_saw(files):
    student, _, int8 = files
    pixels = dark(50)
    expected = student.pixel_classifier()(pixels)
    found = run(session(int8), pixels)
    error = (found - expected).square().mean() / expected.square().mean()
    assert 0 < float(error) < 0.02


def test_beyond_that_range_they_are_cut_off(files):
    student, _, int8 = files
    bright = torch.full((4, 1, 8, 8), 250, dtype=torch.uint8)
    expected = student.pixel_classifier()(bright)
    found = run(session(int8), bright)
    assert float((found - expected).abs().max()) > 0.2 * float(expected.abs().max())


def test_weights_have_a_scale_each_output_channel(files):
    graph = onnx.load(files[2]).graph
    scales = {init.name: list(init.dims) for init in graph.initializer if 'scale' in init.name}
    assert [4] in scales.values()
    assert {init.data_type for init in graph.initializer} >= {onnx.TensorProto.INT8}
    assert 'QuantizeLinear' in {node.op_type for node in graph.node}


def test_agreement_and_accuracy_count_images(files, tmp_path):
    student, whole, int8 = files
    pixels = dark(100)
    ours = student.pixel_classifier()(pixels).argmax(1)
    eight = run(session(int8), pixels).argmax(1)
    assert agreement(whole, int8, pixels) == float((ours == eight).float().mean() * 100)
    assert agreement(whole, whole, pixels) == 100
    labels = ours.clone()
    labels[:30] = (labels[:30] + 1) % 3
    batches = zip(pixels.split(40), labels.split(40), strict=True)
    first, second = accuracies([whole, int8], batches)
    assert first == pytest.approx(70)
    assert second == pytest.approx(float((eight == labels).float().mean() * 100))


def test_uint8_files_are_quantised_too(files, tmp_path):
    student = files[0]
    write_onnx(student, tmp_path / 'whole.onnx', torch.uint8)
    quantise(tmp_path / 'whole.onnx', tmp_path / 'int8.onnx', dark(100))
    pixels = dark(20)
    theirs = run(session(tmp_path / 'int8.onnx'), pixels)
    model = PixelClassifier(student.network, student.mean, student.std)
    assert float((theirs - model(pixels)).abs().max()) < 0.1 * float(theirs.abs().max())
