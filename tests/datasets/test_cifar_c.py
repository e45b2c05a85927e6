import numpy as np
import pytest
from mmpretrain.datasets import PackInputs
from numpy.lib.format import open_memmap

from mmdfkd.datasets import CIFARC


def write_cifar_c(folder, corruption='fog', classes=10):
    """The published files' shapes; image i of 50,000 begins with its number. Sparse on disk."""
    images = open_memmap(folder / f'{corruption}.npy', 'w+', np.uint8, (50_000, 32, 32, 3))
    numbers = np.arange(50_000, dtype='<u4').view(np.uint8).reshape(-1, 4)
    images[::2500, 0, 0] = numbers[::2500, :3]
    labels = np.tile(np.arange(10_000) % classes, 5).astype(np.uint8)
    np.save(folder / 'labels.npy', labels)


@pytest.mark.parametrize('severity', [1, 3, 5])
def test_a_severity_is_ten_thousand_images(tmp_path, severity):
    write_cifar_c(tmp_path)
    dataset = CIFARC(str(tmp_path), 'fog', severity, pipeline=[dict(type=PackInputs)])
    assert len(dataset) == 10_000
    for index in (0, 2500, 7500):
        item = dataset[index]
        number = int.from_bytes(item['inputs'][:, 0, 0].numpy().tobytes(), 'little')
        assert number == (severity - 1) * 10_000 + index
        assert item['data_samples'].gt_label.tolist() == [index % 10]
    assert dataset.metainfo['classes'][0] == 'airplane'


def test_cifar_100_c_has_its_classes(tmp_path):
    write_cifar_c(tmp_path, classes=100)
    assert len(CIFARC(str(tmp_path), 'fog', 1).metainfo['classes']) == 100


def test_absent_files_are_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'fog.npy, but no file .*CIFAR-10-C.tar.*labels'):
        CIFARC(str(tmp_path), 'fog', 1)
    write_cifar_c(tmp_path)
    (tmp_path / 'labels.npy').unlink()
    with pytest.raises(FileNotFoundError, match=r'labels.npy, but no file'):
        CIFARC(str(tmp_path), 'fog', 1)


def test_other_arrays_raise(tmp_path):
    write_cifar_c(tmp_path)
    np.save(tmp_path / 'fog.npy', np.zeros((50, 32, 32, 3), np.uint8))
    with pytest.raises(ValueError, match=r'should hold \(50000, 32, 32, 3\) .*got \(50, 32'):
        CIFARC(str(tmp_path), 'fog', 1)


def test_bad_arguments_raise(tmp_path):
    with pytest.raises(ValueError, match="but got 'rain'"):
        CIFARC(str(tmp_path), 'rain', 1)
    with pytest.raises(ValueError, match='from 1 to 5, but got 0'):
        CIFARC(str(tmp_path), 'fog', 0)


def test_pickles_are_refused(tmp_path, malicious, proves_malice):
    payload, proof = malicious
    write_cifar_c(tmp_path)
    np.save(tmp_path / 'labels.npy', np.array([payload], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match='Python objects in dtype'):
        CIFARC(str(tmp_path), 'fog', 1)
    assert not proof.exists()
    proves_malice(payload, proof)
