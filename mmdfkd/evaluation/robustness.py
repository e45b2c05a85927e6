"""How a student is measured on corrupted and attacked test images, beside its teacher."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from mmdfkd.datasets import CIFARC
from mmdfkd.datasets.corruptions import corrupt
from mmdfkd.datasets.labels import check_dataset, check_images, check_labels
from mmdfkd.models.distillers import load_distiller
from mmdfkd.registry import DATASETS, MODELS

from .functional.attacks import Network, fgsm, pgd

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
ATTACKS = ('fgsm', 'pgd')


class Images(NamedTuple):
    """Test images (N, C, H, W) uint8, labels (N,) int64, their places, and the data set."""

    pixels: Tensor
    labels: Tensor
    indices: np.ndarray
    dataset: Any = None


def read_test_set(cfg: Config, num: int, seed: int) -> Images:
    """Decode ``num`` random images of the config's test set, as its pipeline gives them.

    Raises:
        ValueError: if they are of several sizes.
    """
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    indices = np.sort(np.random.default_rng(seed).permutation(len(dataset))[:num])
    samples = [dataset[int(index)] for index in indices]
    sizes = sorted({tuple(sample['inputs'].shape) for sample in samples})
    if len(sizes) > 1:
        raise ValueError(
            f'test images should be of one size, but got {sizes[:3]}; resize them in the pipeline '
            'of test_dataloader'
        )
    pixels = torch.stack([sample['inputs'] for sample in samples])
    labels = torch.tensor([int(sample['data_samples'].gt_label) for sample in samples])
    return Images(pixels, labels, indices, dataset)


def build_networks(
    cfg: Config, checkpoint: str, real_student: str | None, images: Images | None = None
) -> dict[str, Network]:
    """Return functions of pixels (N, C, H, W) in [0, 255] that give logits, by name.

    Raises:
        FileNotFoundError: if weights are not there.
        ValueError: if they are another network's, or the images of other classes or channels.
    """
    distiller = load_distiller(cfg, checkpoint).to(DEVICE).requires_grad_(False)
    if images is not None:
        names = getattr(distiller.teacher, 'class_names', None)
        check_dataset(images.dataset, distiller.num_classes, 'test', names)
        check_labels(images.labels, distiller.num_classes, 'test')
        # Of the images that it learned from: a mean may be one number for all channels.
        channels, found = distiller.image_shape[0], images.pixels.size(1)
        if found != channels:
            raise ValueError(
                f'test images should have {channels} channels, as the synthetic ones, but got '
                f'{found}; mend the test_dataloader of the config'
            )
        check_images({'inputs': images.pixels}, distiller.image_shape, 'test')
    classifiers = {'student': distiller.student, 'teacher': distiller.teacher}
    if real_student:
        # What the config says of a file is of the one that the distilled student begins with.
        file = dict(checkpoint=real_student, prefix='', key=None, sha256=None, how_to_get='')
        on_real_data = MODELS.build(cfg.model.student | file)
        classifiers['student on real data'] = on_real_data.to(DEVICE).requires_grad_(False)

    def logits(classifier: torch.nn.Module, pixels: Tensor) -> Tensor:
        return classifier(distiller.normalize(pixels)).logits

    return {name: partial(logits, network.eval()) for name, network in classifiers.items()}


def accuracy(
    network: Network, images: Images, batch_size: int, attack: Callable | None = None
) -> float:
    """Return the top-1 accuracy in percent, of attacked images if there is an attack."""
    right = 0
    pairs = zip(images.pixels.split(batch_size), images.labels.split(batch_size), strict=True)
    for pixels, labels in pairs:
        inputs, labels = pixels.to(DEVICE).float(), labels.to(DEVICE)
        if attack:
            inputs = attack(network, inputs, labels)
        with torch.no_grad():
            right += int((network(inputs).argmax(1) == labels).sum())
    return 100 * right / len(images.labels)


def corrupted(images: Images, name: str, severity: int, seed: int) -> Images:
    """Corrupt images as CIFAR-10-C does."""
    pairs = zip(images.pixels.permute(0, 2, 3, 1).numpy(), images.indices, strict=True)
    pixels = [corrupt(image, name, severity, int(index), seed) for image, index in pairs]
    return images._replace(pixels=torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2))


def published(images: Images, name: str, severity: int, folder: str) -> Images:
    """Read corrupted images at the same places from the published files of CIFAR-10-C.

    Raises:
        ValueError: if the test images are of another shape, or their labels others.
    """
    dataset = CIFARC(folder, name, severity)
    pixels = torch.from_numpy(dataset.images[images.indices]).permute(0, 3, 1, 2)
    if pixels.shape != images.pixels.shape:
        raise ValueError(
            f'test images should be of shape {(*pixels.shape[1:],)} to compare them with {folder}, '
            f'but got {(*images.pixels.shape[1:],)}; leave --cifar-c out'
        )
    differing = int((dataset.labels[images.indices] != images.labels.numpy()).sum())
    if differing:
        raise ValueError(
            f'test images should be those of {folder} in their order, CIFAR’s own, but '
            f'{differing} of {len(pixels)} labels differ; take the whole test set of mmpretrain’s '
            'CIFAR10 or CIFAR100, not folders or a part of it, or leave --cifar-c out'
        )
    return images._replace(pixels=pixels)


def make_attack(name: str, eps: float, steps: int, seed: int) -> Callable | None:
    """Return an attack of (network, pixels, labels); None if ``name`` is none of ATTACKS."""
    if name == 'pgd':
        return partial(pgd, eps=eps, steps=steps, generator=torch.Generator().manual_seed(seed))
    return partial(fgsm, eps=eps) if name == 'fgsm' else None
