import numpy as np
import pytest
import torch
from load_tool import load_tool
from mmengine.config import Config
from PIL import Image
from toy_export import BGR, COLOUR, GREY, ROOT, untrained_run

from mmdfkd.export import load_student
from mmdfkd.export.images import LabelledImages, draw_images, find_classes


def opened(folder, config=GREY, **options):
    _, config, checkpoint = untrained_run(folder, config, **options)
    cfg = Config.fromfile(config)
    return load_student(cfg, checkpoint), cfg, checkpoint


@pytest.fixture(scope='module')
def grey(tmp_path_factory):
    return opened(tmp_path_factory.mktemp('grey'))


def same_set(first, second):
    return sorted(map(bytes, first.flatten(1).numpy())) == sorted(
        map(bytes, second.flatten(1).numpy())
    )


def test_the_runs_own_images_come_once_each_in_another_order(grey):
    student, cfg, checkpoint = grey
    images, name = draw_images(student, cfg, checkpoint, None, 100)
    assert name == 'the run’s memory of synthetic images'
    assert same_set(images, student.memory)
    assert not images.equal(student.memory)
    fewer, _ = draw_images(student, cfg, checkpoint, None, 25)
    assert fewer.equal(images[:25])


def test_where_none_were_kept_the_generator_makes_them(tmp_path):
    student, cfg, checkpoint = opened(tmp_path, held=0)
    images, name = draw_images(student, cfg, checkpoint, None, 30)
    assert name == 'the run’s generator'
    assert (images.dtype, tuple(images.shape)) == (torch.uint8, (30, 1, 32, 32))
    assert len(set(map(bytes, images.flatten(1).numpy()))) == 30


def test_synthesized_data_sets_and_folders_are_read(grey, tmp_path):
    student, cfg, checkpoint = grey
    run = [str(checkpoint.with_name('config.py')), str(checkpoint)]
    for out in ('set', 'set.npz'):
        load_tool('synthesize').main([*run, str(tmp_path / out), '--per-class', '3'])
    folder, name = draw_images(student, cfg, checkpoint, tmp_path / 'set', 100)
    file, _ = draw_images(student, cfg, checkpoint, tmp_path / 'set.npz', 100)
    assert name == 'set'
    assert len(folder) == 30
    assert same_set(folder, file)


def test_wrong_images_are_refused(grey, tmp_path):
    student, cfg, checkpoint = grey

    def refused(source, match):
        with pytest.raises((ValueError, FileNotFoundError), match=match):
            draw_images(student, cfg, checkpoint, source, 100)

    (tmp_path / 'set').mkdir()
    for number in range(5):
        Image.new('L', (32, 32)).save(tmp_path / f'set/{number}.png')
    refused(tmp_path / 'set', 'at least 20 images, but got 5 of set')
    refused(tmp_path / 'nowhere', 'should be a folder of images')
    np.savez(tmp_path / 'a.npz', images=np.zeros((30, 32, 32, 3), dtype=np.uint8))
    refused(tmp_path / 'a.npz', r'of the shape \(32, 32, 1\), but got torch.uint8 and \(32, 32, 3')
    np.savez(tmp_path / 'b.npz', pixels=np.zeros(3))
    refused(tmp_path / 'b.npz', r'should be a file of mmdfkd synthesize')
    (tmp_path / 'c.npz').write_text('no file of numpy')
    refused(tmp_path / 'c.npz', r'should be a file of mmdfkd synthesize')


def test_a_published_student_has_no_images(grey):
    student, _, checkpoint = grey
    student = type(student)(**(vars(student) | {'memory': None}))
    with pytest.raises(ValueError, match='a published student has none; give --calibrate-on DATA'):
        draw_images(student, Config({'model': {}}), checkpoint, None, 100)


def folders(place, classes=('cat', 'dog'), size=32):
    """Two images of each class: the red channel is the label, the blue one 200."""
    for label, name in enumerate(classes):
        (place / name).mkdir(parents=True)
        for number in range(2):
            Image.new('RGB', (size, size), (label, 0, 200)).save(place / f'{name}/{number}.png')
    return place


def of_folders(tmp_path, size=32, **options):
    names = [f'class {number}' for number in range(10)]
    folders(tmp_path / 'images', names, size)
    student, cfg, _ = opened(tmp_path / 'run', COLOUR, **options)
    of_files = Config.fromfile(ROOT / 'configs/_base_/datasets/cifar10_folder.py')
    cfg.test_dataloader = of_files.test_dataloader
    cfg.test_dataloader.dataset.update(data_root=str(tmp_path), data_prefix='images')
    return student, cfg, names


