import json
import math

import pytest
import torch
from mmpretrain.structures import DataSample
from synthetic_samples import evaluate, part, samples
from torch.nn import functional as F
from toy import NUM_CLASSES, toy_dedfkd
from toy_images import Pixels
from toy_run import Digits

from mmdfkd.evaluation import Diversity


def distance(a, b):
    return float(1 - F.cosine_similarity(a.double(), b.double(), dim=0))


def mean(values):
    return sum(values) / len(values)


def vendi(features):
    units = F.normalize(features.double(), dim=1)
    eigenvalues = torch.linalg.eigvalsh(units @ units.T / len(units))
    return float(torch.exp(-sum(v * v.log() for v in eigenvalues if v > 1e-12)))


def reference(sample, labels):
    """Every figure but ``collapsed``, by loops."""
    features, images, every = sample['features'], sample['images'], range(len(labels))
    members = {c: [i for i in every if labels[i] == c] for c in sorted(set(labels))}
    return dict(
        intra=mean(
            [
                mean([distance(features[i], features[j]) for i in m for j in m if i != j])
                for m in members.values()
            ]
        ),
        inter=mean(
            [
                mean([distance(features[i], features[j]) for i in members[a] for j in members[b]])
                for a in members
                for b in members
                if a != b
            ]
        ),
        vendi=vendi(features),
        vendi_class=mean([vendi(features[m]) for m in members.values()]),
        duplicates=mean(
            [
                any((images[i] - images[j]).square().mean() < 4 for j in every if j != i)
                for i in every
            ]
        ),
    )


def collapsed(model, sample):
    features, labels = sample['features'], sample['labels']
    moved = sample['images'].clone()
    for column in range(1, moved.size(3)):
        moved[..., column] = sample['images'][..., column - 1]
    shifted = model.teacher((moved - 100) / 50).features
    return mean(
        [
            min(distance(f, g) for j, g in enumerate(features) if j != i and labels[j] == labels[i])
            <= distance(f, shifted[i])
            for i, f in enumerate(features)
        ]
    )


def with_duplicates():
    sample = samples()
    sample['images'][3] = (sample['images'][8] + 1).clamp(0, 255)
    return sample


def toy_samples(model, num=30):
    data = dict(latent=torch.randn(num, model.latent_dim), label=torch.arange(num) % NUM_CLASSES)
    return model.val_step(data)[0]


def test_as_in_loops():
    sample, metric = with_duplicates(), Diversity()
    figures = evaluate(metric, sample)
    assert figures == pytest.approx(reference(sample, sample['labels'].tolist()))
    assert figures['duplicates'] == 2 / 24
    assert metric.details['classes'] == [0, 1, 2, 3]
    assert metric.details['count'] == [6] * 4
    assert mean(metric.details['intra']) == pytest.approx(figures['intra'])
    assert mean(metric.details['vendi']) == pytest.approx(figures['vendi_class'])
    json.dumps(metric.details)


def test_where_no_class_was_asked_for_the_teacher_decides():
    sample = samples(labels=None)
    decisions = sample['logits'].argmax(1).tolist()
    assert evaluate(Diversity(), sample) == pytest.approx(reference(sample, decisions))


@pytest.mark.parametrize('max_samples', [10, 5000])
def test_batches_make_no_difference_and_nothing_is_left_over(max_samples):
    sample, metric = with_duplicates(), Diversity(max_samples=max_samples)
    whole = evaluate(metric, sample)
    parts = [part(sample, *ends) for ends in ((0, 5), (5, 18), (18, 24))]
    assert evaluate(metric, *parts) == pytest.approx(whole)


def test_a_random_choice_is_kept_for_neighbours():
    sample, metric = samples(80), Diversity(max_samples=16)
    sample['images'] = torch.arange(80.0).view(80, 1, 1, 1).expand(80, 1, 32, 32)
    metric.process(None, [part(sample, 0, 40)])
    metric.process(None, [part(sample, 40, 80)])
    (state,) = metric.results
    kept = state['kept']
    assert len(kept) == len(kept['units']) == len(kept['pixels']) == 16
    assert 2 < (kept['pixels'][:, 0] < 40).sum() < 14
    figures = {name.split('/')[1]: value for name, value in metric.evaluate(80).items()}
    everything = reference(sample, sample['labels'].tolist())
    for name in ('intra', 'inter'):
        assert figures[name] == pytest.approx(everything[name])


def test_collapsed_latents_are_nearer_than_a_pixel_s_move():
    model = toy_dedfkd()
    sample, metric = toy_samples(model), Diversity()
    metric.bind(model)
    found = evaluate(metric, sample)['collapsed']
    assert found == pytest.approx(collapsed(model, sample))
    modes = torch.arange(30) % 6  # two a class
    copied = {name: sample[name][modes] for name in ('images', 'features')}
    assert evaluate(metric, sample | copied)['collapsed'] == 1


def test_latents_without_company_do_not_collapse():
    model = toy_dedfkd()
    metric = Diversity()
    metric.bind(model)
    assert 'collapsed' in evaluate(metric, toy_samples(model, 4))
    assert 'collapsed' not in evaluate(metric, toy_samples(model, 3))
    assert 'collapsed' not in evaluate(Diversity(), toy_samples(model, 4))


class DiversityDigits(Digits):
    asked = 0

    def __getitem__(self, index):
        DiversityDigits.asked += 1
        return super().__getitem__(index)


