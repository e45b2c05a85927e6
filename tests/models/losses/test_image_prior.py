import pytest
import torch
from torchmetrics.functional.image import total_variation

from mmdfkd.models.losses import PixelStatisticsLoss, TotalVariationLoss
from mmdfkd.models.losses.image_prior import pixel_statistics_loss, total_variation_loss


def pixels(inputs, channel):
    return [float(value) for value in inputs[:, channel].flatten()]


def statistics_by_loops(inputs):
    squares_of_mean = squares_of_var = 0.0
    for channel in range(inputs.size(1)):
        values = pixels(inputs, channel)
        mean = sum(values) / len(values)
        var = sum((value - mean) ** 2 for value in values) / len(values)
        squares_of_mean += mean**2
        squares_of_var += (var - 1) ** 2
    return squares_of_mean**0.5 + squares_of_var**0.5


def variation_by_loops(inputs):
    num, channels, height, width = inputs.shape
    down, right = [], []
    for image in inputs.view(num * channels, height, width).tolist():
        for y in range(height):
            for x in range(width):
                if y:
                    down.append(abs(image[y][x] - image[y - 1][x]))
                if x:
                    right.append(abs(image[y][x] - image[y][x - 1]))
    return sum(down) / len(down) + sum(right) / len(right)


@pytest.mark.parametrize('shape', [(5, 3, 4, 6), (2, 1, 7, 3)])
@pytest.mark.parametrize(
    ('loss', 'reference'),
    [
        (pixel_statistics_loss, statistics_by_loops),
        (total_variation_loss, variation_by_loops),
    ],
)
def test_the_value_is_that_of_loops(loss, reference, shape):
    inputs = torch.randn(shape, dtype=torch.double) * 2 + 0.5
    assert float(loss(inputs)) == pytest.approx(reference(inputs))
    assert torch.autograd.gradcheck(loss, inputs.requires_grad_())


def test_total_variation_is_the_libraries_of_square_images():
    inputs = torch.rand(4, 3, 9, 9)
    expected = total_variation(inputs, reduction='sum') / (4 * 3 * 9 * 8)
    torch.testing.assert_close(total_variation_loss(inputs), expected)


def test_images_as_the_preprocessor_left_them_cost_nothing():
    inputs = torch.randn(50, 3, 8, 8)
    var, mean = torch.var_mean(inputs, (0, 2, 3), correction=0, keepdim=True)
    assert pixel_statistics_loss((inputs - mean) / var.sqrt()) < 1e-5
    assert total_variation_loss(torch.full((2, 1, 4, 4), 3.0)) == 0


@pytest.mark.parametrize('loss_class', [PixelStatisticsLoss, TotalVariationLoss])
def test_the_weight_scales_the_loss(loss_class):
    inputs = torch.randn(3, 1, 5, 5)
    torch.testing.assert_close(loss_class(2.5)(inputs), 2.5 * loss_class(1.0)(inputs))
