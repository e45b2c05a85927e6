import os
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmpretrain.datasets import CustomDataset
from toy import toy_dedfkd
from toy_images import Pixels, synthetic_batch

from mmdfkd.evaluation import ClassifierExtractor, Fidelity, InceptionExtractor
from mmdfkd.evaluation.functional import FeatureStatistics, frechet_distance
from mmdfkd.evaluation.functional.inception_score import splits_at
from mmdfkd.evaluation.metrics.fidelity import FIGURES
from mmdfkd.models.classifiers import Prediction

DATA = Path(os.environ.get('MMDFKD_TEST_DATA', 'data'))
few = pytest.mark.filterwarnings('ignore:FID .*should have more images')


@pytest.fixture
def distiller():
    return toy_dedfkd().eval()


@pytest.fixture
def fakes():
    draws = torch.Generator().manual_seed(1)
    return torch.randint(60, 230, (48, 3, 8, 8), generator=draws).float()


def fidelity(distiller, **kwargs):
    metric = Fidelity(**dict(real=dict(type=Pixels), extractor='teacher') | kwargs)
    metric.bind(distiller)
    return metric


def run(metric, distiller, images, labels=None, batch=20):
    with torch.no_grad():
        for start in range(0, len(images), batch):
            part = slice(start, start + batch)
            own = None if labels is None else labels[part]
            metric.process(None, synthetic_batch(distiller, images[part], own))
    return metric.evaluate(len(images))


def features(distiller, images):
    with torch.no_grad():
        return distiller.teacher(distiller.normalize(images.float())).features


def images_of(number, start):
    archive = DATA / 'cifar10_test_2k.npz'
    if archive.exists():
        pixels = torch.from_numpy(np.load(archive)['images'][start : start + number])
        return pixels.permute(0, 3, 1, 2).contiguous()
    return Pixels(number, (3, 32, 32), seed=start).images


class Plain(torch.utils.data.Dataset):
    """Images alone, as torch-fidelity reads them."""

    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index]


class First64(InceptionExtractor):
    """Fewer features: torch-fidelity takes long for the eigenvalues of 2048."""

    def forward(self, images):
        logits, features = super().forward(images)
        return Prediction(logits, features[:, :64])


def torch_fidelitys_first_64():
    torch_fidelity = pytest.importorskip('torch_fidelity')
    module = pytest.importorskip('torch_fidelity.feature_extractor_inceptionv3')

    class Theirs(module.FeatureExtractorInceptionV3):
        def forward(self, images):
            found = zip(self.features_list, super().forward(images), strict=True)
            return tuple(value[:, :64] if name == '2048' else value for name, value in found)

    torch_fidelity.register_feature_extractor('first-64', Theirs)
    return torch_fidelity


@few
def test_the_whole_path_equals_torch_fidelitys(distiller, inception_weights):
    torch_fidelity = torch_fidelitys_first_64()
    real, fake = images_of(8, 0), images_of(20, 100)
    metric = Fidelity(
        real=dict(type=Pixels, images=real),
        extractor=First64(inception_weights),
        batch_size=10,
    )
    found = run(metric, distiller, fake.float())

    splits = splits_at(range(20), 10)
    in_splits = torch.cat([fake[splits == split] for split in range(10)])
    theirs = torch_fidelity.calculate_metrics(
        input1=Plain(in_splits),
        input2=Plain(real),
        isc=True,
        fid=True,
        kid=True,
        kid_subset_size=8,
        prc=True,
        samples_shuffle=False,
        feature_extractor='first-64',
        feature_extractor_weights_path=inception_weights,
        cuda=False,
        save_cpu_ram=True,
        cache=False,
        verbose=False,
    )
    names = dict(fid='frechet_inception_distance', precision='precision', recall='recall')
    assert {k: found[f'fidelity/{k}'] for k in names} == pytest.approx(
        {k: theirs[name] for k, name in names.items()}, rel=1e-3
    )
    # Of other subsets of the 20, averaged over 100 of them.
    spread = theirs['kernel_inception_distance_std'] / 10
    difference = found['fidelity/kid'] - theirs['kernel_inception_distance_mean']
    assert abs(difference) < 5 * spread
    above_least = theirs['inception_score_mean'] - 1
    assert found['fidelity/inception_score'] - 1 == pytest.approx(above_least, rel=1e-3)
    assert 'Inception-v3' in metric.protocol['extractor']
    assert (metric.protocol['num_synthetic'], metric.protocol['num_real']) == (20, 8)


def test_figures_are_those_of_all_images_whatever_the_batches(distiller, fakes):
    real = Pixels().images
    expected = frechet_distance(
        FeatureStatistics.of(features(distiller, real)),
        FeatureStatistics.of(features(distiller, fakes)),
    )
    found = run(fidelity(distiller), distiller, fakes)
    assert list(found) == [f'fidelity/{name}' for name in FIGURES]
    assert all(type(value) is float for value in found.values())
    assert found['fidelity/fid'] == pytest.approx(expected, rel=1e-6)
    assert run(fidelity(distiller), distiller, fakes, batch=7) == pytest.approx(found, rel=1e-4)


