"""The labels of an evaluation set: checked the same wherever one is read."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

_ADVICE = 'a figure of it would say nothing'
_MOST_READ = 1000  # images whose labels are not known without them


def check_labels(labels: Any, num_classes: int, name: str) -> None:
    """Raise a ValueError if ``labels`` (N,) are not all from 0 to ``num_classes`` - 1.

    Args:
        labels: numbers; anything else, such as several labels an image, is left alone.
        num_classes: C, the teacher's.
        name: what they are of, for the error.
    """
    found = np.asarray(labels)
    if found.ndim != 1 or not found.size or found.dtype.kind not in 'iu':
        return
    least, most = int(found.min()), int(found.max())
    if least < 0 or most >= num_classes:
        raise ValueError(
            f'labels of the {name} data set should be 0 to {num_classes - 1}, for the '
            f'{num_classes} classes of the teacher, but got {least} to {most}; mend its list or '
            f'its folders: {_ADVICE}'
        )


def check_class_names(own: Sequence[str], teachers: Sequence[str] | None, name: str) -> None:
    """Raise a ValueError if a data set has some of the teacher's class names at other places.

    Names of other words are no proof of another order, and pass.
    """
    if not teachers or len(own) != len(teachers):
        return
    wrong = [k for k, name in enumerate(own) if name in teachers and name != teachers[k]]
    if wrong:
        raise ValueError(
            f'classes of the {name} data set should be in the teacher’s order, but '
            f'{len(wrong)} are not: class {wrong[0]} is {own[wrong[0]]!r} rather than '
            f'{teachers[wrong[0]]!r}; set classes={list(teachers)[:20]} of that data set'
        )


def check_images(batch: Any, shape: Sequence[int], name: str) -> None:
    """Compare the images of an evaluation set with the synthetic ones, and warn of another shape.

    A network that takes any size says nothing, and its accuracy is of images that the student
    has seen none of.

    Args:
        batch: of an evaluation set, ``dict(inputs=[(C, H, W), ...], ...)``.
        shape: (C, H, W) of the synthetic images.
        name: what the data set is for: train, val, test.

    Raises:
        ValueError: if it is no such dict.
    """
    images = batch.get('inputs') if isinstance(batch, dict) else None
    if images is None or not len(images) or not isinstance(images[0], Tensor):
        raise ValueError(
            f'the {name} data set should give dict(inputs=(C, H, W), data_samples=...), but gives '
            f'{sorted(batch) if isinstance(batch, dict) else type(batch).__name__}; end its '
            'pipeline in PackInputs'
        )
    if tuple(images[0].shape) != tuple(shape):
        print_log(
            f'images of the {name} data set should be of the synthetic ones’ shape (C, H, W) '
            f'{tuple(shape)}, but are of {tuple(images[0].shape)}: accuracies are of images that '
            'the student has not learned from; resize them in its pipeline',
            logger='current',
            level=logging.WARNING,
        )


def check_dataset(
    dataset: Any, num_classes: int, name: str, class_names: Sequence[str] | None = None
) -> None:
    """Compare a data set's number of classes, their names and its labels with the teacher's.

    Args:
        dataset: mmpretrain's, or of as much as it has of ``num_classes``, ``metainfo`` and
            ``get_gt_labels``.
        num_classes: the teacher's.
        name: what the data set is for: train, val, test, or evaluation of synthetic images.
        class_names: the teacher's, where they are known.

    Raises:
        ValueError: if it has other classes, in another order, or labels beyond them.
    """
    names = (getattr(dataset, 'metainfo', None) or {}).get('classes') or ()
    found = getattr(dataset, 'num_classes', None) or len(names)
    if found and found != num_classes:
        place = f'{name}_dataloader.dataset'
        if name == 'evaluation':  # of a metric, which has no loader in the config
            place = 'test_dataloader.dataset or real_images'
        raise ValueError(
            f'the {name} data set should have the teacher’s {num_classes} classes, '
            f'but got {found} from {type(dataset).__name__}; see {place}'
        )
    check_class_names(names, class_names, name)
    check_labels(labels_of(dataset), num_classes, name)


def labels_of(dataset: Any) -> Any:
    """Return a data set's labels (N,), or None if it does not tell them without its images."""
    read = getattr(dataset, 'get_gt_labels', None)
    try:
        return None if read is None else read()
    except (KeyError, TypeError, ValueError):  # it has none
        return None


def class_names(teacher: Any, dataset: Any, num_classes: int) -> list[str]:
    """Return the classes' names: the teacher's, or else the data set's, or else their numbers.

    Args:
        teacher: a :class:`~mmdfkd.models.classifiers.Classifier`.
        dataset: mmpretrain's, or anything.
        num_classes: C.
    """
    of_dataset = (getattr(dataset, 'metainfo', None) or {}).get('classes')
    for names in (getattr(teacher, 'class_names', None), of_dataset):
        if names and len(names) == num_classes:
            return [str(name) for name in names]
    return [str(number) for number in range(num_classes)]


def first_of_each(
    dataset: Any, classes: Sequence[int], number: int
) -> tuple[Tensor, Tensor] | None:
    """Return the first images of classes of a data set, to look at.

    Args:
        dataset: mmpretrain's, or of items like its.
        classes: their labels.
        number: images of each, at most.

    Returns:
        images (N, C, H, W) uint8 and labels (N,); None of a data set of anything else, such as
        latents, normalised images, or images of several sizes.
    """
    known = labels_of(dataset)
    found: list[tuple[Tensor, int]] = []
    missing = dict.fromkeys(classes, number)
    for index in range(len(dataset) if known is not None else min(len(dataset), _MOST_READ)):
        if not any(missing.values()):
            break
        if known is not None and not missing.get(int(known[index])):
            continue
        item = dataset[index]
        image = item.get('inputs')
        label = getattr(item.get('data_samples'), 'gt_label', None)
        if getattr(image, 'dtype', None) != torch.uint8 or label is None or label.numel() != 1:
            return None
        if missing.get(int(label)):
            missing[int(label)] -= 1
            found.append((image, int(label)))
    if len({image.shape for image, _ in found}) != 1:
        return None
    images, labels = zip(*found, strict=True)
    return torch.stack(images), torch.tensor(labels)
