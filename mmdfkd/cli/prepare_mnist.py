"""Bring MNIST's four files to data/mnist: by download, or from folders of PNG files."""

import shutil
import struct
import tempfile
from http.client import HTTPException
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track

from mmdfkd.cli.command import Parser, as_command

NAMES = {'train': 'train', 'test': 't10k'}
FILES = [
    f'{name}-{kind}-ubyte' for name in NAMES.values() for kind in ('images-idx3', 'labels-idx1')
]


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write a uint8 array as an IDX file, MNIST's own format."""
    header = struct.pack(f'>HBB{array.ndim}I', 0, 8, array.ndim, *array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def convert(pngs: Path, out: Path) -> None:
    """Turn ``pngs/{train,test}/{0..9}/*.png`` into the four files.

    Raises:
        FileNotFoundError: if a split has no image.
    """
    for split, name in NAMES.items():
        files = sorted((pngs / split).glob('[0-9]/*.png'))
        if not files:
            raise FileNotFoundError(
                f'images should be at {pngs}/{split}/0/*.png ... {pngs}/{split}/9/*.png, '
                'but none is there'
            )
        images = np.stack([np.array(Image.open(file)) for file in track(files, split)])
        write_idx(out / f'{name}-images-idx3-ubyte', images)
        write_idx(out / f'{name}-labels-idx1-ubyte', np.array([int(f.parent.name) for f in files]))


def download(out: Path) -> None:
    """Download with torchvision and move the files to ``out``.

    Raises:
        FileNotFoundError: if they cannot be downloaded; ``out`` is then as it was.
    """
    from torchvision.datasets import MNIST

    with tempfile.TemporaryDirectory() as folder:
        try:
            MNIST(folder, download=True)
        except (OSError, RuntimeError, HTTPException) as error:
            raise FileNotFoundError(
                f'{", ".join(FILES)} should be in {out.resolve()}, but downloading them failed: '
                f'{str(error).strip()}; put the four files there, unpacked, or give --from-pngs '
                'DIR, a folder with train/0/*.png ... test/9/*.png'
            ) from error
        out.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.move(f'{folder}/MNIST/raw/{name}', out / name)


def main() -> None:
    """Run."""
    parser = Parser(description=__doc__)
    parser.add_argument('--out', type=Path, default=Path('data/mnist'))
    parser.add_argument('--from-pngs', type=Path, metavar='DIR', help='holds train/0 ... test/9')
    args = parser.parse_args()
    if args.from_pngs:
        convert(args.from_pngs, args.out)
    elif all((args.out / name).is_file() for name in FILES):
        print('The four files are there already: nothing to download')
    else:
        download(args.out)
    print(f'MNIST is in {args.out}')


command = as_command(main)

if __name__ == '__main__':
    command()
