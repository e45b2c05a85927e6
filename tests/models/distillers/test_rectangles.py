"""Images that are no squares, in every method: made, remembered, augmented, looked at."""

import pytest
import torch
from toy import toy_labels, toy_optim_wrapper
from toy_methods import METHODS

from mmdfkd.models.generators import (
    ConditionalGenerator,
    NoisyLabelGenerator,
    UnconditionalGenerator,
)
from mmdfkd.models.utils import (
    Compose,
    RandomAffine,
    RandomErase,
    RandomResizedCrop,
    RandomSymmetry,
    ShiftFlip,
)

SHAPE = (3, 8, 12)
SIZES = dict(image_size=SHAPE[1:], base_channels=2)
GENERATORS = dict(
    dedfkd=dict(type=ConditionalGenerator, num_classes=3, latent_dim=5, **SIZES),
    mad=dict(type=ConditionalGenerator, num_classes=3, latent_dim=5, **SIZES),
    nayer=dict(type=NoisyLabelGenerator, num_classes=3, code_dim=7, noise_dim=5, **SIZES),
)
OTHER = dict(type=UnconditionalGenerator, latent_dim=5, **SIZES)


@pytest.mark.parametrize('name', METHODS)
def test_a_round_of_rectangles(name):
    without = name in ('noise', 'other_images', 'deepinversion')
    size = dict(image_shape=SHAPE) if without else dict(generator=GENERATORS.get(name, OTHER))
    model = METHODS[name](**size)
    model.train()
    log = model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert all(value.isfinite() for value in log.values())
    assert tuple(model.image_shape) == SHAPE
    assert model.preview(6, 3).shape[1:] == SHAPE
    if model.memory is not None:
        assert model.memory.images.shape[1:] == SHAPE


def test_augmentations_keep_rectangles():
    parts = [RandomAffine(1.0, stretch=1.5), RandomErase(), RandomSymmetry(), RandomResizedCrop()]
    augment = Compose([ShiftFlip(1), *parts])
    images = torch.rand(5, *SHAPE) * 255
    found = augment(images, torch.rand(5, augment.num_draws))
    assert found.shape == images.shape
    assert 0 <= found.min() <= found.max() <= 255
