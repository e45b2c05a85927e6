"""What differs when a teacher is trained: epochs, and none of distillation's hooks."""

from mmengine.config import read_base

with read_base():
    from .default_runtime import *

del default_hooks['iteration_seed'], default_hooks['non_finite_loss']
del default_hooks['synthetic_grid'], default_hooks['summary']
# Without device_ids, which a CPU has none of.
model_wrapper_cfg = dict(type='MMDistributedDataParallel', device_ids=None)
log_processor.update(by_epoch=True)
default_hooks['checkpoint'].update(by_epoch=True, interval=1, max_keep_ckpts=2)
default_hooks['logger'].update(log_metric_by_epoch=True)