def test_a_metric_serves_again_and_knows_the_real_images(distiller, fakes):
    metric = fidelity(distiller)
    first = run(metric, distiller, fakes)
    metric.real.dataset.images = None  # not read again
    assert run(metric, distiller, fakes) == first
    assert run(metric, distiller, fakes[:40] * 0.9)['fidelity/fid'] != first['fidelity/fid']
    assert metric.protocol['num_synthetic'] == 40


def test_another_teacher_describes_the_real_images_anew(distiller, fakes):
    metric = fidelity(distiller)
    run(metric, distiller, fakes)
    before = metric._known['real']
    metric.bind(distiller)
    assert metric._known['real'] is before
    other = toy_dedfkd().eval()
    metric.bind(other)
    expected = run(fidelity(other), other, fakes)
    assert run(metric, other, fakes) == pytest.approx(expected, rel=1e-6)


def test_the_teachers_own_features_are_its_extractors(distiller, fakes):
    extractor = ClassifierExtractor(distiller.teacher, distiller.data_preprocessor)
    by_config = run(fidelity(distiller, extractor=extractor), distiller, fakes)
    assert by_config == pytest.approx(run(fidelity(distiller), distiller, fakes), rel=1e-4)


@few
def test_the_floor_is_read_before_any_synthetic_image(distiller):
    metric = fidelity(distiller, floor=dict(type=Pixels, number=90, seed=7))
    metric.describe_real(48)
    assert [len(metric._known[role]) for role in ('real', 'floor')] == [len(metric.real), 48]


@few
def test_the_floor_is_of_as_many_real_images_where_there_are_enough(distiller, fakes):
    other = dict(type=Pixels, number=90, seed=7)
    metric = fidelity(distiller, floor=other)
    found = run(metric, distiller, fakes)
    assert {name for name in found if name.endswith('_floor')} == {
        f'fidelity/{name}_floor' for name in FIGURES
    }
    assert metric.protocol['num_floor'] == 48
    again = fidelity(distiller, real=metric.real.dataset, figures=('fid',))
    subset = torch.stack([item['inputs'] for item in metric.floor.subset(48).dataset])
    expected = run(again, distiller, subset.float())['fidelity/fid']
    assert found['fidelity/fid_floor'] == pytest.approx(expected, rel=1e-6)
    assert found['fidelity/fid_floor'] < found['fidelity/fid']

    run(metric, distiller, fakes[:40])
    assert metric.protocol['num_floor'] == 40  # follows the number of synthetic ones
    few_others = fidelity(distiller, floor=other | dict(number=30))
    run(few_others, distiller, fakes)
    assert few_others.protocol['num_floor'] == 30


@few
def test_classes_are_those_asked_for_or_the_teachers_decisions(distiller, fakes):
    real = features(distiller, Pixels().images)
    fake = features(distiller, fakes)
    labels = torch.arange(48) // 16
    metric = fidelity(distiller, per_class=True, figures=('fid',))
    found = run(metric, distiller, fakes, labels)
    for k in range(3):
        pair = (FeatureStatistics.of(x) for x in (real[k::3], fake[labels == k]))
        assert found[f'fidelity/fid_class_{k}'] == pytest.approx(frechet_distance(*pair), rel=1e-5)

    with torch.no_grad():
        decisions = distiller.teacher(distiller.normalize(fakes)).logits.argmax(1)
    counts = decisions.bincount(minlength=3)
    with (
        pytest.warns(UserWarning, match='each class should have')
        if counts.min() < 2
        else nullcontext()
    ):
        found = run(metric, distiller, fakes)
    assert found['fidelity/fid_class_count'] == (counts >= 2).sum()
    chosen = int(counts.argmax())
    pair = (FeatureStatistics.of(x) for x in (real[chosen::3], fake[decisions == chosen]))
    expected = pytest.approx(frechet_distance(*pair), rel=1e-5)
    assert found[f'fidelity/fid_class_{chosen}'] == expected


