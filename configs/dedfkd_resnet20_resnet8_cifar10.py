"""DE-DFKD, the public thin ResNet-20 -> ResNet-8 on CIFAR-10: an hour on one CPU core."""

from mmengine.config import read_base
from mmengine.optim.scheduler import CosineRestartLR

from mmdfkd.engine.hooks import GeneratorRestartHook
from mmdfkd.models.losses import TotalVariationLoss
from mmdfkd.models.utils import Classifier

with read_base():
    from ._base_.cifar10 import *
    from ._base_.dedfkd_cifar import *
    from ._base_.default_runtime import *
    from ._base_.resnet20_cifar import *

rounds = 640
restart = 160  # rounds of one generator
batch_size = 128
model['generator'].update(base_channels=32, latent_dim=128, subpixel=True)
model['loss_ce'].update(loss_weight=1.0)
# Real images have a BN loss of 62 at this teacher, and 10 times that would drown the rest.
model['loss_bn'].update(loss_weight=0.5)
model.update(
    data_preprocessor=data_preprocessor,
    teacher=dict(
        type=Classifier,
        network=resnet20,
        checkpoint='data/teachers/resnet20_cifar10.th',
        prefix='module.',
        how_to_get='it is pretrained_models/resnet20-12fca82f.th of the repository '
        'akamaster/pytorch_resnet_cifar10',
    ),
    student=dict(type=Classifier, network=resnet8),
    image_priors=dict(loss_tv=dict(type=TotalVariationLoss, loss_weight=1.0)),
    g_steps=2,
    kd_steps=8,
    kd_batch_size=batch_size,
    bank_capacity=rounds * batch_size,
)
train_dataloader.update(batch_size=batch_size)
train_cfg.update(max_iters=rounds, val_interval=restart // 2)
param_scheduler = dict(
    generator=[
        dict(
            type=CosineRestartLR,
            periods=[restart] * (rounds // restart),
            restart_weights=[1] * (rounds // restart),
            eta_min_ratio=0.05,
            by_epoch=False,
        )
    ],
    student=[dict(type=CosineAnnealingLR, T_max=rounds, by_epoch=False)],
)
default_hooks['logger'].update(interval=10)
default_hooks['checkpoint'].update(interval=restart // 2)
custom_hooks = [*custom_hooks, dict(type=GeneratorRestartHook, interval=restart)]
