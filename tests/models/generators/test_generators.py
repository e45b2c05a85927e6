import pytest
import torch

from mmdfkd.models.generators import (
    ConditionalGenerator,
    NoisyLabelGenerator,
    UnconditionalGenerator,
)
from mmdfkd.models.generators.sizes import first_map_size, sides

INJECTIONS = ('one_hot', 'embedding', 'sum')
SIZES = (4, 28, 32, 40, 64, 96, 224, 320, (32, 96), (56, 28))


def build(label_injection=None, **kwargs):
    kwargs = {'latent_dim': 6, 'image_size': 28, 'base_channels': 2} | kwargs
    if label_injection is None:
        return UnconditionalGenerator(**kwargs)
    return ConditionalGenerator(
        num_classes=3, embedding_dim=4, label_injection=label_injection, **kwargs
    )


def batch(num=6):
    return torch.randn(num, 6), torch.arange(num) % 3


def perturbed(generator):
    """Away from the initial weights, where every class of a conditional norm is the same."""
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(torch.randn_like(parameter) / 3)
    return generator


@pytest.mark.parametrize('injection', [None, *INJECTIONS])
@pytest.mark.parametrize('subpixel', [False, True])
@pytest.mark.parametrize('image_size', SIZES)
def test_images_have_the_asked_size_and_range(injection, subpixel, image_size):
    generator = build(injection, subpixel=subpixel, image_size=image_size, out_channels=3)
    images = generator(*batch(3))
    assert images.shape == (3, 3, *sides(image_size))
    assert images.min() >= 0
    assert images.max() <= 255
    assert images.max() - images.min() > 100  # pixels, not a [0, 1] image


@pytest.mark.parametrize('injection', [None, *INJECTIONS])
@pytest.mark.parametrize('subpixel', [False, True])
def test_grey_images_have_one_channel(injection, subpixel):
    images = build(injection, subpixel=subpixel, out_channels=1)(*batch(3))
    assert images.shape == (3, 1, 28, 28)


@pytest.mark.parametrize('injection', INJECTIONS)
def test_the_label_changes_the_image(injection):
    # In double precision, since some processors' kernels round by an image's place in the batch.
    generator = perturbed(build(injection)).double().eval()
    latents = torch.randn(1, 6).double().expand(3, 6)
    images = generator(latents, torch.tensor([0, 1, 2]))
    again = generator(latents, torch.tensor([2, 1, 0])).flip(0)
    torch.testing.assert_close(images, again)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (images[one] - images[other]).abs().max() > 1


@pytest.mark.parametrize('injection', INJECTIONS)
def test_the_label_gets_to_matter_within_a_few_steps(injection):
    generator = build(injection)
    optimiser = torch.optim.Adam(generator.parameters(), lr=0.02)
    latents, labels = batch(30)
    brighter = (labels.float() - 1)[:, None, None, None]
    for _ in range(15):
        optimiser.zero_grad()
        (-(brighter * generator(latents, labels)).mean()).backward()
        optimiser.step()
    brightness = generator(latents, labels).mean((1, 2, 3))
    means = [brightness[labels == label].mean() for label in range(3)]
    assert means[0] + 20 < means[1] < means[2] - 20


@pytest.mark.parametrize('injection', [None, *INJECTIONS])
def test_the_latent_changes_the_image(injection):
    generator = build(injection).eval()
    images = generator(torch.randn(2, 6), torch.tensor([1, 1]))
    assert (images[0] - images[1]).abs().max() > 0.1


@pytest.mark.parametrize('injection', [None, *INJECTIONS])
@pytest.mark.parametrize('subpixel', [False, True])
def test_gradients_reach_every_parameter(injection, subpixel):
    generator = perturbed(build(injection, subpixel=subpixel))
    images = generator(*batch())
    (images * torch.randn_like(images)).sum().backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        # The pixel norm takes out the mean, and with it the bias before it.
        if name != 'to_pixels.bias':
            assert parameter.grad.abs().max() > 1e-4, name


