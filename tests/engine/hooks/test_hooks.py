import json
import math
from itertools import pairwise
from types import SimpleNamespace
from typing import ClassVar

import cv2
import pytest
import torch
from mmengine.hooks import Hook
from mmpretrain.structures import DataSample
from toy import changed, snapshot, toy_dedfkd
from toy_methods import toy_dafl_memory, toy_deepinversion
from toy_run import Digits, toy_runner

from mmdfkd.datasets import LabelDataset
from mmdfkd.engine.hooks import GeneratorRestartHook, IterationSeedHook, NonFiniteLossHook
from mmdfkd.engine.schedulers import CosinePeriodLR
from mmdfkd.models.generators import ConditionalGenerator, UnconditionalGenerator


def draw(seed, rank, iteration):
    runner = SimpleNamespace(seed=seed, rank=rank, iter=iteration)
    IterationSeedHook().before_train_iter(runner, 0)
    return torch.rand(4)


def test_draws_depend_on_seed_rank_and_iteration_alone():
    first = draw(0, 0, 7)
    torch.rand(100)
    assert draw(0, 0, 7).equal(first)
    others = [draw(1, 0, 7), draw(0, 1, 7), draw(0, 0, 8), draw(7, 0, 0)]
    assert not any(other.equal(first) for other in others)


def test_a_loss_that_is_not_finite_is_named():
    runner = SimpleNamespace(
        iter=4, message_hub=SimpleNamespace(runtime_info={'last_ckpt': 'iter_4.pth'})
    )
    outputs = {'student/loss_kd': torch.tensor(math.nan), 'generator/loss': torch.tensor(1.0)}
    with pytest.raises(FloatingPointError, match=r'iteration 5.*student/loss_kd = nan') as error:
        NonFiniteLossHook().after_train_iter(runner, 0, outputs=outputs)
    assert 'iter_4.pth' in str(error.value)
    assert 'generator/loss' not in str(error.value)


def test_a_run_that_diverges_keeps_its_last_checkpoint_whole(tmp_path):
    class Poison(Hook):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            if runner.iter == 3:
                next(runner.model.generator.parameters()).data.fill_(math.nan)

    runner = toy_runner(tmp_path, max_iters=5, checkpoint_interval=1)
    runner.register_hook(Poison())
    with pytest.raises(FloatingPointError, match='iteration 4'):
        runner.train()
    state = torch.load(tmp_path / 'iter_3.pth', weights_only=True)['state_dict']
    assert all(value.isfinite().all() for value in state.values())
    assert not (tmp_path / 'iter_4.pth').exists()


def test_grid_has_a_row_a_class_and_changes_nothing(tmp_path):
    runner = toy_runner(tmp_path, max_iters=2, grid_interval=1)
    runner.train()
    pictures = sorted(tmp_path.glob('*/vis_data/vis_image/*.png'))
    assert [p.name for p in pictures] == ['real_0.png', 'synthetic_1.png', 'synthetic_2.png']
    for picture in pictures:
        height, width, _ = cv2.imread(str(picture)).shape
        assert height == 3 * 34 + 2  # 8-pixel images four times as large, 2 of padding
        assert 10 * 34 + 10 < width < 10 * 34 + 30  # and names of a letter
    [names] = tmp_path.glob('*/class_names.json')
    assert json.loads(names.read_text()) == ['0', '1', '2']
    plain = toy_runner(tmp_path / 'plain', max_iters=2, grid_interval=100)
    plain.train()
    for name, value in runner.model.generator.state_dict().items():
        assert value.equal(plain.model.generator.state_dict()[name]), name


def cells_of_grid(folder, model):
    runner = toy_runner(folder, max_iters=1, grid_interval=1, model=model)
    runner.train()
    (picture,) = folder.glob('*/vis_data/vis_image/synthetic_*.png')
    image = cv2.imread(str(picture))
    return {
        image[row : row + 32, column : column + 32].tobytes()
        for row in range(2, 102, 34)
        for column in range(image.shape[1] - 10 * 34, image.shape[1], 34)
    }


