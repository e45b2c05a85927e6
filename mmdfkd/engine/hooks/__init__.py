"""Hooks, one a file."""

from .atomic_checkpoint_hook import AtomicCheckpointHook
from .compile_hook import CompileHook
from .distillation_summary_hook import DistillationSummaryHook
from .distiller_ema_hook import DistillerEMAHook
from .generator_restart_hook import GeneratorRestartHook
from .iteration_seed_hook import IterationSeedHook
from .labels_hook import LabelsHook
from .non_finite_loss_hook import NonFiniteLossHook
from .processor_time_hook import ProcessorTimeHook
from .strict_load_hook import StrictLoadHook
from .strict_optimizer_hook import StrictOptimizerHook
from .strict_schedule_hook import StrictScheduleHook
from .synthetic_figures_hook import SyntheticFiguresHook
from .synthetic_grid_hook import SyntheticGridHook

__all__ = [
    'AtomicCheckpointHook',
    'CompileHook',
    'DistillationSummaryHook',
    'DistillerEMAHook',
    'GeneratorRestartHook',
    'IterationSeedHook',
    'LabelsHook',
    'NonFiniteLossHook',
    'ProcessorTimeHook',
    'StrictLoadHook',
    'StrictOptimizerHook',
    'StrictScheduleHook',
    'SyntheticFiguresHook',
    'SyntheticGridHook',
]
