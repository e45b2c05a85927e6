"""A folder or a file of labelled images that grows, and can stop, batch by batch."""

import json
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.utils import make_grid

from mmdfkd.outputs import make_folder

METADATA = 'dataset.json'
GRID_COLUMNS = 10


def class_names(classes: int) -> list[str]:
    """Name the folders so that they sort as the labels do."""
    return [str(label).zfill(len(str(classes - 1))) for label in range(classes)]


def check_place(out: Path) -> None:
    """Make the folder of a data set, or that of its .npz file.

    Raises:
        OSError: if it cannot be made.
        ValueError: if another file is in its place.
    """
    packed = out.suffix == '.npz'
    if out.exists() and out.is_file() != packed:
        raise ValueError(
            f'OUT should be a folder, or a file that ends in .npz, but {out} is '
            f'{"a folder" if packed else "another file"}; give another'
        )
    if out.is_file():
        try:
            with np.load(out, allow_pickle=False) as content:
                json.loads(str(content['metadata']))['settings']
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise ValueError(
                f'OUT should be new, or a data set that this tool made, but {out} is none; give '
                'another'
            ) from error
    make_folder(out.absolute().parent if packed else out, 'OUT')


def begin(folder: Path, settings: dict) -> dict:
    """Make the folder, or read how far it is.

    Raises:
        ValueError: if it holds anything else, or was begun with other settings.
    """
    file = folder / METADATA
    if file.is_file():
        try:
            state = json.loads(file.read_text())
            found = dict(state['settings'])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f'OUT should be new, or a data set that this tool began, but {file} is of none; '
                'give another'
            ) from error
        check_same(folder, found, settings)
        return state
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(
            f'{folder} should be new, or a data set that this tool began, but it has other '
            'files; give another OUT'
        )
    folder.mkdir(parents=True, exist_ok=True)
    counts = [0] * settings['num_classes']
    state = dict(settings=settings, batches=0, counts=counts, teacher_agrees=0)
    write_state(folder, state)
    return state


def check_same(out: Path, found: dict, settings: dict) -> None:
    """Raise a ValueError if ``out`` was begun with other settings."""
    differing = sorted(k for k in settings.keys() | found if settings.get(k) != found.get(k))
    if differing:
        raise ValueError(
            f'{out} should have been begun with the same settings, but got '
            f'{ {k: (found.get(k), settings.get(k)) for k in differing} } (there, asked); '
            'give another OUT, or remove it'
        )


def write_state(folder: Path, state: dict) -> None:
    """Write the metadata, with how far the data set is, whole or not at all."""
    half = folder / f'{METADATA}.tmp'
    half.write_text(json.dumps(state, indent=2) + '\n')
    half.replace(folder / METADATA)


def write_image(path: Path, pixels: Tensor) -> None:
    """Write ``pixels`` (C, H, W) uint8 as a grey or colour PNG, whole or not at all."""
    half = path.with_name(f'{path.name}.tmp')
    Image.fromarray(pixels.permute(1, 2, 0).squeeze(-1).numpy()).save(half, 'PNG')
    half.replace(path)


def pack(folder: Path, out: Path) -> None:
    """Turn a finished folder into one .npz file of plain arrays."""
    files = sorted(folder.glob('*/*.png'))  # class by class
    images = np.stack([np.asarray(Image.open(file)) for file in files])
    images = images.reshape(*images.shape[:3], -1)  # a grey file has no channel axis
    labels = np.array([int(file.parent.name) for file in files], dtype=np.int64)
    half = out.with_name(f'{out.name}.tmp')
    with half.open('wb') as file:
        np.savez(
            file, images=images, labels=labels, metadata=np.array((folder / METADATA).read_text())
        )
    half.replace(out)


def write_grid(out: Path, grid: Path, settings: dict) -> None:
    """Write one picture of the data set's first images, a row a class."""
    columns = min(GRID_COLUMNS, settings['num'] // settings['num_classes'])
    rows = range(settings['num_classes'])
    if out.suffix == '.npz':
        with np.load(out, allow_pickle=False) as content:
            every, labels = content['images'], content['labels']
        images = [image for row in rows for image in every[labels == row][:columns]]
    else:
        names = class_names(len(rows))
        files = [
            out / names[row] / f'{number:06d}.png' for row in rows for number in range(columns)
        ]
        images = [np.asarray(Image.open(file)) for file in files]
    stack = torch.from_numpy(np.stack(images))
    stack = stack.reshape(*stack.shape[:3], -1).permute(0, 3, 1, 2)
    grid.parent.mkdir(parents=True, exist_ok=True)
    write_image(grid, make_grid(stack, nrow=columns, pad_value=255))
