import logging
import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from toy import toy_network
from toy_images import Pixels
from toy_run import Digits, toy_runner

from mmdfkd.datasets import ImageFolder, LatentDataset
from mmdfkd.datasets.labels import (
    check_class_names,
    check_dataset,
    check_labels,
    class_names,
    first_of_each,
)
from mmdfkd.evaluation import robustness
from mmdfkd.models.classifiers import Classifier


def folders(place, *names, images=1):
    for name in names:
        (place / name).mkdir(parents=True)
        for number in range(images):
            cv2.imwrite(str(place / name / f'{number}.png'), np.zeros((4, 4, 3), dtype=np.uint8))
    return str(place)


@pytest.mark.parametrize('labels', [[0, 1, 2], [2, 2], [], [[0, 1]], ['a'], [0.5]])
def test_labels_within_the_classes_pass(labels):
    check_labels(labels, 3, 'val')


@pytest.mark.parametrize(('labels', 'told'), [([1, 2, 3], '1 to 3'), ([-1, 0], '-1 to 0')])
def test_other_labels_are_refused(labels, told):
    with pytest.raises(ValueError, match=f'labels of the val data set should be 0 to 2.*{told}'):
        check_labels(torch.tensor(labels), 3, 'val')


def test_names_in_another_order_are_refused():
    check_class_names(['a', 'b'], None, 'val')
    check_class_names(['a', 'b'], ['zero', 'one'], 'val')
    with pytest.raises(ValueError, match=r"order, but 2 are not: class 0 is 'b' rather than 'a'"):
        check_class_names(('b', 'a'), ('a', 'b'), 'val')
    with pytest.raises(ValueError, match=r"order, but 1 are not: class 1 is 'c' rather than 'b'"):
        check_class_names(('a', 'c', 'd'), ('a', 'b', 'c'), 'val')


def test_a_data_set_is_compared_throughout():
    dataset = SimpleNamespace(metainfo={'classes': ['a', 'b']}, get_gt_labels=lambda: [0, 2])
    with pytest.raises(ValueError, match='teacher’s 3 classes, but got 2'):
        check_dataset(dataset, 3, 'val')
    with pytest.raises(ValueError, match=r'got 2 from .*; see val_dataloader.dataset$'):
        check_dataset(dataset, 3, 'val')
    with pytest.raises(ValueError, match=r'see test_dataloader.dataset or real_images$'):
        check_dataset(dataset, 3, 'evaluation')
    with pytest.raises(ValueError, match='0 to 1'):
        check_dataset(dataset, 2, 'val')
    dataset.get_gt_labels = lambda: {}['gt_label']
    check_dataset(dataset, 2, 'val')


def test_hidden_folders_are_no_classes(tmp_path):
    place = folders(tmp_path, 'cat', 'bird', '.ipynb_checkpoints', '.git')
    assert ImageFolder(data_root=place).metainfo['classes'] == ('bird', 'cat')


def test_an_empty_class_folder_is_refused(tmp_path):
    place = folders(tmp_path, 'cat', 'bird')
    (tmp_path / 'dog').mkdir()
    with pytest.raises(ValueError, match=r"\['dog'\] of 3 folders hold none"):
        ImageFolder(data_root=place)


def test_the_order_of_classes_is_that_of_the_labels(tmp_path):
    place = folders(tmp_path, 'cat', 'bird', 'dog')
    given = ['dog', 'cat', 'bird']
    dataset = ImageFolder(data_root=place, metainfo={'classes': given})
    for info in (dataset.get_data_info(index) for index in range(3)):
        assert given[info['gt_label']] in info['img_path']
    assert [*dataset.metainfo['classes']] == given
    # Other words name the folders, which are sorted.
    named = ImageFolder(data_root=place, metainfo={'classes': ['Vogel', 'Katze', 'Hund']})
    assert named.folder_to_idx == {'bird': 0, 'cat': 1, 'dog': 2}
    with pytest.raises(ValueError, match=r"\['fish'\] have none and \['dog'\] are none of them"):
        ImageFolder(data_root=place, metainfo={'classes': ['bird', 'cat', 'fish']})


def test_folders_that_are_numbers_are_sorted_as_numbers(tmp_path, caplog, monkeypatch):
    place = folders(tmp_path, *map(str, range(1, 12)))
    with caplog.at_level(logging.WARNING):
        dataset = ImageFolder(data_root=place)
    assert dataset.metainfo['classes'] == tuple(map(str, range(1, 12)))
    shutil.rmtree(tmp_path)
    padded = ImageFolder(data_root=folders(tmp_path, *(f'{n:02}' for n in range(12))))
    assert padded.metainfo['classes'] == tuple(f'{n:02}' for n in range(12))


