import re
import struct
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

from mmdfkd.datasets import CIFAR10, CIFAR100, MNIST, FashionMNIST

BASE = Path(__file__).parents[2] / 'configs/_base_/datasets'


def test_a_failed_download_leaves_no_folder(tmp_path, monkeypatch):
    def fail(*_, **__):
        (tmp_path / 'cifar10').mkdir()
        raise URLError('no network')

    monkeypatch.setattr('mmpretrain.datasets.cifar.download_and_extract_archive', fail)
    with pytest.raises(FileNotFoundError, match='no network'):
        CIFAR10(data_root=str(tmp_path / 'cifar10'))
    assert not (tmp_path / 'cifar10').exists()


@pytest.mark.parametrize('dataset', [CIFAR10, CIFAR100])
def test_missing_files_are_explained_with_lines_for_folders_of_images(dataset, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        dataset(data_root=str(tmp_path), download=False)
    message = str(caught.value)
    assert f'the files of {dataset.__name__} should be in {tmp_path}' in message
    bases = re.findall(r'from \.+_base_\.datasets\.(\w+) import', message)
    assert bases == [f'{dataset.__name__.lower()}_folder{end}' for end in ('', '_train')]
    assert all((BASE / f'{name}.py').is_file() for name in bases)


def write_idx(path, array):
    header = struct.pack(f'>HBB{array.ndim}I', 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.tobytes())


@pytest.mark.parametrize('dataset', [MNIST, FashionMNIST])
@pytest.mark.parametrize(('split', 'length'), [('train', 4), ('test', 2)])
def test_the_split_chooses_the_files(dataset, split, length, tmp_path):
    for name, number in (('train', 4), ('t10k', 2)):
        images = np.full((number, 28, 28), number, dtype=np.uint8)
        write_idx(tmp_path / f'{name}-images-idx3-ubyte', images)
        write_idx(tmp_path / f'{name}-labels-idx1-ubyte', np.arange(number, dtype=np.uint8))
    found = dataset(data_root=str(tmp_path), split=split, download=False)
    assert len(found) == length
    assert [item['gt_label'] for item in found] == list(range(length))
    assert (found[0]['img'] == length).all()
    # As mmpretrain's configs say it besides.
    test = split == 'test'
    assert len(dataset(str(tmp_path), split, test_mode=test, download=False)) == length
    with pytest.raises(ValueError, match=f'test_mode should be {test} or left out .*; set split'):
        dataset(str(tmp_path), split, test_mode=not test, download=False)


def test_missing_fashion_is_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'FashionMNIST should.*dataset-fashion'):
        FashionMNIST(data_root=str(tmp_path), download=False)
