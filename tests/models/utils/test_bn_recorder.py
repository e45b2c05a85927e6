import pytest
import torch
from torch import nn

from mmdfkd.models.utils import BNRecorder
from mmdfkd.models.utils.bn_recorder import channel_statistics


def statistics_of(maps):
    """Mean and biased variance of each channel of (N, C, ...), by a loop."""
    means, variances = [], []
    for c in range(maps.size(1)):
        values = maps[:, c].flatten()
        mean = sum(values) / len(values)
        means.append(mean)
        variances.append(sum((value - mean) ** 2 for value in values) / len(values))
    return torch.stack(means), torch.stack(variances)


def test_statistics_are_those_of_the_inputs_of_each_batch_norm(bn_network):
    images = torch.rand(4, 3, 6, 6)
    with BNRecorder(bn_network) as recorder:
        outputs = bn_network(images)
    first = bn_network[0](images)
    second = bn_network[3](torch.relu(bn_network[1](first)))
    assert len(recorder.statistics) == 2
    layers = (bn_network[1], bn_network[4])
    for record, layer, maps in zip(recorder.statistics, layers, (first, second), strict=True):
        mean, var = statistics_of(maps)
        torch.testing.assert_close(record.mean, mean)
        torch.testing.assert_close(record.var, var)
        assert torch.equal(record.running_mean, layer.running_mean)
        assert torch.equal(record.running_var, layer.running_var)
    torch.testing.assert_close(outputs, bn_network(images))


def test_in_eval_mode_running_statistics_stay(bn_network):
    before = [buffer.clone() for buffer in bn_network.buffers()]
    with BNRecorder(bn_network):
        bn_network(torch.rand(4, 3, 6, 6))
    for old, new in zip(before, bn_network.buffers(), strict=True):
        assert torch.equal(old, new)


def num_hooks(network):
    return sum(len(module._forward_pre_hooks) for module in network.modules())


def test_hooks_are_gone_after_the_block(bn_network):
    with BNRecorder(bn_network) as recorder:
        assert num_hooks(bn_network) == 2
        bn_network(torch.rand(2, 3, 6, 6))
    bn_network(torch.rand(2, 3, 6, 6))
    assert num_hooks(bn_network) == 0
    assert len(recorder.statistics) == 2


def test_hooks_are_gone_after_an_exception(bn_network):
    with pytest.raises(ZeroDivisionError), BNRecorder(bn_network):
        raise ZeroDivisionError
    assert num_hooks(bn_network) == 0


def test_other_hooks_are_left_alone(bn_network):
    bn_network[1].register_forward_pre_hook(lambda *_: None)
    with BNRecorder(bn_network):
        bn_network(torch.rand(2, 3, 6, 6))
    assert num_hooks(bn_network) == 1


def test_a_second_block_starts_afresh(bn_network):
    recorder = BNRecorder(bn_network)
    for images in (torch.zeros(2, 3, 6, 6), torch.ones(2, 3, 6, 6)):
        with recorder:
            bn_network(images)
    assert len(recorder.statistics) == 2
    torch.testing.assert_close(
        recorder.statistics[0].mean, bn_network[0](torch.ones(2, 3, 6, 6)).mean((0, 2, 3))
    )


def test_the_gradient_of_the_statistics_reaches_the_input(bn_network):
    images = torch.rand(4, 3, 6, 6, requires_grad=True)
    with BNRecorder(bn_network) as recorder:
        bn_network(images)
    for record in recorder.statistics:
        for statistic in (record.mean, record.var):
            (grad,) = torch.autograd.grad(statistic.sum(), images, retain_graph=True)
            assert grad.any()


@pytest.mark.parametrize('dtype', [torch.half, torch.bfloat16])
def test_half_precision_inputs_are_computed_in_single(dtype):
    norm = nn.BatchNorm2d(3).eval().to(dtype)
    maps = (300 + 100 * torch.randn(8, 3, 16, 16)).to(dtype)
    with BNRecorder(norm) as recorder:
        norm(maps)
    record = recorder.statistics[0]
    assert record.mean.dtype == record.var.dtype == torch.float
    torch.testing.assert_close(record.mean, maps.float().mean((0, 2, 3)))
    torch.testing.assert_close(record.var, maps.float().var((0, 2, 3), correction=0))


@pytest.mark.parametrize(
    ('norm', 'shape'),
    [
        (nn.BatchNorm1d(4), (6, 4)),
        (nn.BatchNorm1d(4), (6, 4, 5)),
        (nn.BatchNorm3d(4), (3, 4, 2, 2, 2)),
    ],
)
def test_batch_norms_of_other_ranks_are_recorded(norm, shape):
    inputs = torch.randn(shape)
    with BNRecorder(norm.eval()) as recorder:
        norm(inputs)
    mean, var = statistics_of(inputs)
    torch.testing.assert_close(recorder.statistics[0].mean, mean)
    torch.testing.assert_close(recorder.statistics[0].var, var)


def test_norms_without_running_statistics_are_left_out():
    network = nn.Sequential(
        nn.BatchNorm2d(3, track_running_stats=False), nn.GroupNorm(1, 3), nn.BatchNorm2d(3)
    ).eval()
    with BNRecorder(network) as recorder:
        network(torch.rand(2, 3, 4, 4))
    assert len(recorder.statistics) == 1


def test_timm_norms_with_a_built_in_activation_are_recorded():
    norms = pytest.importorskip('timm.layers')
    norm = norms.BatchNormAct2d(3).eval()
    maps = torch.randn(4, 3, 5, 5)
    with BNRecorder(nn.Sequential(norm)) as recorder:
        assert norm(maps).min() == 0  # its activation acts
    mean, var = statistics_of(maps)
    torch.testing.assert_close(recorder.statistics[0].mean, mean)
    torch.testing.assert_close(recorder.statistics[0].var, var)


@pytest.mark.parametrize('shape', [(6, 3), (4, 3, 5), (4, 3, 5, 2)])
def test_channel_statistics_have_the_gradient_of_a_loop(shape):
    maps = torch.randn(shape, dtype=torch.double, requires_grad=True)
    weights = torch.randn(2, 3, dtype=torch.double)
    found, expected = channel_statistics(maps), statistics_of(maps)
    for mine, reference in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, reference)
    gradients = [
        torch.autograd.grad((torch.stack(pair) * weights).sum(), maps) for pair in (found, expected)
    ]
    torch.testing.assert_close(*gradients)


def test_channel_statistics_of_half_precision_are_of_full():
    maps = (torch.randn(64, 3, 8, 8) + 100).bfloat16().requires_grad_()
    mean, var = channel_statistics(maps)
    assert mean.dtype == var.dtype == torch.float
    expected = torch.var_mean(maps.float(), dim=(0, 2, 3), correction=0)
    torch.testing.assert_close((var, mean), expected)
    (mean + var).sum().backward()
    assert maps.grad.dtype == torch.bfloat16


def test_channel_statistics_keep_the_memory_format_of_the_gradient():
    maps = torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last).requires_grad_()
    channel_statistics(maps)[1].sum().backward()
    assert maps.grad.is_contiguous(memory_format=torch.channels_last)