class Shifted(Digits):
    """Labels 1..3 of 3 classes."""

    def __getitem__(self, index):
        item = super().__getitem__(index)
        item['data_samples'].set_gt_label(index % 3 + 1)
        return item


def test_a_run_and_a_test_refuse_labels_beyond_the_classes(tmp_path):
    with pytest.raises(ValueError, match='0 to 2, for the 3 classes of the teacher, but got 1 to'):
        toy_runner(tmp_path, 2, val_dataset=Shifted()).train()
    runner = toy_runner(
        tmp_path,
        2,
        test_dataloader=dict(
            batch_size=5, num_workers=0, dataset=Shifted(), sampler=dict(type='DefaultSampler',
            shuffle=False), collate_fn=dict(type='pseudo_collate')),
        test_cfg={}, test_evaluator=dict(type='mmpretrain.Accuracy'),
    )  # fmt: skip
    with pytest.raises(ValueError, match='0 to 2, for the 3 classes of the teacher, but got 1 to'):
        runner.test()


def test_a_test_set_without_one_class_is_refused(tmp_path):
    runner = toy_runner(
        tmp_path,
        2,
        test_dataloader=dict(
            batch_size=5, num_workers=0, dataset=Digits(2), sampler=dict(type='DefaultSampler',
            shuffle=False), collate_fn=dict(type='pseudo_collate')),
        test_cfg={}, test_evaluator=dict(type='mmpretrain.Accuracy'),
    )  # fmt: skip
    with pytest.raises(ValueError, match='the test data set should have the teacher’s 3 classes'):
        runner.test()


def test_a_teachers_file_says_its_classes(tmp_path):
    names = ['cat', 'bird', 'dog']
    meta = {'dataset_meta': {'classes': names}}
    torch.save({'state_dict': toy_network().state_dict(), 'meta': meta}, tmp_path / 'a.pth')
    teacher = Classifier(toy_network(), checkpoint=str(tmp_path / 'a.pth'))
    assert teacher.class_names == ('cat', 'bird', 'dog')
    dataset = SimpleNamespace(metainfo={'classes': sorted(names)})
    with pytest.raises(ValueError, match=r"class 0 is 'bird' rather than 'cat'"):
        check_dataset(dataset, 3, 'val', teacher.class_names)
    torch.save({'state_dict': toy_network().state_dict()}, tmp_path / 'a.pth')
    assert Classifier(toy_network(), checkpoint=str(tmp_path / 'a.pth')).class_names is None


def test_robustness_looks_at_the_labels(monkeypatch):
    network = SimpleNamespace(class_names=None)
    distiller = SimpleNamespace(num_classes=3, teacher=network, student=network)
    distiller.to = distiller.requires_grad_ = lambda *_: distiller
    monkeypatch.setattr(robustness, 'load_distiller', lambda *_: distiller)
    images = robustness.Images(torch.zeros(2, 1, 4, 4), torch.tensor([1, 3]), np.arange(2))
    with pytest.raises(ValueError, match='labels of the test data set should be 0 to 2'):
        robustness.build_networks(None, 'x.pth', None, images)


def test_names_are_the_teachers_then_the_data_sets_then_numbers():
    teacher = SimpleNamespace(class_names=('cat', 'dog'))
    dataset = SimpleNamespace(metainfo={'classes': ['a', 'b']})
    assert class_names(teacher, dataset, 2) == ['cat', 'dog']
    assert class_names(SimpleNamespace(class_names=None), dataset, 2) == ['a', 'b']
    assert class_names(teacher, dataset, 3) == ['0', '1', '2']  # they are of others
    assert class_names(teacher, None, 2) == ['cat', 'dog']


def test_the_first_images_of_each_class_are_found():
    dataset = Pixels(12)
    for _ in range(2):  # labels are read, and then known
        images, labels = first_of_each(dataset, [0, 2], 2)
        assert labels.tolist() == [0, 2, 0, 2]
        assert images.equal(dataset.images[[0, 2, 3, 5]])
        dataset.get_gt_labels = lambda: [index % 3 for index in range(12)]
    images, labels = first_of_each(dataset, [0, 7], 100)
    assert labels.tolist() == [0] * 4


@pytest.mark.parametrize(
    'dataset',
    [
        LatentDataset(3, 6, 5),
        Pixels(6, labelled=False),
        Pixels(images=torch.rand(6, 3, 8, 8)),
        Pixels(images=[torch.zeros(3, 8, 8 + i, dtype=torch.uint8) for i in range(6)]),
        Pixels(0),
    ],
)
def test_of_other_data_sets_there_is_nothing_to_look_at(dataset):
    assert first_of_each(dataset, [0, 1], 2) is None
