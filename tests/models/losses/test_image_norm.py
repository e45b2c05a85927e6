import pytest
import torch

from mmdfkd.models.losses import ImageNormLoss


def test_the_value_is_the_mean_length_of_an_image():
    inputs = torch.randn(3, 2, 4, 5, dtype=torch.double)
    lengths = [sum(v * v for v in image.flatten().tolist()) ** 0.5 for image in inputs]
    assert float(ImageNormLoss(2.0)(inputs)) == pytest.approx(2 * sum(lengths) / 3)
    assert torch.autograd.gradcheck(ImageNormLoss(), inputs.requires_grad_())
