"""What a run shows in a terminal: a bar, and of the log what a user reads."""

import copy
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging import FileHandler, LogRecord, StreamHandler
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from rich.console import RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from mmdfkd.hardware import cpu_name

#: How messages of MMEngine begin that nobody waits for; the log's file has them.
_NOISE = (
    f'\n{"-" * 60}\nSystem environment',
    'Config:\n',
    'Hooks will be executed',
    'Distributed training is not used, all SyncBatchNorm',
    'Exp name:',
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
)
#: Messages of single steps, which the bar shows instead.
_IN_THE_BAR = re.compile(r'(Iter|Epoch)\((train|val)\) .*\beta: ')


#: MMEngine's own default hooks, which it lets a config switch off by None.
_HOOKS = ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint')


class TerminalRunner(Runner):
    """MMEngine's Runner with a bar, and a terminal that is spared environment, config and hooks.

    The log's file has all of it. Where standard output is no terminal there is no bar.
    """

    cfg: Config
    #: The ``load_from`` of a run that goes on, as its config had it when it began.
    begins_from: str | None = None

    def register_default_hooks(self, hooks: dict | None = None) -> None:
        """Register default hooks; one that is None is switched off, whatever its name."""
        given = (hooks or {}).items()
        super().register_default_hooks({k: v for k, v in given if v is not None or k in _HOOKS})

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger; arguments as of MMEngine's."""
        logger = super().build_logger(*args, **kwargs)
        for handler in _to_terminal(logger):
            handler.addFilter(_is_read)
        return logger

    def _log_env(self, env_cfg: dict) -> None:
        """Log the environment; MMEngine names the GPUs only."""
        super()._log_env({**env_cfg, 'CPU': cpu_name()})

    def dump_config(self) -> None:
        """Write the config to the work dir; of a resumed run once its checkpoint is accepted.

        MMEngine writes it at once, over that of the run whose resume is then refused. A run of
        the written config begins anew: that this one goes on is not in it. A config that lies
        in the work dir stays as it is.
        """
        file = self.cfg.filename
        if self._resume and not self._has_loaded:
            return
        there = file and Path(file).is_file()  # --force may have moved it
        if there and Path(file).resolve().parent == Path(self.work_dir).resolve():
            return
        own = self.cfg
        if self._resume:
            self.cfg = copy.deepcopy(own)
            begun = dict(resume=False, load_from=self.begins_from)
            self.cfg.update({key: value for key, value in begun.items() if key in own})
        super().dump_config()
        self.cfg = own

    def load_or_resume(self) -> None:
        """Load or resume, and leave the config of a run that goes on."""
        super().load_or_resume()
        if self._resume:
            self._has_loaded = True  # also where --resume auto found nothing
            self.dump_config()

    def train(self) -> Any:
        """Train."""
        if is_main_process():
            file = Path(self.log_dir) / f'{self.timestamp}.log'
            self.logger.info(f'environment, config and hooks: {file}')
        bar = ProgressHook()
        self.register_hook(bar, priority='LOWEST')
        with bar.shown(self.logger):
            return super().train()


class _TwoLines(Progress):
    """A bar, and below it what is told of the task."""

    def get_renderables(self) -> Iterator[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            yield Text(task.fields['told'], style='dim', no_wrap=True, overflow='ellipsis')


class ProgressHook(Hook):
    """Shows how far a run is, when it will be done, and its last accuracy and losses."""

    def __init__(self) -> None:
        self._on = sys.stdout.isatty() and is_main_process()
        self._bar = _TwoLines(
            TextColumn('training'),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn('left'),
            transient=True,  # the summary stays
            disable=not self._on,
        )
        self._accuracy = self._losses = ''
        self._next = 0.0
        self._task = self._bar.add_task('', total=None, told='')

    @contextmanager
    def shown(self, logger: MMLogger) -> Iterator[None]:
        """Keep the bar below what the logger writes, until the run ends in any way."""
        handlers = _to_terminal(logger) if self._on else []
        with self._bar:
            streams = [handler.stream for handler in handlers]
            for handler in handlers:
                handler.setStream(sys.stdout)  # rich's by now
                handler.addFilter(_is_not_in_the_bar)
            try:
                yield
            finally:
                for handler, stream in zip(handlers, streams, strict=True):
                    handler.setStream(stream)
                    handler.removeFilter(_is_not_in_the_bar)

    def before_train(self, runner: Runner) -> None:
        """Begin where the run begins, or goes on."""
        self._bar.update(self._task, total=runner.max_iters, completed=runner.iter)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Go on by a step; losses are read once a second, since a device is waited for."""
        self._bar.advance(self._task)
        if self._on and time.monotonic() > self._next:
            self._next = time.monotonic() + 1
            losses = {k: float(v) for k, v in (outputs or {}).items() if k.split('/')[-1] == 'loss'}
            self._losses = ''.join(f'  {k.replace("/", " ")} {v:.3g}' for k, v in losses.items())
            self._tell()

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Any = None,
    ) -> None:
        """Say how far the validation is."""
        told = f'validating: {batch_idx + 1} of {len(runner.val_dataloader)}'
        self._bar.update(self._task, told=told)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Show the accuracy from now on."""
        teacher = runner.message_hub.log_scalars.get('val/teacher/accuracy/top1')
        if metrics and 'accuracy/top1' in metrics:
            of_teacher = f' (teacher {teacher.current():.2f} %)' if teacher else ''
            self._accuracy = f'accuracy {metrics["accuracy/top1"]:.2f} %{of_teacher}'
            self._tell()

    def _tell(self) -> None:
        self._bar.update(self._task, told=self._accuracy + self._losses)


def _to_terminal(logger: MMLogger) -> list[StreamHandler]:
    return [h for h in logger.handlers if not isinstance(h, FileHandler)]


def _is_read(record: LogRecord) -> bool:
    return not str(record.msg).startswith(_NOISE)


def _is_not_in_the_bar(record: LogRecord) -> bool:
    return not _IN_THE_BAR.match(str(record.msg))
