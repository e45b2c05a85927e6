import math

import pytest
import torch
from mmengine.dataset import DefaultSampler, default_collate
from mmengine.hooks import CheckpointHook
from mmengine.runner import IterBasedTrainLoop
from synthetic_samples import evaluate, part, samples
from toy import NUM_CLASSES, toy_dedfkd
from toy_run import toy_runner

from mmdfkd.datasets import LatentDataset
from mmdfkd.evaluation import Agreement, Diversity
from mmdfkd.evaluation.run import evaluate_synthetic
from mmdfkd.registry import METRICS

CORRUPTIONS = ('noise', 'blur', 'augment')


def toy_samples(model, num=30):
    data = dict(latent=torch.randn(num, model.latent_dim), label=torch.arange(num) % 3)
    return model.val_step(data)[0]


def test_as_in_loops():
    sample = samples(40)
    figures = evaluate(Agreement(), sample)
    same, divergence = 0, 0.0
    for teacher, student in zip(sample['logits'], sample['student_logits'], strict=True):
        p, q = teacher.double().softmax(0).tolist(), student.double().softmax(0).tolist()
        same += p.index(max(p)) == q.index(max(q))
        divergence += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert figures == pytest.approx(dict(top1=100 * same / 40, kl=divergence / 40))
    assert 0 < same < 40


def test_batches_make_no_difference_and_nothing_is_left_over():
    sample, metric = samples(), Agreement()
    whole = evaluate(metric, sample)
    assert evaluate(metric, part(sample, 0, 5), part(sample, 5, 24)) == pytest.approx(whole)


def test_corruptions_are_of_a_samples_place_whatever_the_batches():
    model = toy_dedfkd()
    sample, metric = toy_samples(model, 12), Agreement(CORRUPTIONS)
    metric.bind(model)
    whole = evaluate(metric, sample)
    assert evaluate(metric, part(sample, 0, 5), part(sample, 5, 12)) == pytest.approx(whole)


def test_a_perfect_student():
    sample = samples()
    figures = evaluate(Agreement(), sample | dict(student_logits=sample['logits'] + 1))
    assert figures == pytest.approx(dict(top1=100, kl=0), abs=1e-6)


def test_certain_teacher_and_student_do_not_overflow():
    logits = 1000 * torch.eye(3)
    sample = samples(3, 3, logits=logits, student_logits=logits.roll(1, 0))
    assert evaluate(Agreement(), sample) == pytest.approx(dict(top1=0, kl=1000))


def test_corrupted_samples_are_seen_by_both():
    model = toy_dedfkd()
    sample = toy_samples(model)
    metric = Agreement(CORRUPTIONS)
    metric.bind(model)
    figures = evaluate(metric, sample)
    assert set(figures) == {
        f'{name}{suffix}'
        for name in ('top1', 'kl')
        for suffix in ('', '_noise', '_blur', '_augment')
    }
    assert evaluate(metric, sample) == figures  # the same noise in every evaluation
    assert len({figures[name] for name in figures if name.startswith('kl')}) == 4
    assert model.student.training
    model.student = model.teacher
    perfect = evaluate(metric, toy_samples(model))
    assert all(perfect[name] == 100 for name in perfect if name.startswith('top1'))
    assert all(perfect[name] == pytest.approx(0) for name in perfect if name.startswith('kl'))


def test_each_corruption_does_what_it_says(monkeypatch):
    model = toy_dedfkd()
    sample = toy_samples(model, 12)
    seen = []
    normalize = model.normalize
    monkeypatch.setattr(model, 'normalize', lambda images: seen.append(images) or normalize(images))
    metric = Agreement(CORRUPTIONS)
    metric.bind(model)
    evaluate(metric, sample)
    noisy, blurred, augmented = seen
    images = sample['images']
    middle = (images > 90) & (images < 165)
    assert abs((noisy - images)[middle].std() - 25.5) < 2
    assert (blurred.diff(dim=3).abs().mean()) < 0.7 * images.diff(dim=3).abs().mean()
    assert not torch.equal(augmented, images)
    assert torch.isin(augmented, images).float().mean() > 0.5  # moved, not changed


def test_corruptions_want_a_distiller():
    with pytest.raises(ValueError, match=r'call bind\(distiller\) before'):
        Agreement(['blur']).process(None, [samples()])


def test_unknown_corruption():
    with pytest.raises(ValueError, match=r"corruptions should be of .*'blur'.* but got \['fog'\]"):
        Agreement(['blur', 'fog'])


def test_nan_is_an_error():
    with pytest.raises(ValueError, match='images of synthetic samples should be finite'):
        Agreement().process(None, [samples(images=torch.full((24, 3, 8, 8), torch.nan))])


@pytest.mark.filterwarnings('ignore')
def test_no_samples_are_an_error():
    with pytest.raises(ValueError, match='Agreement should get synthetic samples, but got none'):
        Agreement().evaluate(0)


def test_registered():
    assert isinstance(METRICS.build(dict(type='Agreement', corruptions=['noise'])), Agreement)


def test_the_best_checkpoint_is_kept_without_a_real_image(tmp_path):
    latents = dict(
        batch_size=7,
        num_workers=0,
        dataset=LatentDataset(NUM_CLASSES, 30, 5, seed=1),
        sampler=dict(type=DefaultSampler, shuffle=False),
        collate_fn=dict(type=default_collate),
    )
    # A key with "top" in it is one to maximise: the rule need not be given.
    checkpoint = dict(type=CheckpointHook, by_epoch=False, interval=1, save_best='agreement/top1')
    runner = toy_runner(
        tmp_path,
        max_iters=6,
        train_cfg=dict(type=IterBasedTrainLoop, max_iters=6, val_interval=1),
        val_dataloader=latents,
        val_evaluator=[dict(type=Agreement, corruptions=CORRUPTIONS), dict(type=Diversity)],
        default_hooks=dict(checkpoint=checkpoint),
    )
    runner.train()
    history, _ = runner.message_hub.get_scalar('val/agreement/top1').data
    assert len(history) == 6
    assert len(set(history)) > 1
    (best,) = tmp_path.glob('best_agreement_top1_iter_*.pth')
    assert best.name == f'best_agreement_top1_iter_{1 + history.argmax()}.pth'
    model = toy_dedfkd()
    model.load_state_dict(torch.load(best, weights_only=True)['state_dict'])
    figures = evaluate_synthetic(model, latents['dataset'], [Agreement()])
    assert figures['agreement/top1'] == pytest.approx(history.max())


def test_the_seed_draws_the_noise():
    model = toy_dedfkd()
    images = torch.rand(4, 3, 8, 8) * 255
    one, other = Agreement(['noise'], seed=0), Agreement(['noise'], seed=1)
    for metric in (one, other):
        metric.bind(model)
    views = [metric._corrupt(images, 'noise', range(4)) for metric in (one, other)]
    assert not views[0].equal(views[1])
