"""Where a run's time and memory go: the rounds of a config, timed whole and by part."""

import copy
import statistics
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmdfkd.engine.hooks import NonFiniteLossHook, SyntheticGridHook
from mmdfkd.engine.length import set_length
from mmdfkd.hardware import device_name
from mmdfkd.models.classifiers.brought import drop_weights
from mmdfkd.models.utils import unwrap
from mmdfkd.registry import HOOKS, MODELS

#: Methods of the distiller that are timed. ``remember`` is a part of ``synthesize``,
#: and the teacher's pass ``ask_teacher`` of ``remember`` or ``student_step``.
PARTS = ('synthesize', 'remember', 'sample', 'ask_teacher', 'student_step')


_TIMED = 3  # rounds by seconds_a_round, after one that is slower


def now() -> float:
    """Return the time in seconds once the device has done its work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def convolution_peak() -> float:
    """FLOP/s of the fastest of some large 3x3 convolutions of this machine, in float32.

    On a GPU in bfloat16 as well: the faster counts.
    """
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    size, channels, side = (256 if device == 'cuda' else 32), 256, 16
    flops = 2 * 9 * channels**2 * side**2 * size
    best = float('inf')
    for dtype in (torch.float32, torch.bfloat16) if device == 'cuda' else (torch.float32,):
        for layout in (torch.contiguous_format, torch.channels_last):
            conv = nn.Conv2d(channels, channels, 3, padding=1, device=device, dtype=dtype)
            maps = torch.randn(size, channels, side, side, device=device, dtype=dtype)
            conv, maps = conv.to(memory_format=layout), maps.to(memory_format=layout)
            with torch.no_grad():
                conv(maps)
                for _ in range(5):
                    start = now()
                    conv(maps)
                    best = min(best, now() - start)
    return flops / best


class Stopwatch(Hook):
    """Counts the FLOPs of one round; times whole rounds; then times the parts of as many.

    The parts wait for the device at their ends, and so are not timed with the whole.

    Args:
        warmup: rounds that are not timed.
        rounds: whole rounds timed, and rounds whose parts are.
        count_flops: count; on a CPU it raises the peak of the memory.
    """

    def __init__(self, warmup: int, rounds: int, count_flops: bool = True) -> None:
        self.warmup = warmup
        self.rounds = rounds
        self.count_flops = count_flops
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self.times: list[float] = []
        self.flops = 0
        self.trained = 0  # images of the student's steps

    def _timed(self, name: str, function: Callable) -> Callable:
        def timed(*args: Any, **kwargs: Any) -> Any:
            start = now()
            result = function(*args, **kwargs)
            self.seconds[name] += now() - start
            self.calls[name] += 1
            self.trained += len(args[0].images) if name == 'student_step' else 0
            return result

        return timed

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Count the first round's FLOPs, uncompiled; start the clock."""
        if runner.iter == 0 and self.count_flops:
            self._count(runner, data_batch)
        if runner.iter == self.warmup and torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        if runner.iter == self.warmup + self.rounds:
            model = unwrap(runner.model)
            for name in PARTS:
                setattr(model, name, self._timed(name, getattr(model, name)))
        self.start = now()

    def _count(self, runner: Runner, data_batch: Any) -> None:
        model = unwrap(runner.model)
        compiled = vars(model).pop('student_losses', None)
        with FlopCounterMode(display=False) as counter:
            runner.model.train_step(data_batch, runner.optim_wrapper)
        self.flops = counter.get_total_flops()
        if compiled is not None:
            model.student_losses = compiled

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Stop the clock."""
        if runner.iter >= self.warmup:
            self.times.append(now() - self.start)

    def parts(self) -> tuple[dict[str, float], dict[str, float]]:
        """Return each part's share of a round, and the ms of a call of it.

        ``rest`` is what is left of the round: logs.
        """
        total = sum(self.times[self.rounds :])
        whole = ('synthesize', 'sample', 'student_step')
        rest = total - sum(self.seconds[name] for name in whole)
        share = {name: self.seconds[name] / total for name in PARTS} | {'rest': rest / total}
        step_ms = {name: 1e3 * self.seconds[name] / n for name, n in self.calls.items()}
        return share, step_ms | {'rest': 1e3 * rest / self.rounds}


def strip(cfg: Config, rounds: int, work_dir: str) -> Config:
    """Leave out of the config what needs files: the teacher's weights, and evaluation.

    The warm-up, too: a round with the student's steps is what is measured.
    """
    teacher = cfg.model.teacher
    for part in (teacher, cfg.model.student):
        drop_weights(part.network)
    weights = MODELS.build(teacher.network).state_dict()
    torch.save(weights, f'{work_dir}/teacher.pth')
    for name in ('prefix', 'key', 'sha256'):  # of another file
        teacher.pop(name, None)
    teacher.checkpoint = f'{work_dir}/teacher.pth'
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    set_length(cfg, rounds)
    if 'warmup_rounds' in cfg.model:
        cfg.model.warmup_rounds = 0
    for name, hook in list(cfg.default_hooks.items()):
        kind = hook and hook.type  # None: it is switched off
        kind = HOOKS.get(kind) if isinstance(kind, str) else kind
        if kind in (NonFiniteLossHook, SyntheticGridHook):
            del cfg.default_hooks[name]
    cfg.default_hooks.checkpoint = None
    cfg.work_dir = work_dir
    cfg.log_level = 'WARNING'
    return cfg


def peak_memory() -> float:
    """Return the most MiB held: by torch on a GPU since the warm-up, else by the process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    import resource  # Windows has none

    unit = 2**20 if sys.platform == 'darwin' else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def measure(cfg: Config, warmup: int, rounds: int, count_flops: bool = True) -> dict[str, Any]:
    """Run the config; returns the figures of a round."""
    batch = cfg.train_dataloader.batch_size
    with tempfile.TemporaryDirectory() as work_dir:
        runner = Runner.from_cfg(strip(cfg, warmup + 2 * rounds, work_dir))
        watch = Stopwatch(warmup, rounds, count_flops)
        runner.register_hook(watch, priority='LOWEST')
        runner.train()
    memory = peak_memory()  # before the convolutions below
    model = unwrap(runner.model)
    round_s = sum(watch.times[:rounds]) / rounds
    share, step_ms = watch.parts()
    peak = convolution_peak()
    return {
        'config': Path(cfg.filename).stem,
        'device': device_name(),
        'threads': torch.get_num_threads(),
        'torch': torch.__version__,
        'rounds_per_s': 1 / round_s,
        'generated_images_per_s': batch * getattr(model, 'g_steps', 1) / round_s,
        'trained_on_images_per_s': watch.trained / rounds / round_s,
        'round_ms': 1e3 * round_s,
        'round_ms_min': 1e3 * min(watch.times[:rounds]),
        'share': share,
        'step_ms': step_ms,
        'gflop_per_round': watch.flops / 1e9,
        'gflop_per_s': watch.flops / 1e9 / round_s,
        'convolution_peak_gflop_per_s': peak / 1e9,
        'share_of_peak': watch.flops / round_s / peak,
        'peak_memory_mib': memory,
    }


def seconds_a_round(cfg: Config) -> tuple[float, float]:
    """Time a few rounds in which the student waits (0.0 if it never does), and a few others."""
    cfg = copy.deepcopy(cfg)
    set_length(cfg, 2 * (1 + _TIMED))
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    cfg.default_hooks = {
        name: hook
        for name, hook in cfg.default_hooks.items()
        if name not in ('checkpoint', 'logger', 'synthetic_grid', 'summary')
    } | dict(checkpoint=None, logger=None)
    cfg.log_level = 'WARNING'
    cfg.experiment_name = uuid.uuid4().hex
    with tempfile.TemporaryDirectory() as folder:
        cfg.work_dir = folder
        runner = Runner.from_cfg(cfg)
        watch = Stopwatch(warmup=0, rounds=cfg.train_cfg.max_iters, count_flops=False)
        runner.register_hook(watch, priority='LOWEST')
        runner.train()
    waits = cfg.model.get('warmup_rounds', 0)
    wait = statistics.median(watch.times[1:waits]) if waits else 0.0
    return wait, statistics.median(watch.times[1 + waits :])
