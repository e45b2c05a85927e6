"""Bring MNIST's four files to data/mnist: by download, or from folders of PNG files."""

import shutil
import struct
import tempfile
from functools import partial
from http.client import HTTPException
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track
from torchvision.datasets.folder import IMG_EXTENSIONS

from mmdfkd.cli.command import Parser, as_command
from mmdfkd.outputs import Output, make_folder

NAMES = {'train': 'train', 'test': 't10k'}
FILES = [
    f'{name}-{kind}-ubyte' for name in NAMES.values() for kind in ('images-idx3', 'labels-idx1')
]


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write a uint8 array as an IDX file, MNIST's own format."""
    header = struct.pack(f'>HBB{array.ndim}I', 0, 8, array.ndim, *array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def read_digit(file: Path) -> np.ndarray:
    """Read an image as (28, 28) uint8; one in colours that are all grey is taken.

    Raises:
        ValueError: if it is no image, of another size, or has colours.
    """
    try:
        with Image.open(file) as image:
            pixels = np.asarray(image.convert('L' if image.mode in ('L', '1') else 'RGB'))
    except OSError as error:
        raise ValueError(f'{file} should be an image, but: {error}; take it away') from error
    if pixels.shape[:2] != (28, 28) or (pixels.ndim == 3 and np.ptp(pixels, axis=2).any()):
        raise ValueError(
            f'{file} should be a grey image of 28 x 28 pixels, but is {image.mode} of '
            f'{pixels.shape[1]} x {pixels.shape[0]}; convert it first'
        )
    return pixels if pixels.ndim == 2 else pixels[..., 0]


def find_digits(folder: Path) -> list[Path]:
    """List the PNG files of a split's folders.

    Raises:
        ValueError: if one has images of another kind, which would be left out.
    """
    files = sorted(folder.glob('[0-9]/*'))
    endings = {*IMG_EXTENSIONS} - {'.png'}
    others = [path for path in files if path.suffix.lower() in endings]
    if others:
        raise ValueError(
            f'{folder} should have PNG files, but got {len(others)} others, the first of them '
            f'{others[0]}; convert them first, or take them away'
        )
    return [path for path in files if path.suffix.lower() == '.png']


def convert(pngs: Path, out: Path, force: bool = False) -> None:
    """Turn ``pngs/{train,test}/{0..9}/*.png`` into the four files.

    Raises:
        FileNotFoundError: if a split has no image.
        ValueError: if a digit has none, an image is no PNG file, or no grey one of 28 x 28
            pixels, or a file is there already, unless ``force`` replaces it.
    """
    splits = {split: find_digits(pngs / split) for split in NAMES}
    for split, files in splits.items():
        if not files:
            raise FileNotFoundError(
                f'images should be at {pngs}/{split}/0/*.png ... {pngs}/{split}/9/*.png, '
                'but none is there'
            )
        missing = sorted({*range(10)} - {int(file.parent.name) for file in files})
        if missing:
            raise ValueError(
                f'{pngs}/{split} should have images of each digit, but has none of {missing}; put '
                'them into folders of these names'
            )
    outputs = {name: Output(out / name, force, option='another --out') for name in FILES}
    arrays = {}
    for split, name in NAMES.items():
        images = [read_digit(file) for file in track(splits[split], split)]
        arrays[f'{name}-images-idx3-ubyte'] = np.stack(images)
        labels = [int(file.parent.name) for file in splits[split]]
        arrays[f'{name}-labels-idx1-ubyte'] = np.array(labels)
    for name, array in arrays.items():  # all is well with both splits
        outputs[name].save(partial(write_idx, array=array))


def download(out: Path, force: bool = False) -> None:
    """Download with torchvision and move the files to ``out``.

    What is there stays, unless ``force`` replaces it.

    Raises:
        FileNotFoundError: if they cannot be downloaded.
        OSError: if ``out`` cannot be made.
    """
    from torchvision.datasets import MNIST

    new = [folder for folder in (out, *out.parents) if not folder.exists()]
    make_folder(out, '--out')
    wanted = [name for name in FILES if force or not (out / name).is_file()]
    outputs = {name: Output(out / name, force, option='another --out') for name in wanted}
    with tempfile.TemporaryDirectory() as folder:
        try:
            MNIST(folder, download=True)
        except (OSError, RuntimeError, HTTPException) as error:
            for made in new:
                made.rmdir()
            raise FileNotFoundError(
                f'{", ".join(FILES)} should be in {out.resolve()}, but downloading them failed: '
                f'{str(error).strip()}; put the four files there, unpacked, or give --from-pngs '
                'DIR, a folder with train/0/*.png ... test/9/*.png'
            ) from error
        for name, output in outputs.items():
            output.save(partial(shutil.move, f'{folder}/MNIST/raw/{name}'))
    for name in FILES:
        if name not in wanted:
            print(f'{out / name} is there already')


def main() -> None:
    """Run."""
    parser = Parser(description=__doc__)
    parser.add_argument('--out', type=Path, default=Path('data/mnist'))
    parser.add_argument('--from-pngs', type=Path, metavar='DIR', help='holds train/0 ... test/9')
    parser.add_argument('--force', action='store_true', help='replace what is there')
    args = parser.parse_args()
    if args.from_pngs:
        convert(args.from_pngs, args.out, args.force)
    elif all((args.out / name).is_file() for name in FILES) and not args.force:
        print('The four files are there already: nothing to download')
    else:
        download(args.out, args.force)
    print(f'MNIST is in {args.out}')


command = as_command(main)

if __name__ == '__main__':
    command()
