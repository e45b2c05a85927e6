from pathlib import Path

import pytest
import torch
from mmpretrain.datasets import CustomDataset, PackInputs
from PIL import Image
from torch.utils.data import Subset
from toy import toy_dedfkd
from toy_images import Pixels

from mmdfkd.datasets import ImageFolder, channel_order
from mmdfkd.evaluation import ClassifierExtractor
from mmdfkd.evaluation.real_images import RealImages, collate

CPU = torch.device('cpu')


@pytest.fixture
def extractor():
    """Counts the images it sees."""
    distiller = toy_dedfkd().eval()
    found = ClassifierExtractor(distiller.teacher, distiller.data_preprocessor)
    found.seen = 0

    def count(module, args):
        module.seen += len(args[0])

    found.register_forward_pre_hook(count)
    return found


@torch.no_grad()
def describe(images, extractor, cache_dir, per_class=True, max_samples=100):
    cache_dir = None if cache_dir is None else str(cache_dir)
    return images.describe(extractor, max_samples, per_class, CPU, cache_dir)


def test_the_sample_is_of_all_images_and_classes(extractor):
    dataset = Pixels(40)
    sample = describe(RealImages(dataset, batch_size=7), extractor, None)
    with torch.no_grad():
        features = extractor(dataset.images.float()).features
    assert len(sample) == 40
    torch.testing.assert_close(sample.reservoir['features'], features)
    torch.testing.assert_close(sample.statistics.mean, features.double().mean(0))
    assert {k: part.count for k, part in sample.classes.items()} == {0: 14, 1: 13, 2: 13}
    torch.testing.assert_close(sample.classes[1].mean, features[1::3].double().mean(0))


def test_what_is_known_is_not_computed_again(extractor, tmp_path):
    first = describe(RealImages(Pixels(40)), extractor, tmp_path)
    assert extractor.seen == 40
    again = describe(RealImages(Pixels(40), batch_size=3), extractor, tmp_path)
    assert extractor.seen == 40
    assert again.statistics.outer.equal(first.statistics.outer)
    assert again.classes[2].outer.equal(first.classes[2].outer)
    assert again.reservoir['features'].equal(first.reservoir['features'])
    assert again.inception_score.compute() == first.inception_score.compute()
    assert len(list(tmp_path.iterdir())) == 1


def change_a_pixel(dataset):
    dataset.images[3, 0, 0, 0] ^= 1


def change_labels(dataset):
    dataset.labelled = False


@pytest.mark.parametrize('change', [change_a_pixel, change_labels])
def test_other_content_is_computed_anew(extractor, tmp_path, change):
    describe(RealImages(Pixels(40)), extractor, tmp_path, per_class=False)
    dataset = Pixels(40)
    change(dataset)
    describe(RealImages(dataset), extractor, tmp_path, per_class=False)
    assert extractor.seen == 80


@pytest.mark.parametrize('options', [dict(per_class=False), dict(max_samples=10)])
def test_other_options_are_computed_anew(extractor, tmp_path, options):
    describe(RealImages(Pixels(40)), extractor, tmp_path)
    describe(RealImages(Pixels(40)), extractor, tmp_path, **options)
    assert extractor.seen == 80


def test_other_weights_are_computed_anew(extractor, tmp_path):
    describe(RealImages(Pixels(40)), extractor, tmp_path)
    extractor.classifier.network[0].weight += 1
    other = ClassifierExtractor(extractor.classifier, extractor.data_preprocessor)
    describe(RealImages(Pixels(40)), other, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_run_that_is_stopped_leaves_no_half_file(extractor, tmp_path, monkeypatch):
    def stop(state, file):
        Path(file).write_bytes(b'half')
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, 'save', stop)
    with pytest.raises(KeyboardInterrupt):
        describe(RealImages(Pixels(40)), extractor, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_damaged_or_malicious_file_is_an_error_and_runs_nothing(
    extractor, tmp_path, malicious, proves_malice
):
    folder = tmp_path / 'known'
    describe(RealImages(Pixels(40)), extractor, folder)
    (file,) = folder.iterdir()
    payload, proof = malicious
    proves_malice(payload, proof)
    torch.save(payload, file)
    with pytest.raises(ValueError, match=f'{file} should hold statistics.*delete it'):
        describe(RealImages(Pixels(40)), extractor, folder)
    assert not proof.exists()
    file.write_bytes(b'PK\x03\x04 cut')
    with pytest.raises(ValueError, match='delete it'):
        describe(RealImages(Pixels(40)), extractor, folder)


def test_images_of_a_folder_are_checked_as_test_images_are(tmp_path, monkeypatch):
    for name in ('ant', 'bee', 'cat'):
        (tmp_path / name).mkdir()
        Image.new('RGB', (8, 8)).save(tmp_path / name / '0.png')
    pipeline = [dict(type='LoadImageFromFile'), dict(type=PackInputs)]
    images = RealImages(dict(type=ImageFolder, data_root=str(tmp_path), pipeline=pipeline))
    told = []
    monkeypatch.setattr(channel_order, 'print_log', lambda text, **_: told.append(text))
    distiller = toy_dedfkd()
    images.check_fit(distiller)
    images.check_fit(distiller)
    assert ['swapped colours' in text for text in told] == [True]
    distiller.teacher.class_names = ('bee', 'ant', 'cat')
    with pytest.raises(ValueError, match='should be in the teacher’s order'):
        images.check_fit(distiller)
    images.check_fit(distiller, with_labels=False)


def test_a_subset_is_drawn_from_all_by_a_seed():
    images = RealImages(Pixels(40))
    assert images.subset(40) is images
    part = images.subset(10)
    assert len(part) == 10
    assert part.digest() == images.subset(10).digest()
    assert part.digest() != images.subset(10, seed=1).digest()
    labels = torch.cat([labels for _, labels in part.batches('')])
    assert len(labels) == 10


def test_images_without_labels_have_no_classes(extractor):
    images = RealImages(Pixels(40, labelled=False))
    assert len(describe(images, extractor, None, per_class=False)) == 40
    with pytest.raises(ValueError, match='should have labels for per_class=True'):
        describe(images, extractor, None)


def test_an_empty_data_set_or_folder_is_an_error(tmp_path):
    with pytest.raises(ValueError, match='got an empty Subset; check its data_root'):
        RealImages(Subset(Pixels(4), []))
    (tmp_path / 'a').mkdir()
    with pytest.raises(RuntimeError, match='Found 0 files'):
        CustomDataset(data_root=str(tmp_path), data_prefix='', pipeline=[dict(type=PackInputs)])


def test_images_should_be_8_bit_and_of_one_size(extractor):
    normalised = Pixels(4)
    normalised.images = normalised.images.float()
    with pytest.raises(ValueError, match=r'got \(3, 8, 8\) torch.float32.*without normalisation'):
        describe(RealImages(normalised), extractor, None)
    mixed = Pixels(4)
    mixed.images = [*mixed.images[:2], mixed.images[3][:, 1:]]
    with pytest.raises(ValueError, match=r'one size, but got \(3, 7, 8\) .*, \(3, 8, 8\)'):
        describe(RealImages(mixed), extractor, None)


def test_images_should_have_one_label():
    several = Pixels(4)
    item = several[1]
    item['data_samples'].set_gt_label([0, 2])
    with pytest.raises(ValueError, match=r'one label each, or none, but got one with \[0, 2\]'):
        collate([several[0], item])


def test_off_a_terminal_nothing_is_printed(extractor, capsys):
    describe(RealImages(Pixels(40)), extractor, None)
    assert capsys.readouterr() == ('', '')