def test_small_classes_are_a_warning_of_synthetic_ones_and_of_the_floor(distiller, fakes):
    floor = dict(type=Pixels, number=60, seed=2)
    metric = fidelity(distiller, floor=floor, per_class=True, figures=())
    with pytest.warns(UserWarning, match='FID inside a class') as caught:
        run(metric, distiller, fakes, torch.arange(48) // 16)
    told = [str(warning.message) for warning in caught]
    assert len(told) == 2
    assert "the smallest real class': 13, 'the smallest synthetic class': 16" in told[0]
    assert "'the smallest floor class': " in told[1]


@few
def test_a_class_that_was_never_made_is_left_out_with_a_warning(distiller, fakes):
    metric = fidelity(distiller, per_class=True, figures=())
    with pytest.warns(UserWarning, match=r'\{1: \(13, 0\)\}; they are left out'):
        found = run(metric, distiller, fakes, torch.arange(48) % 2 * 2)
    assert 'fidelity/fid_class_1' not in found
    assert found['fidelity/fid_class_count'] == 2


def test_a_missing_package_is_missed_at_once(monkeypatch):
    monkeypatch.setitem(sys.modules, 'torch_fidelity.metric_kid', None)
    with pytest.raises(ImportError, match=r'mmdfkd\[figures\]'):
        Fidelity(real=None, extractor='teacher')


def test_figures_can_be_chosen(distiller, fakes):
    metric = fidelity(distiller, figures=('kid', 'coverage'), prefix='teacher_features')
    assert list(run(metric, distiller, fakes)) == [
        'teacher_features/kid',
        'teacher_features/coverage',
    ]
    with pytest.raises(ValueError, match=r"figures should be among .* got \['fud'\]"):
        fidelity(distiller, figures=('fid', 'fud'))


def test_neighbours_are_of_a_sample(distiller, fakes):
    whole = run(fidelity(distiller), distiller, fakes)
    sample = run(fidelity(distiller, max_samples=20), distiller, fakes)
    for name in ('fid', 'inception_score'):
        assert sample[f'fidelity/{name}'] == whole[f'fidelity/{name}']
    assert sample['fidelity/kid'] != whole['fidelity/kid']


def test_it_is_built_by_its_name_in_an_evaluator(distiller, fakes):
    config = dict(type='mmdfkd.Fidelity', real=dict(type=Pixels), extractor='teacher')
    evaluator = Evaluator(config)
    evaluator.metrics[0].bind(distiller)
    with torch.no_grad():
        evaluator.process(synthetic_batch(distiller, fakes))
    assert evaluator.evaluate(48).keys() == {f'fidelity/{name}' for name in FIGURES}


def test_few_images_are_a_warning_with_the_numbers(distiller, fakes):
    with pytest.warns(UserWarning, match=r"the 24 features, but got \{'real': 40, 'synthetic': 24"):
        run(fidelity(distiller), distiller, fakes[:24])


def test_bad_images_are_an_error(distiller, fakes):
    metric = fidelity(distiller)
    broken = fakes.clone()
    broken[3, 0, 0, 0] = float('nan')
    with pytest.raises(ValueError, match=r'pixels in \[0, 255\], but got values from nan'):
        run(metric, distiller, broken)
    with pytest.raises(ValueError, match=r'got values from -\d'):
        run(metric, distiller, fakes - 100)
    grey = dict(images=fakes[:, :1], labels=None, logits=fakes[:, 0, 0], features=fakes[:, 0, 0])
    with pytest.raises(ValueError, match=r'shape \(C, H, W\) \(1, 8, 8\), but got \(3, 8, 8\)'):
        metric.process(None, [grey])
    with pytest.raises(ValueError, match='at least 2, but got 0'):
        metric.evaluate(0)


def test_too_few_images_for_neighbours_are_told_before_real_ones_are_described(distiller):
    metric = fidelity(distiller)
    with pytest.raises(ValueError, match='should have over 3 synthetic images, but got 3'):
        metric.describe_real(3)
    assert not metric._known


def test_without_a_teacher_the_error_says_how_to_hand_it_over(distiller, fakes):
    metric = Fidelity(real=dict(type=Pixels), extractor='teacher')
    with pytest.raises(ValueError, match=r'call bind\(distiller\)'):
        run(metric, distiller, fakes)


def test_no_real_images_are_an_error_at_once(tmp_path):
    folder = dict(type=CustomDataset, data_root=str(tmp_path), data_prefix='', pipeline=[])
    with pytest.raises(RuntimeError, match='Found 0 files'):
        Fidelity(real=folder, extractor='teacher')
    with pytest.raises(ValueError, match='got an empty Pixels'):
        Fidelity(real=dict(type=Pixels, number=0), extractor='teacher')


def test_without_inceptions_weights_it_is_an_error_at_once(tmp_path):
    pytest.importorskip('torch_fidelity')
    extractor = dict(type=InceptionExtractor, weights=str(tmp_path / 'absent.pth'))
    with pytest.raises(FileNotFoundError, match=r'absent\.pth'):
        Fidelity(real=dict(type=Pixels), extractor=extractor)


@pytest.mark.parametrize('which', ['real', 'floor'])
def test_one_real_image_has_no_covariance(which):
    few = {'real': dict(type=Pixels), which: dict(type=Pixels, number=1)}
    with pytest.raises(ValueError, match='real images should be at least 2, but got 1'):
        Fidelity(extractor='teacher', **few)
