"""What holds for every method: its configs train, resume exactly, and run in two processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from kill import exit_status, in_synthesis
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from short_config import shorten
from test_resume import assert_same
from torch.nn.modules.module import register_module_forward_pre_hook
from toy import changed, snapshot, toy_labels, toy_optim_wrapper
from toy_methods import METHODS
from toy_run import Digits, toy_runner
from two_processes_methods import ROUNDS

from mmdfkd.datasets import LatentDataset, MemoryDataset
from mmdfkd.evaluation import ClassBalance
from mmdfkd.evaluation.run import evaluate_synthetic
from mmdfkd.models.losses import AdversarialLoss
from mmdfkd.registry import MODELS

TESTS = Path(__file__).parent
CONFIGS = TESTS.parent / 'configs'
#: Runs that a CPU can finish: on MNIST-5k, or where the teacher needs batch norms, ResNet-20's.
SMALL = [
    path
    for pair in ('lenet5_mnist5k', 'resnet20_resnet8_cifar10')
    for path in sorted([*CONFIGS.glob(f'*_{pair}.py'), *CONFIGS.glob(f'*/*_{pair}.py')])
]
ITERATIONS = 4


@pytest.mark.parametrize('name', METHODS)
def test_a_round_trains_the_student_and_leaves_the_teacher_alone(name):
    torch.manual_seed(0)
    model = METHODS[name]()
    model.train()
    student, teacher = snapshot(model.student), snapshot(model.teacher)
    log = model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert all(value.isfinite() for value in log.values())
    assert {'student/loss'} < set(log)
    assert any(key.startswith(f'{model.phase}/') for key in log)
    assert any('weight' in key for key in changed(model.student, student))
    assert not changed(model.teacher, teacher)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert int(model.rounds) == 1


@pytest.mark.parametrize('name', METHODS)
def test_the_images_that_the_student_gets_are_counted(name, monkeypatch):
    warmup = 0 if name in ('dfad', 'zskt') else 1
    model = METHODS[name](warmup_rounds=warmup)
    model.train()
    batches = {}  # by their pixels: steps may share one
    step = model.student_step

    def student_step(batch, optim_wrapper):
        batches[batch.images.double().sum().item()] = len(batch.images)
        return step(batch, optim_wrapper)

    monkeypatch.setattr(model, 'student_step', student_step)
    labels, wrapper = toy_labels(), toy_optim_wrapper(model)
    for rounds in (1, 2, 3):
        model.train_step(labels, wrapper)
        got = sum(batches.values()) if model.memory is None else int(model.memory.num_added)
        assert model.num_images(rounds, len(labels['label'])) == got


@pytest.mark.parametrize('name', ['cmi', 'deepinversion', 'dafl', 'dedfkd', 'nayer'])
def test_nothing_is_made_for_a_student_that_waits(name):
    model = METHODS[name](
        warmup_rounds=1, **(dict(loss_adv=AdversarialLoss()) if name == 'dafl' else {})
    )
    model.train()
    wrapper = toy_optim_wrapper(model)
    first, second = (model.train_step(toy_labels(), wrapper) for _ in range(2))
    adversary = 'loss_compete' if name == 'deepinversion' else 'loss_adv'
    assert f'{model.phase}/{adversary}' not in first
    assert f'{model.phase}/{adversary}' in second


@pytest.mark.parametrize('name', ['dfad', 'zskt'])
def test_a_generator_that_learns_from_the_student_alone_has_no_warm_up(name):
    with pytest.raises(ValueError, match=r'warmup_rounds should be 0 for .*, but got 2'):
        METHODS[name](warmup_rounds=2)


@pytest.mark.parametrize('name', ['dafl', 'dfad', 'zskt', 'dfq', 'mad'])
def test_the_size_of_batches_of_a_memory_is_refused_where_there_is_none(name):
    with pytest.raises(ValueError, match=r'kd_batch_size should be None .*; set train_dataloader'):
        METHODS[name](kd_batch_size=9)
    with pytest.raises(ValueError, match=r'fixed_latents should be False without a memory'):
        METHODS[name](fixed_latents=True)


@pytest.mark.parametrize('name', METHODS)
def test_the_teacher_is_tried_once_and_evaluated_once_before_the_first_round(name, tmp_path):
    class Stop(Hook):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            raise InterruptedError

    seen = []  # by whatever network: the teacher is not known before it is built
    handle = register_module_forward_pre_hook(lambda module, args: seen.append((module, args)))
    try:
        model = METHODS[name]()
        schedules = {key: [] for key in model.optimised}
        runner = toy_runner(tmp_path, 1, model=model, param_scheduler=schedules)
        runner.register_hook(Stop())
        with pytest.raises(InterruptedError):
            runner.train()
    finally:
        handle.remove()
    passes = [len(args[0]) for module, args in seen if module is model.teacher.network]
    assert passes.pop(0) == 4, 'black, white and two of noise'
    if name == 'cmi':
        assert passes.pop(0) == 1, 'it measures the features of the layers that it is given'
    assert passes == [5, 5, 2], 'batches of the evaluation set'
    assert sum(passes) == len(Digits())


@pytest.mark.parametrize('name', METHODS)
def test_all_convolutions_are_channels_last_and_the_round_is_the_same(name):
    logs = []
    for channels_last in (False, True):
        torch.manual_seed(0)
        model = METHODS[name](channels_last=channels_last)
        model.train()
        torch.manual_seed(1)
        logs.append(model.train_step(toy_labels(), toy_optim_wrapper(model)))
    torch.testing.assert_close(logs[1], logs[0], rtol=1e-4, atol=1e-5)
    maps = {name: value for name, value in model.state_dict().items() if value.dim() == 4}
    layout = torch.channels_last
    assert not [name for name in maps if not maps[name].is_contiguous(memory_format=layout)]


@pytest.mark.parametrize('name', METHODS)
def test_images_to_look_at_and_to_measure(name):
    torch.manual_seed(0)
    model = METHODS[name]()
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    before = snapshot(model)
    images = model.preview(6, rows=3)
    assert images.shape[1:] == model.image_shape
    assert 0 < len(images) <= 6
    assert images.min() >= 0
    assert images.max() <= 255
    samples = model.held_out(6)
    has_generator = 'generator' in model.sources
    assert isinstance(samples, LatentDataset if has_generator else MemoryDataset)
    figures = evaluate_synthetic(model, samples, [ClassBalance()])
    assert all(value == value for value in figures.values())
    assert not changed(model, before)


@pytest.fixture(scope='module')
def both(tmp_path_factory):
    """What each of two processes has in the end, by method."""
    folder = tmp_path_factory.mktemp('two_processes_methods')
    launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2']
    done = subprocess.run(
        [sys.executable, *launch, str(TESTS / 'two_processes_methods.py'), str(folder)],
        env=os.environ | {'PYTHONPATH': f'{TESTS.parent}:{TESTS}', 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [torch.load(folder / f'rank_{rank}.pth', weights_only=True) for rank in (0, 1)]


@pytest.mark.skipif(torch.cuda.is_available(), reason='the CPU path; a GPU takes MMEngine’s')
@pytest.mark.parametrize('name', METHODS)
def test_two_processes_end_with_the_same_networks_and_images(both, name):
    first, second = (rank[name] for rank in both)
    assert_same(first['state'], second['state'], name)
    assert first['figures'] == second['figures']
    weights = {k: v for k, v in first['student_before'].items() if 'weight' in k}
    assert any(not value.equal(first['state'][f'student.{key}']) for key, value in weights.items())
    images = first['state'].get('memory.images')
    if images is not None:
        added = int(first['state']['memory.num_added.count'])
        assert added >= 2 * ROUNDS
        assert added % 2 == 0
        filled = images[: min(added, len(images))].flatten(1)
        assert len(filled.unique(dim=0)) > len(filled) / 2, 'each process makes images of its own'


def short_run(path, work_dir, teacher, resume=False):
    """A runner of a few rounds, with a checkpoint of each."""
    cfg = shorten(path, teacher, ITERATIONS)
    cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=-1)
    cfg.update(work_dir=str(work_dir), resume=resume, experiment_name=f'{work_dir.name}_{resume}')
    return Runner.from_cfg(cfg)


@pytest.mark.parametrize('path', SMALL, ids=lambda path: path.stem)
def test_a_run_killed_in_a_synthesis_resumes_bit_for_bit(path, tmp_path):
    teacher = tmp_path / 'teacher.pth'
    torch.manual_seed(0)
    torch.save(MODELS.build(Config.fromfile(path).model.teacher.network).state_dict(), teacher)

    def die():
        runner = short_run(path, tmp_path / 'killed', teacher)
        in_synthesis(runner.model, round_number=3)
        runner.train()

    assert exit_status(die) == -signal.SIGKILL
    assert not (tmp_path / 'killed/iter_3.pth').exists()
    short_run(path, tmp_path / 'killed', teacher, resume=True).train()
    short_run(path, tmp_path / 'whole', teacher).train()
    whole, resumed = (
        torch.load(tmp_path / name / f'iter_{ITERATIONS}.pth', weights_only=True)
        for name in ('whole', 'killed')
    )
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert_same(whole[part], resumed[part], part)
    assert int(whole['state_dict']['rounds.count']) == ITERATIONS
