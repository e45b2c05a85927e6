import pytest
import torch

from mmdfkd.models.losses import LayoutSpreadLoss
from mmdfkd.models.losses.layout_spread import layout_spread_loss


def reference(maps, labels, spread, size):
    """Pooling by plain slices, pairs by plain loops."""
    step = maps.size(-1) // size
    layouts = []
    for image in maps:
        entries = [
            channel[r : r + step, c : c + step].mean()
            for channel in image
            for r in range(0, size * step, step)
            for c in range(0, size * step, step)
        ]
        layouts.append(torch.stack(entries))
    centre = sum(layouts) / len(layouts)
    layouts = [layout - centre for layout in layouts]
    hinges = []
    for i, one in enumerate(layouts):
        for j, other in enumerate(layouts):
            if i != j and labels[i] == labels[j]:
                distance = 1 - one @ other / (one.norm() * other.norm())
                hinges.append((spread - distance).clamp_min(0))
    return sum(hinges) / len(hinges)


def test_the_value_and_gradient_are_those_of_loops():
    maps = torch.randn(7, 2, 4, 4, dtype=torch.double, requires_grad=True)
    labels = torch.tensor([0, 1, 0, 1, 1, 2, 0])
    found = layout_spread_loss(maps, labels, 1.1, 2)
    expected = reference(maps, labels, 1.1, 2)
    assert expected > 0
    torch.testing.assert_close(found, expected)
    gradients = [torch.autograd.grad(loss, maps)[0] for loss in (found, expected)]
    torch.testing.assert_close(*gradients)


def test_one_picture_a_class_costs_the_most():
    labels = torch.arange(12) % 3
    pictures = torch.rand(3, 2, 8, 8)
    collapsed = layout_spread_loss(pictures[labels], labels, 0.9)
    torch.testing.assert_close(collapsed, torch.tensor(0.9))
    assert layout_spread_loss(torch.rand(12, 2, 8, 8), labels, 0.9) < 0.2


def test_no_pair_gives_a_zero_with_a_graph():
    maps = torch.rand(3, 2, 4, 4, requires_grad=True)
    loss = layout_spread_loss(maps, torch.arange(3))
    loss.backward()
    assert loss == 0
    assert not maps.grad.any()


def test_the_module_weighs_the_mean_over_layers_of_any_size():
    labels = torch.arange(6) % 2
    maps = [torch.rand(6, 2, 16, 16), torch.rand(6, 5, 2, 2)]
    losses = [layout_spread_loss(each, labels, 1.2, 4) for each in maps]
    found = LayoutSpreadLoss(3.0, spread=1.2, size=4)(maps, labels)
    torch.testing.assert_close(found, 1.5 * sum(losses))


@pytest.mark.parametrize('unfit', [dict(spread=0), dict(spread=2.5), dict(size=0)])
def test_unfit_arguments_are_refused(unfit):
    with pytest.raises(ValueError, match=f'{next(iter(unfit))} should be'):
        LayoutSpreadLoss(**unfit)


def test_tokens_are_refused():
    with pytest.raises(ValueError, match=r'should be \(N, C, H, W\), but got \(6, 16, 32\)'):
        LayoutSpreadLoss()([torch.rand(6, 16, 32)], torch.arange(6) % 3)