def test_every_image_of_a_grid_is_another(tmp_path):
    unconditional = UnconditionalGenerator(latent_dim=5, image_size=8, base_channels=2)
    assert len(cells_of_grid(tmp_path / 'one', toy_dedfkd())) == 30
    # The teacher need not see each class ten times in them; there is one empty cell, then.
    other = toy_dafl_memory(generator=unconditional)
    assert 11 <= len(cells_of_grid(tmp_path / 'other', other)) <= 30


def test_summary_shows_teacher_and_student(tmp_path):
    runner = toy_runner(tmp_path, max_iters=2)
    runner.train()
    log = next(tmp_path.glob('*/*.log')).read_text()
    summary = log[log.index('Distillation summary') :]
    assert 'accuracy/top1' in summary
    assert 'images in the memory    12' in summary
    scalars = runner.message_hub.log_scalars
    dataset = Digits()
    inputs = torch.stack([dataset[i]['inputs'] for i in range(len(dataset))])
    labels = torch.tensor([int(dataset[i]['data_samples'].gt_label) for i in range(len(dataset))])
    logits = runner.model.teacher(runner.model.normalize(inputs.float())).logits
    expected = 100 * (logits.argmax(1) == labels).float().mean()
    assert scalars['val/teacher/accuracy/top1'].current() == pytest.approx(float(expected))


@pytest.mark.parametrize('knows', [True, False])
def test_a_teacher_at_chance_is_told(tmp_path, knows):
    class Known(Digits):
        def __init__(self):
            super().__init__()
            self.images = self.images[:1].repeat(90, 1, 1, 1)

        def __getitem__(self, index):
            label = answer if knows else index % 3
            return {
                'inputs': self.images[index],
                'data_samples': DataSample().set_gt_label(label),
            }

    runner = toy_runner(tmp_path, max_iters=1, val_dataset=Known())
    inputs = runner.model.normalize(Known().images[:1].float())
    answer = int(runner.model.teacher(inputs).logits.argmax())
    runner.train()
    log = next(tmp_path.glob('*/*.log')).read_text()
    told = 'the teacher should be better than chance, but has 33.33 % of 90' in log
    assert told is not knows


def test_label_set_must_have_the_teachers_classes(tmp_path):
    runner = toy_runner(tmp_path, max_iters=1, train_dataset=LabelDataset(5, 50))
    with pytest.raises(ValueError, match='train data set should have the teacher’s 3 classes'):
        runner.train()


def test_validation_set_must_have_the_teachers_classes(tmp_path):
    runner = toy_runner(tmp_path, max_iters=1, val_dataset=Digits(classes=4))
    with pytest.raises(ValueError, match='val data set should have the teacher’s 3 classes'):
        runner.train()


def restarted_runner(work_dir, period=2, max_iters=6, begin=0):
    generator = dict(
        type=ConditionalGenerator, num_classes=3, latent_dim=5, image_size=8, base_channels=2
    )
    model = toy_dedfkd(generator=generator)
    restart = dict(type=CosinePeriodLR, period=period, begin=begin, by_epoch=False)
    schedulers = dict(generator=[restart], student=[])
    runner = toy_runner(work_dir, max_iters, model=model, param_scheduler=schedulers)
    runner.register_hook(GeneratorRestartHook(interval=2))
    return runner


def test_generator_restarts_at_every_multiple_of_the_interval(tmp_path):
    class Watch(Hook):
        priority = 'LOWEST'
        batches: ClassVar[list] = []
        momenta: ClassVar[list] = []
        weights: ClassVar[list] = []
        rates: ClassVar[list] = []

        def before_train_iter(self, runner, batch_idx, data_batch=None):
            generator = runner.model.generator
            self.batches.append(int(generator.first_norm.num_batches_tracked))
            self.momenta.append(bool(runner.optim_wrapper['generator'].optimizer.state))
            self.weights.append(generator.dense.weight.detach().clone())
            self.rates += runner.optim_wrapper['generator'].get_lr()['lr']

    runner = restarted_runner(tmp_path)
    runner.register_hook(Watch())
    student = snapshot(runner.model.student)
    runner.train()
    assert Watch.batches == [0, 2, 0, 2, 0, 2]
    assert Watch.momenta == [False, True] * 3
    assert Watch.rates == pytest.approx([0.05, 0.025] * 3)
    starts = Watch.weights[::2]
    assert not any(a.equal(b) for a, b in pairwise(starts))
    assert changed(runner.model.student, student)
    assert runner.optim_wrapper['student'].optimizer.state


