"""The networks and the normalisation are tried at build: one pass of a few images each."""

import logging
from collections.abc import Callable
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.classifiers.probe import MISFITS
from mmdfkd.models.utils import BNRecorder, BNStatistics, frozen

#: Normalised pixels beyond the first are unlikely, beyond the second impossible.
_FAR, _ABSURD = 20, 256
#: A teacher of less is likely not trained: see :func:`_warn_of_untrained`.
_KNOWN, _SURE = 0.65, 0.2


def try_networks(
    teacher: Any,
    student: Any,
    normalize: Callable[[Tensor], Tensor],
    image_shape: tuple[int, int, int],
) -> None:
    """Show black, white and noise to both networks; find their final layers on the way.

    Args:
        teacher: a :class:`Classifier`; anything else is left alone.
        student: likewise.
        normalize: of pixels (N, C, H, W) in [0, 255].
        image_shape: (channels, height, width) of an image.

    Raises:
        ValueError: if a network cannot take such images, or gives no logits; or if the
            normalisation, or what the teacher says, cannot be right.
    """
    image_shape = tuple(image_shape)  # type: ignore[assignment]
    draw = torch.Generator().manual_seed(0)
    noise = torch.randint(256, (2, *image_shape), generator=draw)
    pixels = torch.cat([torch.zeros(1, *image_shape), torch.full((1, *image_shape), 255.0), noise])
    if type(pixels) is not Tensor or pixels.is_meta:
        return  # built to see shapes alone: there are no values
    try:
        inputs = normalize(pixels)
    except RuntimeError as error:
        raise ValueError(
            f'data_preprocessor should have mean and std of {image_shape[0]} channels, but '
            f'normalising images of {image_shape} raised: {error}; set both'
        ) from error
    if inputs.shape != pixels.shape:
        raise ValueError(
            f'data_preprocessor should keep the shape of images, but of {image_shape} makes '
            f'{tuple(inputs.shape[1:])}; give mean and std of {image_shape[0]} channels, and no '
            'padding'
        )
    _check_range(inputs[0], inputs[1])
    for name, part in (('teacher', teacher), ('student', student)):
        if isinstance(part, Classifier):
            with BNRecorder(part) as recorder:
                logits = _try(name, part, inputs, image_shape)
            _check_logits(name, logits)
            if name == 'teacher':
                _warn_of_untrained(logits, recorder.statistics)
    if isinstance(teacher, Classifier) and teacher.image_size not in (None, image_shape[1:]):
        print_log(
            f'the teacher should see images of the size it was made for, {teacher.image_size}, but '
            f'gets {image_shape[1:]}; its accuracy, if there is a test set, tells what that does',
            logger='current',
            level=logging.WARNING,
        )


def _try(name: str, part: Any, inputs: Tensor, image_shape: tuple[int, int, int]) -> Tensor:
    try:
        return part.probe(inputs.to(next(part.parameters()).device))
    except MISFITS as error:
        raise ValueError(
            f'the {name} should take images of {image_shape} (channels, height, width), but raised '
            f'{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ""}; '
            'set image_size and channels of the generator (or image_shape), or give a network '
            'for such images'
        ) from error


def _check_range(black: Tensor, white: Tensor) -> None:
    ends = f'black {black.amin():.4g} and white {white.amax():.4g}'
    if not (white > black).all() or not (white - black).isfinite().all():
        raise ValueError(
            f'std of data_preprocessor should be positive and finite, but it makes {ends}; give '
            'the teacher’s mean and std, in pixels of 0 to 255'
        )
    mean = float((-black / (white - black)).amax()) * 255
    if 0 < mean <= 1:
        raise ValueError(
            f'mean of data_preprocessor should be in pixels of 0 to 255, but got {mean:.3g} at '
            'most, of which images would be black; multiply the teacher’s by 255'
        )
    far = float(torch.cat([black, white]).abs().amax())
    if far > _ABSURD:
        raise ValueError(
            f'mean and std of data_preprocessor should be in pixels of 0 to 255, but they make '
            f'{ends}; multiply the teacher’s by 255'
        )
    if far > _FAR or (white - black).amax() < 1 / _FAR:
        print_log(
            f'data_preprocessor should normalise pixels to about -3 to 3, but makes {ends}; check '
            'that mean and std are the teacher’s, in pixels of 0 to 255 (one that learned pixels '
            'of 0 to 1 has mean 0 and std 255)',
            logger='current',
            level=logging.WARNING,
        )


