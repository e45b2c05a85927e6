import pytest
import torch
from PIL import Image
from toy import toy_labels, toy_optim_wrapper
from toy_images import image_folder
from toy_methods import toy_noise, toy_other_images

from mmdfkd.models.utils import gather


def test_noise_is_normal_for_the_networks():
    model = toy_noise(augment=None)  # pixels of mean 100 and std 50: 0 is at -2
    inputs = model.normalize(model.new_images(4000, torch.device('cpu')))
    standard = torch.randn(100000).clamp(-2, 3.1)
    assert inputs.min() >= -2
    assert inputs.max() <= 3.1
    assert inputs.mean() == pytest.approx(standard.mean().item(), abs=0.01)
    assert inputs.std() == pytest.approx(standard.std().item(), abs=0.01)


@pytest.mark.parametrize('toy', [toy_noise, toy_other_images])
def test_every_round_adds_new_images_for_the_student(toy):
    model = toy(capacity=100)
    wrapper = toy_optim_wrapper(model)
    logs = [model.train_step(toy_labels(), wrapper) for _ in range(3)]
    assert len(model.memory) == 18
    assert len(model.memory.images[:18].unique(dim=0)) > 12
    assert {'synthesis/confidence', 'synthesis/class_entropy', 'student/loss_kd'} <= set(logs[0])
    assert set(wrapper.optim_wrappers) == {'student'}


def test_the_log_says_how_the_teacher_sees_the_images():
    model = toy_noise()
    images = torch.rand(6, 3, 8, 8) * 255
    model.new_images = lambda num, device: images
    log = model.synthesize(toy_labels()['label'], toy_optim_wrapper(model))[0]
    predictions = model.teacher(model.normalize(images)).logits.softmax(1).tolist()
    means = [sum(row[c] for row in predictions) / 6 for c in range(3)]
    entropy = -sum(m * torch.tensor(m).log().item() for m in means)
    assert log['class_entropy'].item() == pytest.approx(entropy, rel=1e-4)
    assert log['confidence'].item() == pytest.approx(sum(map(max, predictions)) / 6, rel=1e-5)


def test_the_classes_are_those_of_all_processes_images(monkeypatch):
    """The mean of the processes' entropies is less than the entropy of their mean."""
    model = toy_noise()
    sharp = torch.tensor([9.0, 0.0, 0.0]).expand(6, 3)
    model.ask_teacher = lambda inputs: sharp
    monkeypatch.setitem(gather.__globals__, 'num_processes', lambda: 2)
    # The other one's images are of the last class.
    monkeypatch.setitem(gather.__globals__, 'all_gather', lambda rows: [rows, rows.flip(1)])
    log = model.synthesize(toy_labels()['label'], toy_optim_wrapper(model))[0]
    assert log['class_entropy'].item() == pytest.approx(torch.tensor(2.0).log().item(), abs=0.01)


def test_other_images_are_those_of_the_folder():
    model = toy_other_images()
    known = {Image.open(path).tobytes() for path in model.files}
    drawn = model.new_images(50, torch.device('cpu'))
    assert all(image.permute(1, 2, 0).byte().numpy().tobytes() in known for image in drawn)
    assert len(drawn.unique(dim=0)) > 20
    assert str(model.files[0].parent) == image_folder()


def test_a_student_is_evaluated_without_the_folder(tmp_path):
    model = toy_other_images(root=str(tmp_path / 'gone'))
    assert model(torch.rand(2, 3, 8, 8)).shape == (2, 3)
    with pytest.raises(FileNotFoundError, match='gone'):
        model.train_step(toy_labels(), toy_optim_wrapper(model))


@pytest.mark.parametrize('toy', [toy_noise, toy_other_images])
def test_a_floor_without_a_memory_is_refused(toy):
    with pytest.raises(ValueError, match='memory should be the config of one'):
        toy(memory=None)