@pytest.mark.parametrize('period', [1, 3, 4, 6])
def test_a_schedule_that_does_not_restart_with_the_generator_is_an_error(tmp_path, period):
    runner = restarted_runner(tmp_path, period)
    with pytest.raises(ValueError, match=f'should be 2 as the interval .*, but got {period}'):
        runner.train()


def test_a_schedule_that_begins_between_restarts_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r'begin .* a multiple of 2, .*, but got 1: the rate'):
        restarted_runner(tmp_path, begin=1).train()
    restarted_runner(tmp_path, begin=2).train()


def test_the_last_generator_may_be_cut_off(tmp_path):
    runner = restarted_runner(tmp_path, max_iters=5)
    runner.train()
    assert runner.iter == 5


def test_a_generator_without_a_config_is_found_before_training(tmp_path):
    runner = toy_runner(tmp_path, max_iters=6)
    runner.register_hook(GeneratorRestartHook(interval=2))
    with pytest.raises(TypeError, match='generator should be a config for restarts'):
        runner.train()
    assert runner.iter == 0


def test_a_restart_hook_of_a_method_without_a_lasting_generator_is_refused(tmp_path):
    runner = toy_runner(
        tmp_path, max_iters=2, model=toy_deepinversion(), param_scheduler=dict(student=[])
    )
    runner.register_hook(GeneratorRestartHook(interval=1))
    with pytest.raises(TypeError, match='got DeepInversion; leave the hook out'):
        runner.train()
    assert runner.iter == 0


def test_restart_interval_is_positive():
    with pytest.raises(ValueError, match='interval should be a whole number over 0, but got 0'):
        GeneratorRestartHook(interval=0)


def test_one_layer_alone_is_drawn_anew(tmp_path):
    class Watch(Hook):
        priority = 'LOWEST'
        weights: ClassVar[list] = []
        momenta: ClassVar[list] = []

        def before_train_iter(self, runner, batch_idx, data_batch=None):
            self.weights.append(snapshot(runner.model.generator))
            self.momenta.append(bool(runner.optim_wrapper['generator'].optimizer.state))

        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            self.weights.append(snapshot(runner.model.generator))

    generator = dict(
        type=ConditionalGenerator, num_classes=3, latent_dim=5, image_size=8, base_channels=2
    )
    runner = toy_runner(
        tmp_path,
        max_iters=2,
        model=toy_dedfkd(generator=generator),
        param_scheduler=dict(generator=[], student=[]),
    )
    begun = snapshot(runner.model.generator)
    runner.register_hook(GeneratorRestartHook(interval=1, layer='dense'))
    runner.register_hook(Watch())
    runner.train()
    first, before, after, _ = Watch.weights
    assert all(first[name].equal(begun[name]) for name in first)  # the first round has its own
    redrawn = {name for name in before if not before[name].equal(after[name])}
    assert redrawn == {'dense.weight', 'dense.bias'}
    assert Watch.momenta == [False, False]


def test_an_unknown_layer_is_found_before_training(tmp_path):
    generator = dict(
        type=ConditionalGenerator, num_classes=3, latent_dim=5, image_size=8, base_channels=2
    )
    runner = toy_runner(tmp_path, max_iters=2, model=toy_dedfkd(generator=generator))
    runner.register_hook(GeneratorRestartHook(interval=1, layer='first'))
    with pytest.raises(ValueError, match=r"layer should name a part .* but got 'first'.*'dense'"):
        runner.train()