def test_test_images_are_rgb_and_have_names(tmp_path):
    student, cfg, names = of_folders(tmp_path)
    test = LabelledImages(cfg, student)
    ((pixels, labels),) = test.batches()
    assert (test.name, len(test)) == ('ImageFolder', 20)
    assert labels.tolist() == [label for label in range(10) for _ in range(2)]
    assert pixels[:, 0, 0, 0].tolist() == labels.tolist()
    assert set(pixels[:, 2].flatten().tolist()) == {200}
    assert find_classes(cfg, student) == tuple(names)
    some = LabelledImages(cfg, student, 7)
    assert sum(len(labels) for _, labels in some.batches()) == len(some) == 7


@pytest.mark.parametrize('to_rgb', [True, False])
@pytest.mark.parametrize('turned', [True, False])
def test_test_images_are_rgb_whatever_the_networks_take(tmp_path, turned, to_rgb):
    student, cfg, _ = of_folders(tmp_path, **{'model.data_preprocessor.to_rgb': to_rgb})
    if not turned:  # as a published student's config reads files
        steps = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
        cfg.test_dataloader.dataset.pipeline = steps
    ((pixels, labels),) = LabelledImages(cfg, student).batches()
    assert pixels[:, 0, 0, 0].tolist() == labels.tolist()


def test_images_of_a_generator_are_rgb_whatever_the_networks_take(tmp_path):
    plain, swapped = (
        draw_images(*opened(tmp_path / name, COLOUR, held=0, **options), None, 20)[0]
        for name, options in (('plain', {}), ('swapped', BGR))
    )
    assert plain.equal(swapped)


def test_a_set_of_mmpretrain_that_is_not_here_is_not_there(tmp_path):
    """Its RuntimeError ended an export that could do without."""
    student, cfg, _ = opened(tmp_path / 'run', COLOUR)
    known = dict(type='mmpretrain.CIFAR10', data_root=str(tmp_path / 'gone'), split='test')
    cfg.test_dataloader = dict(dataset=dict(known, pipeline=[dict(type='PackInputs')]))
    with pytest.raises(FileNotFoundError, match='Cannot find CIFAR10'):
        LabelledImages(cfg, student)
    assert find_classes(cfg, student)[:2] == ('airplane', 'automobile')


@pytest.mark.parametrize('content', [b'', b'\x93NUMPY\x01\x00'])
def test_a_file_that_is_no_npz_is_told(grey, tmp_path, content):
    student, cfg, checkpoint = grey
    (tmp_path / 'x.npz').write_bytes(content)
    with pytest.raises(ValueError, match=r'x.npz should be a file of mmdfkd synthesize'):
        draw_images(student, cfg, checkpoint, tmp_path / 'x.npz', 100)


def test_a_set_that_has_no_image_yet_is_told(grey, tmp_path):
    student, cfg, checkpoint = grey
    (tmp_path / 'dataset.json').write_text('{}')
    with pytest.raises(ValueError, match='should hold images, but mmdfkd synthesize wrote none'):
        draw_images(student, cfg, checkpoint, tmp_path, 100)


def test_test_images_of_another_size_are_refused(tmp_path):
    student, cfg, _ = of_folders(tmp_path, size=30)
    with pytest.raises(ValueError, match=r'of the shape \(3, 32, 32\), but got \(3, 30, 30\)'):
        list(LabelledImages(cfg, student).batches())


def test_nothing_is_downloaded(tmp_path, monkeypatch):
    student, cfg, _ = opened(tmp_path, COLOUR)
    cfg.test_dataloader.dataset.data_root = str(tmp_path / 'nowhere')
    monkeypatch.setattr('mmpretrain.datasets.cifar.download_and_extract_archive', pytest.fail)
    with pytest.raises(FileNotFoundError, match='the files of CIFAR10 should be in'):
        LabelledImages(cfg, student)
    assert find_classes(cfg, student)[0] == 'airplane'  # what its kind says


def test_a_config_without_labelled_images_has_no_test_set(grey):
    student, _, _ = grey
    of_latents = Config.fromfile(ROOT / 'configs/_base_/datasets/data_free_validation.py')
    for cfg in (Config(), of_latents):
        with pytest.raises(FileNotFoundError, match='the config has no labelled test set'):
            LabelledImages(cfg, student)
        assert find_classes(cfg, student) is None
