"""A round on a GPU that is not there: devices and waits, backwards and updates aside."""

import pytest
import torch
from mmengine.optim import AmpOptimWrapper
from mmengine.optim.optimizer import amp_optimizer_wrapper
from mmengine.utils import digit_version
from torch import nn
from torch._subclasses import FakeTensorMode
from toy import NUM_CLASSES, toy_dedfkd, toy_optim_wrapper
from two_processes import BATCH, METHODS, METRICS, method

from mmdfkd.models.utils import RandomAffine, RandomErase, RandomSymmetry, ShiftFlip

pytestmark = pytest.mark.skipif(
    digit_version(torch.__version__) < digit_version('2.14.1'),
    reason='torch 2.6 ends the process where fake tensors meet no driver; 2.14.1 does not',
)

GPU = torch.device('cuda', 0)
LIBRARY = [name for name, metric in METRICS.items() if not metric['objective'].startswith('M')]


def on_gpu(tensor):
    return torch.empty(tensor.shape, dtype=tensor.dtype, device=GPU)


def move(model):
    """Move the distiller; fake tensors cannot be swapped by its own ``to``."""
    for module in model.modules():
        for name, weight in module._parameters.items():
            if weight is not None:
                module._parameters[name] = nn.Parameter(on_gpu(weight), weight.requires_grad)
        module._buffers.update(
            {k: on_gpu(buffer) for k, buffer in module._buffers.items() if buffer is not None}
        )
    model.data_preprocessor._device = GPU
    return model


def one_round(build):
    with FakeTensorMode():
        model = move(build())
        optim_wrapper = toy_optim_wrapper(model)
        for wrapper in optim_wrapper.optim_wrappers.values():
            wrapper.update_params = lambda loss: None  # autograd would look for the GPU
        labels = torch.arange(BATCH, device=GPU) % NUM_CLASSES
        return model.train_step({'label': labels}, optim_wrapper)


@pytest.mark.parametrize('name', [name for name in METHODS if name not in LIBRARY])
def test_a_round_stays_on_the_gpu_and_waits_for_nothing(name):
    log = one_round(lambda: method(name))
    assert {value.device.type for value in log.values()} == {'cuda'}


@pytest.mark.parametrize(
    'augment',
    [ShiftFlip(2), RandomAffine(1.0, stretch=1.5), RandomErase(0.5), RandomSymmetry(0.5)],
)
def test_augmentation_stays_on_the_gpu_and_waits_for_nothing(augment):
    assert one_round(lambda: toy_dedfkd(augment=augment, num_views=2))


def test_a_wait_would_be_seen():
    with FakeTensorMode(), pytest.raises(Exception, match='_local_scalar_dense'):
        torch.ones(2, device=GPU).any().item()


@pytest.fixture
def amp(monkeypatch):
    """Runs two updates with ``--amp``'s wrapper; its loss scale is on as if a GPU were there."""
    monkeypatch.setattr(amp_optimizer_wrapper, 'is_cuda_available', lambda: True)
    monkeypatch.setattr('torch.cuda.amp.common.amp_definitely_not_available', lambda: False)

    def update(optimizer, **options):
        with FakeTensorMode():
            weight = nn.Parameter(on_gpu(torch.empty(3)))
            weight.grad = on_gpu(weight)
            wrapper = AmpOptimWrapper(optimizer=optimizer([weight], lr=0.1), **options)
            for _ in range(2):
                wrapper.loss_scaler.scale(weight.sum())
                wrapper.step()

    return update


@pytest.mark.filterwarnings('ignore:`torch.cuda.amp.GradScaler:FutureWarning')
@pytest.mark.parametrize('optimizer', [torch.optim.SGD, torch.optim.Adam])
def test_an_update_waits_with_a_loss_scale_only(amp, optimizer):
    amp(optimizer, dtype='bfloat16', loss_scale=dict(enabled=False))
    with pytest.raises(Exception, match='_local_scalar_dense'):
        amp(optimizer, dtype='float16')
