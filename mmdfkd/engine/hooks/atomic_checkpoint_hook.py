"""Checkpoints that are whole or not there, whenever a run is killed."""

import io
import os
from pathlib import Path

import torch
from mmengine.dist import barrier, is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmdfkd.checks import check_positive
from mmdfkd.engine.health import check_health
from mmdfkd.engine.work_dir import newest_checkpoint
from mmdfkd.registry import HOOKS


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
        part = f'{filepath}.part'
        super().put(obj, part)
        os.replace(part, filepath)


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook``, for runs that may be killed at any moment.

    MMEngine writes a checkpoint, and then the file ``last_checkpoint`` that names
    it, in place: killed meanwhile, a run has half a checkpoint or an empty name,
    and cannot be resumed. Here no checkpoint is ever half there, and a resume
    without a name goes on from the newest. A model that cannot go on is not saved, and no
    older checkpoint makes way for it. What a checkpoint says of other files, for MMEngine to
    remove them once there are newer ones, is only heard of files beside it.

    Args:
        backend_args: as MMEngine's; where given, the storage it names is used as it is.
        **kwargs: of MMEngine's ``CheckpointHook``.

    Raises:
        ValueError: if ``interval`` or ``max_keep_ckpts`` is neither positive nor -1.
    """

    def __init__(self, backend_args: dict | None = None, **kwargs) -> None:
        # -1 is MMEngine's never, and its all.
        given = {name: kwargs.get(name, -1) for name in ('interval', 'max_keep_ckpts')}
        check_positive(**{name: number for name, number in given.items() if number != -1})
        super().__init__(backend_args=backend_args or {'backend': 'mmdfkd.atomic'}, **kwargs)

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

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        check_health(runner)  # first: MMEngine removes the oldest before it saves
        super()._save_checkpoint_with_step(runner, step, meta)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        if self.save_best:
            check_health(runner)
        super()._save_best_checkpoint(runner, metrics)

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
