"""One cell of a benchmark: a method on a pair with a seed, for a given time."""

import hashlib
import json
import signal
import statistics
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict

from mmdfkd.config_tools import merge_options, read_distillation
from mmdfkd.engine.check_training import check_training
from mmdfkd.engine.length import rounds_within, set_length
from mmdfkd.outputs import Output
from mmdfkd.registry import MODELS
from mmdfkd.reports.results import read_run
from mmdfkd.reports.run_logs import Curve, curves, merge, minutes_of, read_sessions

from .compose import compose
from .origin import note_origin, origin

_PLAN = 'planned_rounds.json'
_TRAIN = (sys.executable, '-m', 'mmdfkd.cli.train')
_POINTS = 10  # evaluations over a run
_TIMED = 8  # rounds of a kind whose median time plans the run; the first are slower
_FEW = 2  # rounds of a kind that are timed first, and alone where the rounds are long
_SHARE = 0.1  # of the minutes, which timing _TIMED of each kind may take
_LONG = 10**6  # rounds, of which no warm-up is a half
_SLOW_START = 3
_LOOK = 0.2  # seconds between looks at whether a training has ended
#: By which minutes are counted and figures taken, where a config leaves them to MMEngine.
_HOOKS = dict(
    logger=dict(type='LoggerHook', log_metric_by_epoch=False),
    checkpoint=dict(type='mmdfkd.AtomicCheckpointHook', by_epoch=False),
)
_CONFIGS = threading.Lock()  # MMEngine reads one at a time: it changes how Python imports


@dataclass
class Cell:
    """What to run.

    Args:
        method: config of a distillation by the method.
        pair: config of a distillation of the pair.
        seed: of the run.
        minutes: of training, evaluation aside; without a GPU of processor time, which other
            programs on the machine do not lengthen.
        work_dir: where the folders of all cells are.
        options: overrides of the composed config, as ``--cfg-options``. ``{seed}`` in a text is
            the cell's seed: ``teacher_seed{seed}.pth`` is a teacher for each.
    """

    method: Path
    pair: Path
    seed: int
    minutes: float
    work_dir: Path
    options: dict[str, Any]

    @property
    def folder(self) -> Path:
        """The cell's own folder: one of other options never goes on with its run."""
        name = f'seed{self.seed}_{self.minutes:g}min'
        if self.options:
            given = json.dumps(self.key['options'], sort_keys=True).encode()
            name += f'_{hashlib.sha256(given).hexdigest()[:8]}'
        return self.work_dir / self.pair.stem / self.method.stem / name

    @property
    def own_options(self) -> dict[str, Any]:
        """The options, with the cell's seed where they have ``{seed}``."""
        return _with_seed(self.options, self.seed)

    @property
    def key(self) -> dict[str, Any]:
        """What tells this cell's result from others'."""
        return dict(
            pair=self.pair.stem,
            method=self.method.stem,
            seed=self.seed,
            budget=self.minutes,
            options={key: str(value) for key, value in self.options.items()},
        )


def _with_seed(value: Any, seed: int) -> Any:
    if isinstance(value, str):
        return value.replace('{seed}', str(seed))
    if isinstance(value, dict):
        return {key: _with_seed(each, seed) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_with_seed(each, seed) for each in value)
    return value


