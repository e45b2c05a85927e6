"""Hooks, visualizer and randomness of every run."""

from mmengine.hooks import (
    DistSamplerSeedHook,
    IterTimerHook,
    LoggerHook,
    ParamSchedulerHook,
)
from mmengine.runner import LogProcessor
from mmengine.visualization import LocalVisBackend, Visualizer

from mmdfkd.engine.hooks import (
    AtomicCheckpointHook,
    DistillationSummaryHook,
    IterationSeedHook,
    NonFiniteLossHook,
    SyntheticGridHook,
)

default_scope = None
# Each part is wrapped on its own, since a round is the model's own train_step.
model_wrapper_cfg = dict(type='mmdfkd.SeparateDataParallel')
work_dir = None  # work_dirs/<name of the config>

default_hooks = dict(
    timer=dict(type=IterTimerHook),
    # The student's accuracy over rounds, not over MMEngine's epochs, which stay 0.
    logger=dict(type=LoggerHook, interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type=ParamSchedulerHook),
    # Two are kept, in case the newest does not please.
    checkpoint=dict(type=AtomicCheckpointHook, by_epoch=False, interval=500, max_keep_ckpts=2),
    sampler_seed=dict(type=DistSamplerSeedHook),
    # Of a distillation. Every hook has a name here: a config or --cfg-options changes it by that.
    iteration_seed=dict(type=IterationSeedHook),
    non_finite_loss=dict(type=NonFiniteLossHook),
    synthetic_grid=dict(type=SyntheticGridHook, interval=500),
    summary=dict(type=DistillationSummaryHook),
)
custom_hooks = []  # a place for yours

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
# A logged time is the mean of as many rounds: the window is the logger's interval.
log_processor = dict(type=LogProcessor, window_size=50, by_epoch=False)
log_level = 'INFO'
visualizer = dict(type=Visualizer, vis_backends=[dict(type=LocalVisBackend)])
randomness = dict(seed=0, deterministic=False)
load_from = None
resume = False
