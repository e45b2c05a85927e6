"""A checkpoint is only saved if the run can go on from it."""

import math

import pytest
import torch
from mmengine.hooks import Hook
from toy import toy_dedfkd
from toy_run import toy_runner

from mmdfkd.engine.hooks import AtomicCheckpointHook

CHECKPOINT = dict(type=AtomicCheckpointHook, by_epoch=False, interval=1, max_keep_ckpts=1)


class Poison(Hook):
    """As an update that is too long: after the losses of the third round."""

    priority = 'VERY_HIGH'

    def __init__(self, part, value):
        self.part, self.value = part, value

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == 2:
            next(getattr(runner.model, self.part).parameters()).data.fill_(self.value)


@pytest.mark.parametrize('part', ['student', 'generator'])
@pytest.mark.parametrize('value', [math.nan, math.inf, 1e30])
def test_weights_that_break_the_next_round_are_not_saved(tmp_path, part, value):
    runner = toy_runner(tmp_path, max_iters=5, default_hooks=dict(checkpoint=CHECKPOINT))
    runner.register_hook(Poison(part, value))
    with pytest.raises(FloatingPointError, match=rf'iteration 3 {part}\..* --resume$'):
        runner.train()
    # The one that had to make way is there: the name leads to it, and it goes on.
    assert [path.name for path in tmp_path.glob('iter_*')] == ['iter_2.pth']
    runner = toy_runner(
        tmp_path, max_iters=5, default_hooks=dict(checkpoint=CHECKPOINT), resume=True
    )
    runner.train()
    assert runner.iter == 5


def test_a_rate_of_1e30_leaves_no_checkpoint(tmp_path):
    runner = toy_runner(
        tmp_path,
        max_iters=3,
        default_hooks=dict(checkpoint=CHECKPOINT),
        param_scheduler=dict(generator=[], student=[]),
        model=toy_dedfkd(kd_steps=1),
    )
    runner.optim_wrapper['student']['optimizer']['lr'] = 1e30
    with pytest.raises(FloatingPointError, match='finite'):
        runner.train()
    for path in tmp_path.glob('iter_*'):
        for value in torch.load(path, weights_only=True)['state_dict'].values():
            assert value.float().abs().max() < 1e18


def test_a_student_that_overflows_is_found_by_what_it_says(tmp_path):
    runner = toy_runner(tmp_path, max_iters=3, default_hooks=dict(checkpoint=CHECKPOINT))

    class Overflow(Poison):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            student = runner.model.student.network
            student[1].running_var.fill_(1e-30)
            student[1].eps = 1e-40
            student[-1].weight.data.fill_(1e17)
            student[1].weight.data.fill_(1e17)

    runner.register_hook(Overflow('student', 0))
    with pytest.raises(FloatingPointError, match='logits of synthetic images'):
        runner.train()


def test_the_check_changes_nothing(tmp_path):
    often = toy_runner(tmp_path / 'often', max_iters=4, checkpoint_interval=1)
    often.train()
    once = toy_runner(tmp_path / 'once', max_iters=4, checkpoint_interval=4)
    once.train()
    for name, value in once.model.state_dict().items():
        assert value.equal(often.model.state_dict()[name]), name


@pytest.mark.parametrize('key', ['best_ckpt', 'keep_ckpt_ids', 'makes_way'])
def test_a_checkpoint_of_others_has_no_file_removed(tmp_path, key):
    """MMEngine removes the best checkpoint so far, wherever the file says that it is."""
    precious = tmp_path / 'precious.pth'
    precious.write_text('years of work')
    folder = tmp_path / 'run'
    hook = CHECKPOINT | dict(save_best='accuracy/top1', rule='less')
    toy_runner(folder, 2, default_hooks=dict(checkpoint=hook)).train()
    (newest,) = folder.glob('iter_*')
    content = torch.load(newest, weights_only=True)
    hub = content['message_hub']
    hub['runtime_info'][key] = dict(
        best_ckpt=str(precious),
        keep_ckpt_ids=['/../../precious'] * 3,
        makes_way=[str(precious), '../precious.pth', 'iter_/../../precious.pth', 7],
    )[key]
    hub['runtime_info']['best_score'] = 1e9
    torch.save(content, newest)
    (folder / 'iter_').mkdir()  # makes the path of 'iter_{}.pth' exist
    toy_runner(folder, 4, default_hooks=dict(checkpoint=hook), resume=True).train()
    assert precious.read_text() == 'years of work'


def test_the_best_so_far_still_makes_way(tmp_path):
    hook = CHECKPOINT | dict(save_best='accuracy/top1', rule='less')
    toy_runner(tmp_path, 2, default_hooks=dict(checkpoint=hook)).train()
    (newest,) = tmp_path.glob('iter_*')
    content = torch.load(newest, weights_only=True)
    content['message_hub']['runtime_info'].update(
        best_score=1e9, best_ckpt=str(tmp_path / 'best_accuracy_top1_iter_1.pth')
    )
    torch.save(content, newest)
    for path in tmp_path.glob('best_*'):
        path.rename(tmp_path / 'best_accuracy_top1_iter_1.pth')
    toy_runner(tmp_path, 4, default_hooks=dict(checkpoint=hook), resume=True).train()
    assert [path.name for path in tmp_path.glob('best_*')] == ['best_accuracy_top1_iter_4.pth']


def test_a_model_of_another_kind_is_checked_by_its_weights(tmp_path):
    runner = toy_runner(tmp_path, 2, model=toy_dedfkd(memory=None))
    runner.train()
    assert runner.iter == 2