def _check_logits(name: str, logits: Tensor) -> None:
    if not logits.isfinite().all():
        raise ValueError(
            f'the {name} should give finite logits, but got NaN or infinity of black, white or '
            'noise; check its weights, and mean and std of data_preprocessor'
        )
    if logits.size(1) < 2:
        raise ValueError(
            f'the {name} should give a logit of each class, 2 or more, but gives {logits.size(1)}; '
            'return (0, logit) for two classes'
        )
    if (logits >= 0).all() and (logits.sum(1) - 1).abs().max() < 1e-3:
        raise ValueError(
            f'the {name} should give logits, but its outputs are positive and sum to one; take its '
            'softmax off'
        )
    if name == 'teacher' and (logits == logits[:1, :1]).all():
        raise ValueError(
            f'the teacher should tell classes apart, but gives {float(logits[0, 0]):.4g} to every '
            'class of every image; give trained weights'
        )


def _warn_of_untrained(logits: Tensor, statistics: list[BNStatistics]) -> None:
    """Warn of a teacher that looks random, permuted or rounded to few values.

    A batch norm's running mean is what the weights before it make of images; of any images
    much the same channels are high and low. The median over the layers of the correlation of
    the two is 0.86 to 0.95 of trained networks (ten, of CIFAR-10 and ImageNet), and at most 0.60
    of random, permuted or coarsely rounded weights (docs/your_own_teacher.md).
    """
    found = sorted(_correlation(layer) for layer in statistics if len(layer.mean) > 3)
    if found and found[len(found) // 2] < _KNOWN:
        print_log(
            'the teacher’s batch norms should know what its weights make of images, but their '
            f'running means have a correlation of {found[len(found) // 2]:.2f} with those of a '
            'trial (trained networks: about 0.9): are its weights random, permuted or rounded? '
            'Its accuracy, if there is a test set, tells',
            logger='current',
            level=logging.WARNING,
        )
    if logits.std(1).mean() < _SURE:
        print_log(
            'the teacher should be surer of some classes than of others, but its logits of black, '
            f'white and noise spread by {float(logits.std(1).mean()):.2g} only: is it trained?',
            logger='current',
            level=logging.WARNING,
        )


def _correlation(layer: BNStatistics) -> float:
    seen, known = layer.mean - layer.mean.mean(), layer.running_mean - layer.running_mean.mean()
    return float(seen @ known / (seen.norm() * known.norm()).clamp_min(1e-12))


@torch.no_grad()
def try_generator(generator: Any, shape: tuple[int, int, int], num_classes: int) -> None:
    """Make a few images: they should be pixels in [0, 255] of the shape it states.

    Args:
        generator: of latents (N, latent_dim) and labels (N,).
        shape: (channels, height, width) of an image.
        num_classes: of the labels.

    Raises:
        ValueError: if the images are of another shape, or pixels of 0..1 or -1..1.
    """
    values = [*generator.parameters(), *generator.buffers()]
    draw = torch.Generator().manual_seed(0)
    device = values[0].device if values else torch.device('cpu')
    latents = torch.randn(4, generator.latent_dim, generator=draw)
    if type(latents) is not Tensor or latents.is_meta or any(value.is_meta for value in values):
        return  # built to see shapes alone: there are no values
    latents = latents.to(device)
    labels = torch.arange(4, device=device) % num_classes
    with frozen(generator) as network, torch.random.fork_rng(devices=[]):
        try:
            if hasattr(generator, 'draw_noise'):  # NAYER's, in place of latents
                images = network(labels, generator.draw_noise(labels))
            else:
                images = network(latents, labels)
        except NotImplementedError:
            return  # it has no forward yet
        except (RuntimeError, IndexError, TypeError, ValueError) as error:
            raise ValueError(
                f'the generator should make images of latents (N, {generator.latent_dim}) and '
                f'labels (N,), but raised {type(error).__name__}: {error}; check its latent_dim'
            ) from error
    if not isinstance(images, Tensor) or images.shape != (4, *shape):
        found = tuple(images.shape[1:]) if isinstance(images, Tensor) else type(images).__name__
        raise ValueError(
            f'the generator should make images of its out_channels and image_size, {shape}, but '
            f'made {found}; mend these attributes or its last layer'
        )
    low, high = float(images.amin()), float(images.amax())
    if not -1e-3 <= low <= high <= 255.001 or high <= 1:
        scale = (
            ' 127.5 * (x + 1)' if -1 <= low < 0 else ' 255 * x' if low >= 0 and high <= 1 else ''
        )
        raise ValueError(
            f'the generator should make pixels of 0 to 255, but made {low:.4g} to {high:.4g}; '
            f'scale its output{", as" * bool(scale)}{scale}'
        )
