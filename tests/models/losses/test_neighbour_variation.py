import pytest
import torch

from mmdfkd.models.losses import NeighbourVariationLoss
from mmdfkd.models.losses.neighbour_variation import neighbour_variation_l1, neighbour_variation_l2
from mmdfkd.models.utils import gather


def differences_by_loops(inputs):
    """Differences to the four neighbours on one side, by direction."""
    _, _, height, width = inputs.shape
    found = {(0, 1): [], (1, 0): [], (1, 1): [], (1, -1): []}
    for image in inputs.flatten(0, 1).tolist():
        for y in range(height):
            for x in range(width):
                for (down, right), differences in found.items():
                    if y + down < height and 0 <= x + right < width:
                        differences.append(image[y + down][x + right] - image[y][x])
    return found.values()


def l1_by_loops(inputs):
    return sum(sum(map(abs, d)) / len(d) for d in differences_by_loops(inputs))


def l2_by_loops(inputs):
    return sum(sum(v * v for v in d) ** 0.5 for d in differences_by_loops(inputs))


@pytest.mark.parametrize('shape', [(3, 2, 4, 5), (1, 1, 6, 3)])
@pytest.mark.parametrize(
    ('loss', 'reference'),
    [(neighbour_variation_l1, l1_by_loops), (neighbour_variation_l2, l2_by_loops)],
)
def test_the_value_is_that_of_loops(loss, reference, shape):
    inputs = torch.randn(shape, dtype=torch.double)
    assert float(loss(inputs)) == pytest.approx(reference(inputs))
    assert torch.autograd.gradcheck(loss, inputs.requires_grad_())


@pytest.mark.parametrize('norm', ['l1', 'l2'])
def test_a_grey_image_costs_nothing_and_has_a_finite_gradient(norm):
    inputs = torch.full((2, 3, 4, 4), 0.5, requires_grad=True)
    loss = NeighbourVariationLoss(norm)(inputs)
    loss.backward()
    assert loss == 0
    assert inputs.grad.isfinite().all()


def test_the_norm_is_that_of_all_processes_images(monkeypatch):
    """It was of a process's own, and the loss of two halves was less than that of the whole."""
    inputs = torch.randn(3, 2, 5, 5, requires_grad=True)
    whole = torch.cat([inputs, inputs])
    expected = neighbour_variation_l2(whole)
    [gradient] = torch.autograd.grad(expected, whole)
    monkeypatch.setitem(gather.__globals__, 'num_processes', lambda: 2)
    monkeypatch.setitem(gather.__globals__, 'all_gather', lambda rows: [rows, rows])
    loss = NeighbourVariationLoss('l2')(inputs)
    loss.backward()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(inputs.grad / 2, gradient[:3])  # halved by the processes' mean


def test_the_weight_scales_the_norm_that_was_asked_for():
    inputs = torch.randn(2, 3, 5, 5)
    expected = 2.5 * neighbour_variation_l2(inputs)
    torch.testing.assert_close(NeighbourVariationLoss('l2', 2.5)(inputs), expected)
    with pytest.raises(ValueError, match="norm should be 'l1' or 'l2', but got 'l3'"):
        NeighbourVariationLoss('l3')
