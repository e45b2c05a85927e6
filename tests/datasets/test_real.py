import re
from pathlib import Path
from urllib.error import URLError

import pytest

from mmdfkd.datasets import CIFAR10, CIFAR100

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
