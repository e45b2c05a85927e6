"""Fast-Datafree, the public thin ResNet-20 -> ResNet-8 on CIFAR-10, for a CPU."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.resnet20_cifar import *
    from .fast_datafree_wrn402_wrn161_cifar10 import *

warmup = 10
# update() would merge it with CIFAR's.
data_preprocessor = model['data_preprocessor'] = resnet20_preprocessor
model['teacher'] = resnet20_teacher
model['student'] = dict(type=Classifier, network=resnet8)
model['generator'].update(base_channels=32, latent_dim=128)
# Real images have a BN loss of 62 at this teacher, of about 5 at WRN-40-2.
model['loss_bn'].update(loss_weight=1.0)
model.update(
    channels_last=True,
    warmup_rounds=warmup,
    kd_steps=12,
    kd_batch_size=128,
    layer_restart=None,
)
model['memory'].update(capacity=640 * 64)
train_dataloader.update(batch_size=64)
train_cfg.update(max_iters=640, val_interval=80)
optim_wrapper['student']['optimizer'].update(lr=0.1, weight_decay=5e-4)
param_scheduler['student'][0].update(begin=warmup)
default_hooks['logger'].update(interval=10)
log_processor.update(window_size=10)  # the logger's interval
default_hooks['checkpoint'].update(interval=80)