def test_real_images_beside():
    model = toy_dedfkd()
    metric = Diversity(real=dict(type=DiversityDigits))
    metric.bind(model)
    sample, dataset = toy_samples(model), Digits()
    figures = evaluate(metric, sample)
    images = torch.stack([dataset[i]['inputs'] for i in range(12)]).float()
    features = model.teacher((images - 100) / 50).features
    labels = torch.arange(12) % NUM_CLASSES
    real = dict(images=images, features=features, labels=labels)
    expected = reference(real, labels.tolist()) | dict(collapsed=collapsed(model, real))
    for name, value in expected.items():
        assert figures[f'{name}_real'] == pytest.approx(value, rel=1e-5)
    assert {name for name in figures if not name.endswith('_real')} == set(expected)
    assert sorted(metric.details['count_real']) == [4, 4, 4]
    asked = DiversityDigits.asked
    again = evaluate(metric, sample)
    assert again == pytest.approx(figures)
    assert DiversityDigits.asked == asked  # the teacher is frozen: once is enough
    metric.bind(toy_dedfkd())
    assert evaluate(metric, sample)['intra_real'] != figures['intra_real']


def test_real_images_without_labels_have_the_teachers_decision(monkeypatch):
    model = toy_dedfkd()
    metric = Diversity(real=dict(type=DiversityDigits))
    metric.bind(model)
    unlabelled = [
        {'inputs': Digits()[i]['inputs'], 'data_samples': DataSample()} for i in range(12)
    ]
    monkeypatch.setattr(DiversityDigits, '__getitem__', lambda self, index: unlabelled[index])
    figures = evaluate(metric, toy_samples(model))
    images = torch.stack([item['inputs'] for item in unlabelled]).float()
    logits, features = model.teacher((images - 100) / 50)
    real = evaluate(
        Diversity(),
        samples(12, images=images, logits=logits, features=features) | dict(labels=None),
    )
    assert figures['vendi_class_real'] == pytest.approx(real['vendi_class'], rel=1e-5)


def test_real_images_want_a_distiller():
    with pytest.raises(ValueError, match=r'call bind\(distiller\) before'):
        Diversity(real=dict(type=DiversityDigits)).process(None, [samples()])


def test_unfit_real_images_are_an_error_before_any_synthetic_one():
    with pytest.raises(ValueError, match='got an empty Pixels; check its data_root'):
        Diversity(real=dict(type=Pixels, number=0))
    metric = Diversity(real=dict(type=Pixels, shape=(1, 8, 8)))
    with pytest.raises(ValueError, match=r'shape \(C, H, W\) \(3, 8, 8\), but got \(1, 8, 8\)'):
        metric.bind(toy_dedfkd())


def test_one_class_only():
    figures = evaluate(Diversity(), samples(labels=torch.full((24,), 2)))
    assert 'inter' not in figures
    assert figures['vendi'] == pytest.approx(figures['vendi_class'])


def test_one_sample_a_class():
    sample, metric = samples(4), Diversity()
    figures = evaluate(metric, sample)
    assert 'intra' not in figures
    assert figures['vendi_class'] == pytest.approx(1)
    assert metric.details['intra'] == [None] * 4
    assert math.isfinite(figures['inter'])


def test_all_images_equal():
    model = toy_dedfkd()
    sample = {
        name: v[:1].repeat(20, *[1] * (v.dim() - 1)) for name, v in toy_samples(model).items()
    }
    metric = Diversity()
    metric.bind(model)
    expected = dict(intra=0, vendi=1, vendi_class=1, duplicates=1, collapsed=1)
    assert evaluate(metric, sample) == pytest.approx(expected, abs=1e-5)
    blank = torch.full_like(sample['images'], 7.0)
    features = model.teacher(model.normalize(blank)).features
    sample |= dict(images=blank, features=features)
    assert evaluate(metric, sample) == pytest.approx(expected, abs=1e-5)


def test_nan_is_an_error():
    with pytest.raises(ValueError, match='images of synthetic samples should be finite'):
        Diversity().process(None, [samples(images=torch.full((24, 3, 8, 8), torch.nan))])


@pytest.mark.filterwarnings('ignore')
def test_no_samples_are_an_error():
    with pytest.raises(ValueError, match='Diversity should get synthetic samples, but got none'):
        Diversity().evaluate(0)


def test_too_few_samples_kept():
    with pytest.raises(ValueError, match='max_samples should be at least 2, but got 1'):
        Diversity(max_samples=1)


def test_as_many_real_images_as_are_kept():
    metric = Diversity(real=dict(type=Pixels, number=40), max_samples=16)
    metric.bind(toy_dedfkd())
    sample = toy_dedfkd().val_step(dict(latent=torch.randn(30, 5), label=torch.arange(30) % 3))[0]
    evaluate(metric, sample)
    assert sum(metric.details['count_real']) == 16


def test_the_distance_of_duplicates_is_its_own():
    sample = samples()
    sample['images'][3] = (sample['images'][8] + 6).clamp(0, 255)
    found = [evaluate(Diversity(duplicate_distance=d), sample)['duplicates'] for d in (2.0, 10.0)]
    assert found == [0, 2 / 24]


def test_the_seed_chooses_the_samples():
    def kept(seed):
        metric = Diversity(max_samples=10, seed=seed)
        metric.process(None, [samples(80, images=torch.arange(80.0).view(80, 1, 1, 1))])
        return metric.results[0]['kept']['pixels']

    assert not kept(0).equal(kept(1))
