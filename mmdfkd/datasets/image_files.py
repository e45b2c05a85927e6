"""Images of a folder, whatever they show, as pixels of one size."""

import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.datasets.folder import IMG_EXTENSIONS
from torchvision.transforms.functional import pil_to_tensor

#: What Pillow raises of a file that it cannot open or decode.
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


def find_images(root: str | Path) -> list[Path]:
    """List the images of a folder: its own, or those of its folders, one a class.

    With folders of classes they are the samples of torchvision's ``ImageFolder``. Names that
    begin with a dot are passed over; whatever else is no image is an error, not left out in
    silence.

    Args:
        root: the folder.

    Returns:
        At least one path, in the order of ``ImageFolder``.

    Raises:
        FileNotFoundError: if there is no such folder, or it or one of its folders is empty.
        ValueError: if images and folders lie side by side, or a file is no image by its name.
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(
            f'root should be a folder of images, but got {root.resolve()}, where none is; '
            'put images there, or set model.root to where you have them'
        )
    entries = [path for path in sorted(root.iterdir()) if not path.name.startswith('.')]
    folders = [path for path in entries if path.is_dir()]
    if folders and len(folders) < len(entries):
        single = next(path for path in entries if path not in folders)
        raise ValueError(
            f'{root} should hold images or folders of images, but got both {single.name} and '
            f'{folders[0].name}/; move the ones or the others away'
        )
    files = []
    for folder in folders or [root]:
        found = [path for path in _files_below(folder) if not _hidden(path, root)]
        if not found:
            raise FileNotFoundError(f'{folder} should hold images, but it is empty; put some there')
        files += found
    strangers = [path for path in files if path.suffix.lower() not in IMG_EXTENSIONS]
    if strangers:
        raise ValueError(
            f'{root} should hold images ({" ".join(IMG_EXTENSIONS)}) and no other file, but got '
            f'{len(strangers)} others, the first of them {strangers[0]}; move them away'
        )
    return files


def _files_below(folder: Path) -> list[Path]:
    """List files in the order of ``ImageFolder``, which follows links to folders."""
    walk = sorted(os.walk(folder, followlinks=True))
    return [Path(place, name) for place, _, names in walk for name in sorted(names)]


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith('.') for part in path.relative_to(root).parts)


def _eight_bits(image: Image.Image, path: Path) -> Image.Image:
    """Return an image of 16 bits in 8, as OpenCV reads it; Pillow makes all over 255 white."""
    # A TIFF's mode I is its own range, which nobody knows; a PGM's is 16 bits.
    if image.mode == 'F' or (image.mode == 'I' and image.format == 'TIFF'):
        kind = 'floats' if image.mode == 'F' else 'signed or 32-bit numbers'
        raise ValueError(f'{path} should be an image of 8 or 16 bits, but has {kind}; convert it')
    if image.mode.startswith('I'):
        return Image.fromarray((np.asarray(image) // 256).clip(0, 255).astype(np.uint8))
    return image


def read_image(path: Path, shape: tuple[int, ...]) -> Tensor:
    """Read an image, scaled to cover ``shape`` and cropped to it around the centre.

    Args:
        path: the file.
        shape: (channels, height, width); 1 channel is grey, 3 are RGB.

    Returns:
        Pixels in [0, 255], float32, of ``shape``.

    Raises:
        ValueError: if the file cannot be read as an image, or has other numbers than 8 or 16
            bits.
    """
    channels, height, width = shape
    mode = 'L' if channels == 1 else 'RGB'
    try:
        with Image.open(path) as image:
            image.load()
            decoded = image if image.mode[0] in 'IF' else image.convert(mode)
    except UNREADABLE as error:
        raise ValueError(
            f'{path} should be an image, but: {error}; take it out of the folder'
        ) from error
    picture = _eight_bits(decoded, path).convert(mode)
    fitted = ImageOps.fit(picture, (width, height), Image.Resampling.BILINEAR)
    return pil_to_tensor(fitted).to(torch.float32)
