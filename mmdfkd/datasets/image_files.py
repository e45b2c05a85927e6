"""Images of a folder, whatever they show, as pixels of one size."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torchvision.datasets.folder import IMG_EXTENSIONS
from torchvision.transforms.functional import pil_to_tensor


def find_images(root: str | Path) -> list[Path]:
    """List the images of a folder: its own, or those of its folders, one a class.

    With folders of classes they are the samples of torchvision's ``ImageFolder``. Names that
    begin with a dot are passed over; whatever else is no image is an error, not left out in
    silence.

    Args:
        root: the folder.

    Returns:
        At least one path, in alphabetical order.

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
        inside = [path for path in sorted(folder.rglob('*')) if not _hidden(path, root)]
        found = [path for path in inside if not path.is_dir()]
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


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith('.') for part in path.relative_to(root).parts)


def _eight_bits(image: Image.Image, path: Path) -> Image.Image:
    """Return an image of 16 bits in 8, as OpenCV reads it; Pillow makes all over 255 white."""
    if image.mode.startswith('I'):
        return Image.fromarray((np.asarray(image) // 256).clip(0, 255).astype(np.uint8))
    if image.mode == 'F':
        raise ValueError(f'{path} should be an image of 8 or 16 bits, but has floats; convert it')
    return image


def read_image(path: Path, shape: tuple[int, ...]) -> Tensor:
    """Read an image, scaled to cover ``shape`` and cropped to it around the centre.

    Args:
        path: the file.
        shape: (channels, height, width); 1 channel is grey, 3 are RGB.

    Returns:
        Pixels in [0, 255], float32, of ``shape``.

    Raises:
        ValueError: if the file cannot be read as an image, or has floats.
    """
    channels, height, width = shape
    try:
        with Image.open(path) as image:
            picture = _eight_bits(image, path).convert('L' if channels == 1 else 'RGB')
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError(
            f'{path} should be an image, but: {error}; take it out of the folder'
        ) from error
    fitted = ImageOps.fit(picture, (width, height), Image.Resampling.BILINEAR)
    return pil_to_tensor(fitted).to(torch.float32)