def test_the_unconditional_generator_ignores_labels():
    generator = build().eval()
    latents, labels = batch()
    torch.testing.assert_close(generator(latents), generator(latents, labels))


@pytest.mark.parametrize('injection', INJECTIONS)
def test_a_conditional_generator_asks_for_labels(injection):
    with pytest.raises(ValueError, match='labels should be'):
        build(injection)(torch.randn(2, 6))


@pytest.mark.parametrize('injection', [None, *INJECTIONS])
@pytest.mark.parametrize('image_size', [-4, 0, 2, 30, 33, 225, 260, 1028, 520])
def test_sizes_that_cannot_be_made_raise(injection, image_size):
    with pytest.raises(ValueError, match=f'multiple of 4 .* but got {image_size}'):
        build(injection, image_size=image_size)


@pytest.mark.parametrize('image_size', [8.5, True, '32', (8,), (8, 8, 8), (8, 8.5), None])
def test_sizes_that_are_none_raise(image_size):
    with pytest.raises(
        ValueError, match=r'image_size should be a whole number or \(height, width\)'
    ):
        build(image_size=image_size)


@pytest.mark.parametrize(
    ('image_size', 'first'),
    [(28, (7, 7, 2)), (32, (8, 8, 2)), (224, (7, 7, 5)), (256, (8, 8, 5)), (1024, (8, 8, 7)),
     ((32, 96), (8, 24, 2)), ((48, 80), (6, 10, 3)), ((480, 640), (15, 20, 5)), (100, (25, 25, 2))],
)  # fmt: skip
def test_a_first_map_is_as_small_as_both_sides_allow(image_size, first):
    assert first_map_size(image_size) == first
    height, width, doublings = first
    assert (height << doublings, width << doublings) == sides(image_size)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'out_channels': 2}, 'out_channels should be 1 or 3, but got 2'),
        ({'num_classes': 1}, 'num_classes should be at least 2, but got 1'),
        ({'label_injection': 'text'}, "label_injection should be one of .* but got 'text'"),
    ],
)
def test_other_bad_arguments_raise(kwargs, message):
    with pytest.raises(ValueError, match=message):
        ConditionalGenerator(**({'num_classes': 3, 'base_channels': 2} | kwargs))


def test_subpixel_convolutions_spare_work_at_full_size():
    def largest_maps(subpixel):
        generator, sizes = build(subpixel=subpixel, image_size=32), []
        for module in generator.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.register_forward_hook(lambda _, __, out: sizes.append(out.size(-1)))
        generator(torch.randn(2, 6))
        return max(sizes)

    assert largest_maps(True) == 16
    assert largest_maps(False) == 32


@pytest.mark.parametrize('median_pixel', [0, 255, 300])
def test_a_median_pixel_out_of_range_raises(median_pixel):
    with pytest.raises(ValueError, match=r'median_pixel should be in \(0, 255\)'):
        build('one_hot', median_pixel=median_pixel)


@pytest.mark.parametrize('median_pixel', [33.46, 127.5, 200.0])
def test_training_starts_from_the_asked_median_pixel(median_pixel):
    generator = build('one_hot', median_pixel=median_pixel, base_channels=8)
    median = generator(*batch(60)).median().item()
    assert median == pytest.approx(median_pixel, abs=10)


def test_a_sum_of_latent_and_class_is_all_that_the_dense_layer_sees():
    generator = build('sum', latent_dim=5, image_size=8, base_channels=2)
    seen = []
    generator.dense.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    latents, labels = torch.randn(4, 5), torch.tensor([0, 2, 1, 2])
    generator(latents, labels)
    expected = torch.stack(
        [z + generator.embedding.weight[y] for z, y in zip(latents, labels, strict=True)]
    )
    torch.testing.assert_close(seen[0], expected)


def test_the_generator_is_dafls():
    generator = UnconditionalGenerator(image_size=32)
    assert generator.activation.negative_slope == 0.2
    assert generator.upsample.mode == 'nearest'
    decoder = NoisyLabelGenerator(3, image_size=32).decoder
    assert isinstance(decoder.pixel_norm, torch.nn.Identity)
