import pytest
import torch
from torch.nn import functional as F

from mmdfkd.models.generators import ConditionalGenerator, LayeredGenerator
from mmdfkd.models.generators.sizes import sides


def build(**kwargs):
    options = {'num_classes': 3, 'latent_dim': 6, 'image_size': 28, 'base_channels': 4}
    return LayeredGenerator(**options | kwargs)


@torch.no_grad()
def composed(generator, latents, labels):
    """Each pixel of each image by itself, from the top layer down: light that is left over."""
    code = torch.cat([latents, F.one_hot(labels, 3) * 3**0.5], dim=1)
    masks = generator.pixel_norm(generator.to_pixels(generator._maps(code)))
    masks = F.interpolate(masks, scale_factor=2, mode='bicubic').sigmoid()
    shades = generator.shade(code).sigmoid().view(len(code), generator.num_layers, -1)
    images = torch.zeros(len(code), shades.shape[2], *masks.shape[2:])
    for number in range(len(images)):
        passes = torch.ones(masks.shape[2:])
        for layer in reversed(range(generator.num_layers)):
            mask = masks[number, layer]
            for channel in range(images.shape[1]):
                images[number, channel] += passes * mask * shades[number, layer, channel]
            passes = passes * (1 - mask)
    return images * 255


@pytest.mark.parametrize('channels', [1, 3])
def test_images_are_layers_that_hide_what_is_below(channels):
    generator = build(out_channels=channels, num_layers=3).eval()
    latents, labels = torch.randn(5, 6), torch.tensor([0, 1, 2, 2, 0])
    expected = composed(generator, latents, labels)
    torch.testing.assert_close(generator(latents, labels), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize('image_size', [28, 32, (32, 96)])
def test_images_have_the_asked_size_and_start_mostly_dark(image_size):
    torch.manual_seed(0)
    images = build(image_size=image_size, out_channels=3)(torch.randn(64, 6), torch.arange(64) % 3)
    assert images.shape == (64, 3, *sides(image_size))
    assert images.min() >= 0
    assert images.max() <= 255
    assert 20 < images.mean() < 127
    assert (images > 100).float().mean() > 0.05


def plain(generator):
    """Share of neighbouring pixels that differ by less than 8."""
    torch.manual_seed(0)
    images = generator(torch.randn(64, 6), torch.arange(64) % 3)
    return ((images[..., 1:] - images[..., :-1]).abs() < 8).float().mean()


def test_neighbours_are_alike_more_often_than_without_layers():
    assert plain(build()) > 1.3 * plain(ConditionalGenerator(3, 6, image_size=28, base_channels=4))


def test_masks_shades_and_label_are_learned():
    generator = build()
    generator(torch.randn(6, 6), torch.arange(6) % 3).square().mean().backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None, name
    assert generator.shade.weight.grad[:, -3:].abs().sum() > 0


def test_the_number_of_layers_is_positive():
    with pytest.raises(ValueError, match='num_layers should be'):
        build(num_layers=0)
