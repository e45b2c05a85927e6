"""Checkpoints that are whole or not there, whenever a run is killed."""

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import barrier, get_world_size, is_main_process, master_only
from mmengine.fileio import BaseStorageBackend, LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.logging import MessageHub
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner

from mmdfkd.checks import check_positive
from mmdfkd.engine.health import check_health
from mmdfkd.engine.random_state import random_state, restore_random_state
from mmdfkd.engine.work_dir import PART, newest_checkpoint
from mmdfkd.registry import HOOKS

from .strict_optimizer_hook import PROCESSES

#: In a checkpoint: names of files that are removed once it is written.
_MAKES_WAY = 'makes_way'
#: In a checkpoint: the iteration of the last validation. MMEngine's logger shows whatever begins
#: with val in its lines of a validation, which the name of earlier checkpoints did.
_VALIDATED, _VALIDATED_BEFORE = 'last_validated', 'validated'
#: In a checkpoint of a single process: what the next epoch draws, where no hook seeds it.
_RANDOM_STATE = 'random_state'


def _check_schedules_can_be_read(runner: Runner) -> None:
    """Raise a ValueError if a scheduler's state is no plain data: no run could go on from it."""
    several = runner.param_schedulers or []
    for schedulers in several.values() if isinstance(several, dict) else [several]:
        for scheduler in schedulers:
            file = io.BytesIO()
            try:
                torch.save(scheduler.state_dict(), file)
                file.seek(0)
                torch.load(file, weights_only=True)
            except Exception as error:  # pickle raises anything
                raise ValueError(
                    'param_scheduler should be of schedulers whose state is plain data, but that '
                    f'of {type(scheduler).__name__} is not, and no run could go on from a '
                    'checkpoint; take another, as LinearLR and CosineAnnealingLR in a row'
                ) from error


@register_backend('mmdfkd.atomic')
class AtomicBackend(LocalBackend):
    """MMEngine's local files, written beside their place and moved there once whole."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write ``obj``; until it is all written, ``filepath`` is what it was before."""
        part = f'{filepath}{PART}'
        try:
            super().put(obj, part)
        except OSError:  # a full disk: it needs the room for the log
            Path(part).unlink(missing_ok=True)
            raise
        os.replace(part, filepath)


class _Patient:
    """A storage whose removals wait, which checkpoints written meanwhile know of."""

    def __init__(self, storage: BaseStorageBackend, hub: MessageHub) -> None:
        self.storage, self.hub = storage, hub
        self.late: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.storage, name)

    def remove(self, path: str) -> None:
        self.late.append(path)
        self.hub.update_info(_MAKES_WAY, [os.path.basename(path) for path in self.late])

    rmtree = remove


def _misses_validation(runner: Runner) -> bool:
    """Tell whether the checkpoint is of a round that is validated, but from before that."""
    loop = runner.train_loop
    if runner.val_loop is None or not isinstance(loop, EpochBasedTrainLoop | IterBasedTrainLoop):
        return False
    by_epoch = isinstance(loop, EpochBasedTrainLoop)
    done, length = (loop.epoch, loop.max_epochs) if by_epoch else (loop.iter, loop.max_iters)
    if not done or runner.message_hub.runtime_info.get(_VALIDATED) == runner.iter:
        return False
    loop._decide_current_val_interval()
    return done >= loop.val_begin and (done % loop.val_interval == 0 or done == length)


