import pytest
import torch
from mmpretrain.models import ImageClassifier, LinearClsHead
from torch.nn import functional as F

from mmdfkd.models.backbones import WideResNet
from mmdfkd.models.classifiers import Classifier


def classifier(depth, widen, num_classes=10, **kwargs):
    network = dict(
        type=ImageClassifier,
        backbone=dict(type=WideResNet, depth=depth, widen=widen),
        head=dict(type=LinearClsHead, num_classes=num_classes, in_channels=64 * widen),
    )
    return Classifier(network, **kwargs)


def common_name(name):
    """Our key as the common PyTorch code of wide ResNets has it."""
    name = name.removeprefix('backbone.').removeprefix('head.')
    parts = name.split('.')
    if parts[0].startswith('block'):
        parts.insert(1, 'layer')
    return '.'.join('convShortcut' if part == 'shortcut' else part for part in parts)


def norm_relu(state, name, maps):
    mean, var, weight, bias = (
        state[f'{name}.{key}'] for key in ('running_mean', 'running_var', 'weight', 'bias')
    )
    return F.batch_norm(maps, mean, var, weight, bias).relu()


def reference(state, images, blocks):
    """Logits from a state dict of the common code, a block at a time."""
    maps = F.conv2d(images, state['conv1.weight'], padding=1)
    for stage in (1, 2, 3):
        for index in range(blocks):
            name = f'block{stage}.layer.{index}'
            stride = 2 if stage > 1 and index == 0 else 1
            activated = norm_relu(state, f'{name}.bn1', maps)
            residual = F.conv2d(activated, state[f'{name}.conv1.weight'], None, stride, 1)
            residual = norm_relu(state, f'{name}.bn2', residual)
            residual = F.conv2d(residual, state[f'{name}.conv2.weight'], None, 1, 1)
            if f'{name}.convShortcut.weight' in state:
                maps = F.conv2d(activated, state[f'{name}.convShortcut.weight'], None, stride)
            maps = maps + residual
    features = F.avg_pool2d(norm_relu(state, 'bn1', maps), 8).flatten(1)
    return features @ state['fc.weight'].T + state['fc.bias']


@pytest.mark.parametrize(
    ('depth', 'widen', 'millions'), [(40, 2, 2.2), (40, 1, 0.6), (16, 2, 0.7), (16, 1, 0.2)]
)
def test_sizes_are_the_papers(depth, widen, millions):
    model = classifier(depth, widen)
    size = sum(p.numel() for p in model.parameters()) / 1e6
    assert round(size, 1) == millions
    logits, features = model(torch.randn(2, 3, 32, 32))
    assert (logits.shape, features.shape) == ((2, 10), (2, 64 * widen))


@pytest.mark.parametrize(('depth', 'widen'), [(16, 1), (22, 2)])
def test_it_is_the_common_codes_network_and_reads_its_weights(depth, widen, tmp_path):
    source = classifier(depth, widen).train()
    for _ in range(3):  # running statistics of their own
        source(torch.randn(8, 3, 32, 32) * 2 + 1)
    state = {common_name(k): v for k, v in source.network.state_dict().items()}
    torch.save(state, tmp_path / 'common.pth')

    model = classifier(depth, widen, checkpoint=str(tmp_path / 'common.pth')).eval()
    images = torch.randn(4, 3, 32, 32)
    with torch.no_grad():
        logits = model(images).logits
        torch.testing.assert_close(logits, reference(state, images, (depth - 4) // 6))
        torch.testing.assert_close(logits, source.eval()(images).logits)


def test_first_weights_are_hes():
    backbone = WideResNet(16, 2)
    torch.manual_seed(0)
    backbone.init_weights()
    weight = backbone.block3[1].conv2.weight
    assert weight.detach().std() == pytest.approx((2 / (128 * 9)) ** 0.5, rel=0.02)


@pytest.mark.parametrize(
    ('argument', 'message'), [(dict(depth=18), 'depth should be 6n'), (dict(widen=0), 'widen')]
)
def test_arguments_are_checked(argument, message):
    with pytest.raises(ValueError, match=message):
        WideResNet(**argument)
