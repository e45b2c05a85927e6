import pytest
import torch

from mmdfkd.models.generators import LayeredGenerator, UnconditionalGenerator
from mmdfkd.models.generators.dcgan_init import dcgan_init


def test_every_layer_is_drawn_anew():
    generator = UnconditionalGenerator(latent_dim=50, base_channels=16)
    before = {name: value.clone() for name, value in generator.named_parameters()}
    dcgan_init(generator)
    for name, value in generator.named_parameters():
        if name.startswith('pixel_norm'):  # median and contrast are the generator's own
            assert value.equal(before[name])
        elif name.endswith('bias'):
            assert not value.any()
        else:
            assert not value.equal(before[name])
    assert generator.dense.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert generator.convs[0].weight.std().item() == pytest.approx(0.02, rel=0.05)
    norms = torch.cat([norm.weight for norm in generator.norms])
    assert norms.mean().item() == pytest.approx(1, abs=0.02)
    assert 0 < norms.std() < 0.04


def test_the_contrast_of_layers_stays():
    generator = LayeredGenerator(latent_dim=5, image_size=8, base_channels=8, num_classes=3)
    before = generator.shade.weight.clone()
    dcgan_init(generator)
    assert generator.shade.weight.equal(before)