def _remove(storage: Any, path: str) -> None:
    if storage.isfile(path):
        storage.remove(path)
    elif storage.isdir(path):
        storage.rmtree(path)


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook``, for runs that may be killed at any moment.

    MMEngine removes the oldest checkpoint, writes the newest in place, and then the file
    ``last_checkpoint`` that names it: killed meanwhile, a run has half a checkpoint, none, or
    an empty name, and cannot be resumed. Here no checkpoint is ever half there, older and less
    good ones make way once the new one is whole, and a resume without a name goes on from the
    newest. When a run goes on, what should have made way is removed, and a validation is made
    up for that was due after the checkpoint was written. A model that cannot go on is not saved.
    What a checkpoint says of other files, for them to be removed once there are newer ones, is
    only heard of files beside it.

    Args:
        backend_args: as MMEngine's; where given, or where ``out_dir`` is a URL, the storage that
            it names is used as it is.
        **kwargs: of MMEngine's ``CheckpointHook``.

    Raises:
        ValueError: if ``interval`` or ``max_keep_ckpts`` is neither positive nor -1.
    """

    def __init__(self, backend_args: dict | None = None, **kwargs) -> None:
        # -1 is MMEngine's never, and its all.
        given = {name: kwargs.get(name, -1) for name in ('interval', 'max_keep_ckpts')}
        check_positive(**{name: number for name, number in given.items() if number != -1})
        if not backend_args and '://' not in str(kwargs.get('out_dir')):
            backend_args = {'backend': 'mmdfkd.atomic'}
        super().__init__(backend_args=backend_args, **kwargs)
        self._random_state: Any = None

    def before_train(self, runner: Runner) -> None:
        """Forget files outside the run's folder: a checkpoint of others could name any.

        Raises:
            ValueError: if no checkpoint would be written before the end, or none could be read.
        """
        if self.by_epoch and not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise ValueError(
                'by_epoch of the checkpoint hook should be False, as the run is counted in rounds, '
                'but got True: nothing would be saved before the end; set '
                'default_hooks.checkpoint.by_epoch=False'
            )
        _check_schedules_can_be_read(runner)
        info = runner.message_hub._runtime_info
        if _VALIDATED_BEFORE in info:
            info[_VALIDATED] = info.pop(_VALIDATED_BEFORE)
        steps = info.get('keep_ckpt_ids', [])
        if not (isinstance(steps, list) and all(type(step) is int for step in steps)):
            del info['keep_ckpt_ids']
        super().before_train(runner)
        for name in [name for name in info if name.startswith('best_ckpt')]:
            best = info[name]
            if isinstance(best, str):  # a copied folder holds a best checkpoint of its own
                best = self.file_backend.join_path(self.out_dir, os.path.basename(best))
                best = best if self.file_backend.isfile(best) else None
            else:
                best = None
            info[name] = best
            if name == 'best_ckpt':
                self.best_ckpt_path = best
            else:
                self.best_ckpt_path_dict[name.removeprefix('best_ckpt_')] = best
        if _MAKES_WAY in info:
            self._remove_left_over(info[_MAKES_WAY])
            info[_MAKES_WAY] = []
        if self._random_state is not None and get_world_size() == 1:
            restore_random_state(self._random_state)
        if _misses_validation(runner):
            for name in ('epoch', 'iter'):  # as a validation finds them
                runner.message_hub.update_info(name, max(getattr(runner, name) - 1, 0))
            runner.val_loop.run()

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Note that this round is validated, and save the best checkpoint."""
        runner.message_hub.update_info(_VALIDATED, runner.iter)
        super().after_val_epoch(runner, metrics or {})

    @master_only
    def _remove_left_over(self, names: Any) -> None:
        for name in names if isinstance(names, list) else []:
            if isinstance(name, str) and re.fullmatch(r'(iter|epoch|best)_[^/\\]+', name):
                _remove(self.file_backend, self.file_backend.join_path(self.out_dir, name))

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        check_health(runner)
        with self._removals_last(runner):
            super()._save_checkpoint_with_step(runner, step, meta)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        if not self.save_best:
            return
        check_health(runner)
        with self._removals_last(runner):
            super()._save_best_checkpoint(runner, metrics)

    @contextmanager
    def _removals_last(self, runner: Runner) -> Iterator[None]:
        """Put MMEngine's removals off until it has saved."""
        storage: Any = self.file_backend
        hub = runner.message_hub
        if isinstance(storage, _Patient):  # an iter_N.pth is saved after a best one
            yield
            return
        patient = _Patient(storage, hub)
        self.file_backend: Any = patient
        try:
            yield
        finally:
            self.file_backend = storage
        for path in patient.late:
            _remove(storage, path)
        if patient.late:
            hub.update_info(_MAKES_WAY, [])

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note how many processes there are, each with a batch of its own, and what they draw."""
        checkpoint['meta'][PROCESSES] = get_world_size()
        if get_world_size() == 1:  # the others' are not known here
            checkpoint[_RANDOM_STATE] = random_state()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the states of the generators until training begins, if the run goes on."""
        self._random_state = checkpoint.get(_RANDOM_STATE) if runner._resume else None

    def before_run(self, runner: Runner) -> None:
        """Name the newest checkpoint that is here; runs before MMEngine resumes.

        The name may be lost, or that of the folder which this one is a copy of.
        """
        marker = Path(runner.work_dir) / 'last_checkpoint'
        if is_main_process():
            newest = newest_checkpoint(runner.work_dir)
            if newest and not (marker.is_file() and marker.read_text().strip() == newest):
                AtomicBackend().put(newest.encode(), marker)
        barrier()
