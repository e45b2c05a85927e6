import pytest
import torch

from mmdfkd.models.generators import UnconditionalGenerator
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
