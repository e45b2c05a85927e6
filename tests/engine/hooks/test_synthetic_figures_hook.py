import pytest
import torch
from mmengine.dataset import DefaultSampler, default_collate
from mmengine.evaluator import BaseMetric
from mmengine.hooks import CheckpointHook
from toy import NUM_CLASSES, toy_dedfkd
from toy_run import toy_runner

from mmdfkd.datasets import LatentDataset, MemoryDataset
from mmdfkd.engine.hooks import SyntheticFiguresHook
from mmdfkd.evaluation.run import evaluate_synthetic


class MeanPixel(BaseMetric):
    default_prefix = 'mean'
    distiller = None

    def bind(self, distiller):
        self.distiller = distiller

    def process(self, data_batch, data_samples):
        assert self.distiller is not None
        self.results.extend(data_samples[0]['images'].mean(dim=(1, 2, 3)).tolist())

    def compute_metrics(self, results):
        return {'pixel': sum(results) / len(results), 'images': len(results)}


def synthetic_loader(dataset):
    return dict(
        batch_size=4,
        num_workers=0,
        dataset=dataset,
        sampler=dict(type=DefaultSampler, shuffle=False),
        collate_fn=dict(type=default_collate),
    )


@pytest.fixture
def hook():
    return SyntheticFiguresHook([dict(type=MeanPixel)], num_samples=7, batch_size=3, seed=1)


def test_figures_stand_beside_the_accuracy(tmp_path, hook):
    runner = toy_runner(tmp_path, 2)
    runner.register_hook(hook)
    runner.train()
    expected = evaluate_synthetic(
        runner.model, LatentDataset(NUM_CLASSES, 7, 5, seed=1), [MeanPixel()], batch_size=7
    )
    assert expected['mean/images'] == 7
    logged = runner.message_hub.get_scalar('val/mean/pixel').current()
    assert logged == pytest.approx(expected['mean/pixel'])
    (text,) = tmp_path.glob('*/*.log')
    assert 'mean/pixel' in text.read_text()


def test_the_run_is_as_without_the_hook(tmp_path, hook):
    plain, watched = (toy_runner(tmp_path / name, 3) for name in ('plain', 'watched'))
    watched.register_hook(hook)
    plain.train_loop.val_interval = watched.train_loop.val_interval = 1
    plain.train()
    watched.train()
    state = watched.model.state_dict()
    assert all(torch.equal(v, state[k]) for k, v in plain.model.state_dict().items())


def test_save_best_without_a_real_image(tmp_path, hook):
    runner = toy_runner(
        tmp_path,
        2,
        val_dataloader=synthetic_loader(LatentDataset(NUM_CLASSES, 7, 5)),
        val_evaluator=dict(type=MeanPixel),
        default_hooks=dict(
            checkpoint=dict(
                type=CheckpointHook, by_epoch=False, save_best='mean/pixel', rule='greater'
            )
        ),
    )
    runner.train()
    assert runner.message_hub.get_scalar('val/mean/images').current() == 7
    assert list(tmp_path.glob('best_mean_pixel_iter_*.pth'))


def test_the_memory_has_figures(tmp_path):
    runner = toy_runner(tmp_path, 2)
    runner.train()
    memory = runner.model.memory
    figures = evaluate_synthetic(
        runner.model, MemoryDataset(len(memory)), [MeanPixel()], batch_size=5
    )
    stored = memory.images[: len(memory)].float().mean()
    assert figures == {'mean/images': len(memory), 'mean/pixel': pytest.approx(float(stored))}


def test_latents_of_another_size(tmp_path):
    loader = synthetic_loader(LatentDataset(NUM_CLASSES, 7, 6))
    runner = toy_runner(tmp_path, 1, val_dataloader=loader, val_evaluator=dict(type=MeanPixel))
    with pytest.raises(ValueError, match='latent_dim=5, but got 6'):
        runner.train()


def test_latents_of_a_generator_that_was_fitted_to_others_are_told_of(tmp_path, capfd):
    loader = synthetic_loader(LatentDataset(NUM_CLASSES, 7, 5))
    runner = toy_runner(tmp_path, 1, val_dataloader=loader, val_evaluator=dict(type=MeanPixel))
    runner.model.fixed_latents = True
    runner.train()
    assert 'should be a MemoryDataset where fixed_latents' in capfd.readouterr().out


@pytest.mark.parametrize(
    ('overrides', 'message'),
    [
        (dict(length=1000), 'length of the MemoryDataset should be at most 12, .* but got 1000'),
        (dict(length=4, memory=None), 'a LatentDataset for DEDFKD without a memory'),
    ],
)
def test_a_memory_without_as_many_images_is_told_at_the_start(tmp_path, overrides, message):
    loader = synthetic_loader(MemoryDataset(overrides['length']))
    runner = toy_runner(tmp_path, 2, val_dataloader=loader, val_evaluator=dict(type=MeanPixel))
    if 'memory' in overrides:
        runner.model.memory = None
    with pytest.raises(ValueError, match=message):
        runner.train()


def test_the_random_state_stays():
    model = toy_dedfkd()
    before = torch.get_rng_state()
    evaluate_synthetic(model, LatentDataset(NUM_CLASSES, 7, 5), [MeanPixel()])
    assert torch.equal(before, torch.get_rng_state())


def test_evaluation_of_a_toy_is_of_all_samples_once():
    model = toy_dedfkd()
    figures = evaluate_synthetic(model, LatentDataset(3, 10, 5), [MeanPixel()], batch_size=4)
    assert figures['mean/images'] == 10


def test_figures_are_of_the_memory_where_latents_are_fixed(tmp_path):
    hook = SyntheticFiguresHook([dict(type='mmdfkd.ClassBalance')], num_samples=12)
    runner = toy_runner(tmp_path, 2, model=toy_dedfkd(fixed_latents=True))
    runner.register_hook(hook)
    runner.train()
    expected = evaluate_synthetic(runner.model, MemoryDataset(12), hook.metrics)
    for name, value in expected.items():
        assert runner.message_hub.get_scalar(f'val/{name}').current() == pytest.approx(value)


def test_images_are_counted_until_validation_begins(tmp_path):
    loader = synthetic_loader(MemoryDataset(12))
    late = dict(by_epoch=False, max_iters=3, val_interval=1, val_begin=2)
    options = dict(val_dataloader=loader, val_evaluator=dict(type=MeanPixel))
    toy_runner(tmp_path / 'late', 3, train_cfg=late, **options).train()
    with pytest.raises(ValueError, match=r'at most 6, .* but got 12'):
        toy_runner(tmp_path / 'early', 3, train_cfg=late | dict(val_begin=1), **options).train()