def make_config(cell: Cell, rounds: int = _LONG) -> Config:
    """Return the cell's config for ``rounds``; a warm-up keeps its share of the run.

    Raises:
        ValueError: if the options set rounds, seed or what is logged, or what no run reads.
    """
    with _CONFIGS:
        cfg = compose(read_distillation(cell.method), read_distillation(cell.pair))
    _complete(cfg)
    set_length(cfg, rounds)
    cfg.train_cfg.val_interval = max(1, rounds // _POINTS)
    cfg.train_cfg.pop('dynamic_intervals', None)
    cfg.default_hooks.checkpoint.interval = max(1, rounds // _POINTS)
    logged = max(1, rounds // 100)
    cfg.default_hooks.logger.interval = cfg.log_processor.window_size = logged
    cfg.default_hooks.processor_time = dict(type='mmdfkd.ProcessorTimeHook')
    cfg.randomness.seed = cell.seed
    merge_options(cfg, cell.own_options)
    if cfg.train_cfg.max_iters != rounds or cfg.randomness.seed != cell.seed:
        raise ValueError(
            'rounds and seeds should be those of --minutes and --seeds, but --cfg-options has '
            'train_cfg.max_iters or randomness.seed; leave these out'
        )
    if not cfg.default_hooks.logger.interval == cfg.log_processor.window_size == logged:
        raise ValueError(
            'default_hooks.logger.interval and log_processor.window_size should stay as they are, '
            'as the minutes are counted by them, but --cfg-options has one; leave it out'
        )
    check_training(cfg)
    return cfg


def _complete(cfg: Config) -> None:
    """Give a config what it leaves to MMEngine, and the cell sets a value of."""
    for name in ('default_hooks', 'randomness'):
        cfg[name] = cfg.get(name) or {}
    cfg.log_processor = cfg.get('log_processor') or dict(by_epoch=False)
    for name, hook in _HOOKS.items():
        cfg.default_hooks[name] = cfg.default_hooks.get(name) or ConfigDict(hook)


def planned_rounds(cell: Cell, stop: threading.Event) -> int:
    """Time a few rounds, once for every folder, and plan the run; see :func:`run_cell`."""
    note = cell.folder / _PLAN
    if note.is_file():
        return json.loads(note.read_text())
    seconds = 60 * cell.minutes
    wait, train = _seconds_a_round(cell, _FEW, stop)
    if 2 * _TIMED * max(wait, train) < _SHARE * seconds:  # short rounds vary more
        wait, train = _seconds_a_round(cell, _TIMED, stop)
    warmup = make_config(cell).model.get('warmup_rounds', 0)
    rounds = max(_POINTS, rounds_within(seconds, warmup, wait, train))
    Output(note, force=True).write(json.dumps(rounds))
    return rounds


def _seconds_a_round(cell: Cell, timed: int, stop: threading.Event) -> tuple[float, float]:
    """Train for ``timed`` rounds of each kind: while the student waits, and while it learns."""
    folder = cell.folder / f'timing_{timed}'
    given = cell.options.get('model.warmup_rounds', timed)  # not shortened
    cfg = make_config(cell, timed + max(timed, int(given)))
    cfg.default_hooks.logger.interval = 1
    cfg.default_hooks.checkpoint.interval = 10 * _TIMED
    cfg.log_processor.window_size = 1
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    _train(cfg, folder, stop)
    times = [time for _, time in _times(_records(folder), torch.get_num_threads())]
    waits = cfg.model.get('warmup_rounds', 0)
    return _typical(times[:waits]), _typical(times[waits:])


def _typical(times: list[float]) -> float:
    return statistics.median(times[min(_SLOW_START, len(times) // 2) :] or [0.0])


def run_cell(cell: Cell, stop: threading.Event) -> dict[str, Any]:
    """Train, or go on training, and return the result: one line of the benchmark.

    Args:
        cell: what to run.
        stop: ends the training once another thread sets it.

    Returns:
        ``pair``, ``method``, ``seed``, ``teacher`` and ``student`` in %, ``minutes`` of
        training, ``rounds``, synthetic ``images``, ``init``, the ``curve`` of (minutes,
        student %), and what :func:`origin` gives.

    Raises:
        RuntimeError: if training fails, or is stopped; its message is the last line of its output.
    """
    work_dir = cell.folder / 'run'
    rounds = planned_rounds(cell, stop)
    cfg = make_config(cell, rounds)
    if (figures := read_run(work_dir, rounds)) is None:
        note_origin(cell.folder)
        _train(cfg, work_dir, stop)
        figures = read_run(work_dir, rounds)
    if figures is None:
        raise RuntimeError(
            f'{cell.pair} should evaluate an accuracy/top1 after the last round, but did not; '
            'see its val_evaluator'
        )
    records, trained_on = _records(work_dir), origin(cell.folder)
    times = _times(records, trained_on['threads'])
    accuracy = curves(records, True)['accuracy/top1']
    return cell.key | dict(
        teacher=figures['teacher'],
        student=figures['accuracy'],
        minutes=round(minutes_of(times), 2),
        rounds=rounds,
        images=MODELS.build(cfg.model).num_images(rounds, cfg.train_dataloader.batch_size),
        init='teacher' if cfg.model.student.get('init_from_teacher') else 'random',
        curve=[
            (round(minutes_of([(s, t) for s, t in times if s <= step]), 2), value)
            for step, value in accuracy
        ],
        **trained_on,
    )


def _times(records: list[dict], threads: int) -> Curve:
    """(Round, seconds a round): of a GPU's wall-clock, or of processor time a thread."""
    trained = curves(records, False)
    if torch.cuda.is_available():
        return trained['time']
    return [(step, seconds / threads) for step, seconds in trained['processor_time']]


def _records(work_dir: Path) -> list[dict]:
    return merge(read_sessions(work_dir))


def _train(cfg: Config, work_dir: Path, stop: threading.Event) -> None:
    if stop.is_set():
        raise RuntimeError('stopped')
    work_dir.mkdir(parents=True, exist_ok=True)
    file = work_dir / 'config.py'
    cfg.dump(file)
    command = [*_TRAIN, str(file), '--work-dir', str(work_dir)]
    command += ['--resume', 'auto']
    with (work_dir / 'output.txt').open('a') as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        while process.poll() is None:
            if stop.wait(_LOOK):
                process.terminate()
                process.wait()
    if process.returncode:
        lines = (work_dir / 'output.txt').read_text().strip().splitlines()
        last = lines[-1] if lines else f'exit status {process.returncode}'
        if process.returncode < 0:
            name = signal.Signals(-process.returncode).name
            hint = ' (out of memory?)' if name == 'SIGKILL' else ''
            last = f'killed by {name}{hint} after: {last}'
        raise RuntimeError(f'{last} (all of it: {output.name})')
