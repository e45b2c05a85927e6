import errno
import re
from pathlib import Path

import pytest
import torch
from mmengine.dataset import DefaultSampler, default_collate
from mmengine.evaluator import BaseMetric
from mmengine.fileio import LocalBackend
from mmengine.hooks import Hook, LoggerHook
from mmengine.logging import MessageHub
from mmengine.optim import OneCycleLR
from mmengine.runner import EpochBasedTrainLoop
from toy import NUM_CLASSES
from toy_run import toy_runner

from mmdfkd.datasets import LabelDataset
from mmdfkd.engine.hooks import AtomicCheckpointHook
from mmdfkd.engine.work_dir import newest_checkpoint
from mmdfkd.reports.run_logs import read_run

CHECKPOINT = dict(
    checkpoint=dict(type=AtomicCheckpointHook, by_epoch=False, interval=1, max_keep_ckpts=2)
)


class Killed(BaseException):
    pass


def run(work_dir, **kwargs):
    runner = toy_runner(work_dir, max_iters=4, default_hooks=CHECKPOINT, **kwargs)
    runner.train()
    return torch.load(work_dir / 'iter_4.pth', weights_only=True)['state_dict']


def die_half_way_through(name, monkeypatch):
    whole = LocalBackend.put

    def put(self, obj, filepath):
        if name in str(filepath):
            whole(self, obj[: len(obj) // 2], filepath)
            raise Killed
        whole(self, obj, filepath)

    monkeypatch.setattr(LocalBackend, 'put', put)


def test_a_run_killed_while_it_saves_resumes_from_the_checkpoint_before(tmp_path, monkeypatch):
    expected = run(tmp_path / 'whole')
    with monkeypatch.context() as patch:
        die_half_way_through('iter_3.pth', patch)
        with pytest.raises(Killed):
            run(tmp_path / 'killed')
    assert not (tmp_path / 'killed/iter_3.pth').exists()
    resumed = run(tmp_path / 'killed', resume=True)
    assert resumed.keys() == expected.keys()
    for key, value in expected.items():
        assert value.equal(resumed[key]), key
    left = {path.name for path in (tmp_path / 'killed').glob('iter_*')}
    assert left == {'iter_3.pth', 'iter_4.pth'}  # no .part


class Round(BaseMetric):
    """Every round is better than the one before."""

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        return {'merit': MessageHub.get_current_instance().get_info('iter')}


def one_is_kept(work_dir, resume=False):
    """Six rounds: a checkpoint of every second one, and of the best, every one validated."""
    best = dict(interval=2, max_keep_ckpts=1, save_best='merit', rule='greater')
    hooks = dict(
        checkpoint=CHECKPOINT['checkpoint'] | best,
        logger=dict(type=LoggerHook, interval=1, log_metric_by_epoch=False),
    )
    runner = toy_runner(
        work_dir, 6, default_hooks=hooks, val_evaluator=dict(type=Round), resume=resume
    )
    runner.train_loop.val_interval = 1
    runner.train_loop.dynamic_intervals = [1]
    runner.train()
    return runner


def checkpoints(folder):
    return {path.name for path in folder.glob('*.pth*')}


@pytest.mark.parametrize('half', ['iter_4.pth', 'best_merit_iter_3.pth', 'best_merit_iter_4.pth'])
def test_what_makes_way_is_there_until_the_new_one_is_whole(tmp_path, monkeypatch, half):
    with monkeypatch.context() as patch:
        die_half_way_through(half, patch)
        with pytest.raises(Killed):
            one_is_kept(tmp_path)
    assert f'{half}.part' in checkpoints(tmp_path)
    assert {name.split('_')[0] for name in checkpoints(tmp_path) - {f'{half}.part'}} == {
        'best',
        'iter',
    }
    for name in checkpoints(tmp_path) - {f'{half}.part'}:
        torch.load(tmp_path / name, weights_only=True)
    one_is_kept(tmp_path, resume=True)
    assert checkpoints(tmp_path) == {'iter_6.pth', 'best_merit_iter_6.pth'}


@pytest.mark.parametrize('last', ['iter_2.pth', 'best_merit_iter_1.pth', 'best_merit_iter_3.pth'])
def test_what_a_kill_left_over_is_removed(tmp_path, monkeypatch, last):
    remove = LocalBackend.remove

    def die_before(self, path):
        if path.endswith(last):
            raise Killed
        remove(self, path)

    with monkeypatch.context() as patch:
        patch.setattr(LocalBackend, 'remove', die_before)
        with pytest.raises(Killed):
            one_is_kept(tmp_path)
    assert last in checkpoints(tmp_path)
    one_is_kept(tmp_path, resume=True)
    assert checkpoints(tmp_path) == {'iter_6.pth', 'best_merit_iter_6.pth'}


def rounds_validated(work_dir):
    """What stands in the run's logs, round by round."""
    return read_run(work_dir, 'run').val['merit']


@pytest.mark.parametrize('dies', [4, 6])
def test_a_validation_that_a_kill_prevented_is_made_up_for(tmp_path, monkeypatch, dies):
    def die(_, results):
        if MessageHub.get_current_instance().get_info('iter') == dies - 1:
            raise Killed
        return whole(_, results)

    whole = Round.compute_metrics
    with monkeypatch.context() as patch:
        patch.setattr(Round, 'compute_metrics', die)
        with pytest.raises(Killed):
            one_is_kept(tmp_path)
    assert len(rounds_validated(tmp_path)) == dies - 1
    runner = one_is_kept(tmp_path, resume=True)
    assert rounds_validated(tmp_path) == [(n + 1, n) for n in range(6)]
    assert len(runner.message_hub.get_scalar('val/merit').data[0]) == 6
    again = one_is_kept(tmp_path, resume=True)  # its last checkpoint is from after the validation
    assert len(again.message_hub.get_scalar('val/merit').data[0]) == 6


def test_a_checkpoint_of_before_the_rename_is_not_validated_twice(tmp_path):
    one_is_kept(tmp_path)
    newest = newest_checkpoint(tmp_path)
    checkpoint = torch.load(newest, weights_only=True)
    info = checkpoint['message_hub']['runtime_info']
    info['validated'] = info.pop('last_validated')
    assert info['validated'] == 6
    torch.save(checkpoint, newest)
    again = one_is_kept(tmp_path, resume=True)
    assert len(again.message_hub.get_scalar('val/merit').data[0]) == 6


def test_lines_of_a_validation_have_its_metrics_alone(tmp_path):
    one_is_kept(tmp_path)
    log = next(tmp_path.glob('*/*.log')).read_text()
    lines = re.findall(r'Epoch\(val\) \S+ +(merit: .*)', log)
    names = ['merit', 'teacher/merit', 'data_time', 'time']
    assert len(lines) == 6
    assert all(re.findall(r'(\S+): ', line) == names for line in lines)


def test_so_it_is_of_a_training_by_epochs(tmp_path):
    def run(resume=False, hook=None):
        runner = toy_runner(
            tmp_path,
            6,
            train_cfg=dict(type=EpochBasedTrainLoop, max_epochs=3, val_interval=3),
            train_dataloader=dict(
                batch_size=6,
                dataset=LabelDataset(NUM_CLASSES, 12),
                sampler=dict(type=DefaultSampler, shuffle=False),
                collate_fn=dict(type=default_collate),
            ),
            default_hooks=dict(checkpoint=dict(type=AtomicCheckpointHook, interval=1)),
            resume=resume,
        )
        if hook:
            runner.register_hook(hook)
        runner.train()
        return runner

    class Die(Hook):
        def before_val(self, runner):
            raise Killed

    with pytest.raises(Killed):
        run(hook=Die())
    runner = run(resume=True)
    assert (runner.epoch, runner.iter) == (3, 6)
    assert len(runner.message_hub.get_scalar('val/accuracy/top1').data[0]) == 1


@pytest.mark.parametrize('text', [None, ''])
def test_a_lost_name_of_the_newest_checkpoint_is_found(tmp_path, text):
    run(tmp_path)
    (tmp_path / 'iter_4.pth').unlink()
    marker = tmp_path / 'last_checkpoint'
    marker.unlink() if text is None else marker.write_text(text)
    runner = toy_runner(tmp_path, max_iters=4, default_hooks=CHECKPOINT, resume=True)
    runner.call_hook('before_run')
    runner.load_or_resume()
    assert runner.iter == 3
    assert marker.read_text() == str(tmp_path / 'iter_3.pth')


def test_the_name_that_is_there_is_kept(tmp_path):
    run(tmp_path)
    marker = tmp_path / 'last_checkpoint'
    marker.write_text(str(tmp_path / 'iter_3.pth'))
    toy_runner(tmp_path, max_iters=4, default_hooks=CHECKPOINT).call_hook('before_run')
    assert marker.read_text() == str(tmp_path / 'iter_3.pth')


def test_the_storage_of_a_url_is_its_own():
    """It was a folder s3: here."""
    assert AtomicCheckpointHook(interval=1, out_dir='s3://bucket/runs').backend_args is None
    assert AtomicCheckpointHook(interval=1).backend_args == {'backend': 'mmdfkd.atomic'}


def test_a_storage_that_the_user_names_is_used():
    assert AtomicCheckpointHook(backend_args={'backend': 'local'}).backend_args == {
        'backend': 'local'
    }


def test_a_run_in_rounds_is_not_saved_by_epochs(tmp_path):
    """MMEngine's default: nothing was saved before the end."""
    hooks = dict(checkpoint=dict(type=AtomicCheckpointHook, interval=1))
    with pytest.raises(ValueError, match='by_epoch of the checkpoint hook should be False'):
        toy_runner(tmp_path, max_iters=1, default_hooks=hooks).train()


def test_schedules_whose_state_cannot_be_read_are_refused(tmp_path):
    """OneCycleLR pickles a function, and a checkpoint of hours could not be resumed."""
    cycle = dict(type=OneCycleLR, eta_max=0.1, total_steps=4, by_epoch=False)
    schedules = dict(generator=[], student=[cycle])
    runner = toy_runner(tmp_path, 4, default_hooks=CHECKPOINT, param_scheduler=schedules)
    with pytest.raises(ValueError, match='plain data, but that of OneCycleLR is not'):
        runner.train()


def test_a_full_disk_is_left_with_room(tmp_path, monkeypatch):
    def put(self, obj, filepath):
        Path(filepath).write_bytes(obj[: len(obj) // 2])
        raise OSError(errno.ENOSPC, 'No space left on device', str(filepath))

    run(tmp_path)
    monkeypatch.setattr(LocalBackend, 'put', put)
    with pytest.raises(OSError, match='No space left'):
        run(tmp_path, resume=True, load_from=str(tmp_path / 'iter_3.pth'))
    assert checkpoints(tmp_path) == {'iter_3.pth', 'iter_4.pth'}
