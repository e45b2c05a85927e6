import sys
from pathlib import Path
from urllib.error import URLError

import cv2
import numpy as np
import pytest
import torchvision
from load_tool import load_tool

from mmdfkd.datasets import MNIST

tool = load_tool('prepare_mnist')


def prepare(monkeypatch, act, *arguments):
    """Run with ``act(folder)`` for a download."""

    def stand_in(root, download):
        act(Path(root) / 'MNIST/raw')

    monkeypatch.setattr(torchvision.datasets, 'MNIST', stand_in)
    monkeypatch.setattr(sys, 'argv', ['prepare_mnist.py', *map(str, arguments)])
    tool.main()


def write_files(folder):
    for name in tool.FILES:
        tool.write_idx(folder / name, np.arange(3))


def fail(folder):
    folder.mkdir(parents=True)
    (folder / 'train-images-idx3-ubyte.gz').write_bytes(b'half')
    raise URLError('no network')


def test_the_files_are_those_that_the_data_set_reads():
    packed = [name for name, _ in MNIST.train_list + MNIST.test_list]
    assert [f'{name}.gz' for name in tool.FILES] == packed


def test_a_download_leaves_the_four_files(monkeypatch, capsys, tmp_path):
    out = tmp_path / 'data/mnist'
    prepare(monkeypatch, write_files, '--out', out)
    assert sorted(path.name for path in out.iterdir()) == sorted(tool.FILES)
    assert f'MNIST is in {out}' in capsys.readouterr().out


def test_files_that_are_there_are_not_downloaded(monkeypatch, capsys, tmp_path):
    write_files(tmp_path)
    prepare(monkeypatch, fail, '--out', tmp_path)
    assert 'there already' in capsys.readouterr().out


def test_files_that_are_there_are_replaced_by_force_alone(monkeypatch, tmp_path):
    for name in tool.FILES[:3]:
        (tmp_path / name).write_bytes(b'mine')
    prepare(monkeypatch, write_files, '--out', tmp_path)
    mine = [(tmp_path / name).read_bytes() == b'mine' for name in tool.FILES]
    assert mine == [True, True, True, False]
    prepare(monkeypatch, write_files, '--out', tmp_path, '--force')
    assert all((tmp_path / name).read_bytes() != b'mine' for name in tool.FILES)
    assert len([*tmp_path.iterdir()]) == 4


@pytest.mark.parametrize('present', [0, 3])
def test_a_failed_download_is_explained_and_leaves_nothing(present, monkeypatch, tmp_path):
    for name in tool.FILES[:present]:
        tool.write_idx(tmp_path / name, np.arange(3))
    before = sorted(tmp_path.rglob('*'))
    out = tmp_path if present else tmp_path / 'data/mnist'
    with pytest.raises(FileNotFoundError, match='no network') as caught:
        prepare(monkeypatch, fail, '--out', out)
    assert all(name in str(caught.value) for name in [*tool.FILES, str(out), '--from-pngs DIR'])
    assert sorted(tmp_path.rglob('*')) == before


def test_mnist_is_made_from_png_folders(tmp_path):
    generator = np.random.default_rng(0)
    images = {}
    for split in ('train', 'test'):
        for label in range(10):
            folder = tmp_path / 'pngs' / split / str(label)
            folder.mkdir(parents=True)
            images[split, label] = generator.integers(0, 256, (28, 28), dtype=np.uint8)
            cv2.imwrite(str(folder / '1.png'), images[split, label])
            (folder / '1.png').rename(folder / ('1.PNG' if label == 3 else '1.png'))
    tool = load_tool('prepare_mnist')
    tool.convert(tmp_path / 'pngs', tmp_path / 'mnist')
    for split in ('train', 'test'):
        dataset = MNIST(str(tmp_path / 'mnist'), split=split, download=False)
        found = [dataset.get_data_info(i) for i in range(len(dataset))]
        assert [int(item['gt_label']) for item in found] == [*range(10)]
        for item in found:
            assert (item['img'] == images[split, int(item['gt_label'])]).all()
    with pytest.raises(FileNotFoundError, match='images should be at'):
        tool.convert(tmp_path / 'nothing', tmp_path / 'new')
    assert not (tmp_path / 'new').exists()
    cv2.imwrite(str(tmp_path / 'pngs/test/4/2.jpg'), images['test', 4])
    with pytest.raises(ValueError, match=r'should have PNG files, but got 1 others.*4/2\.jpg'):
        tool.convert(tmp_path / 'pngs', tmp_path / 'new')
