"""Fast-Datafree with five inner steps, WRN-40-2 -> WRN-16-1 on CIFAR-10.

The numbers are those of the line "wrn-5" of scripts/fast_cifar.sh in zju-vipa/Fast-Datafree,
commit 0dcecbc, and of the defaults of its datafree_kd.py.
"""

from mmengine.config import read_base
from mmengine.optim import OptimWrapper
from torch.optim import Adam

from mmdfkd.models.distillers import FastDatafree
from mmdfkd.models.generators import UnconditionalGenerator

with read_base():
    from .._base_.datasets.cifar10 import *
    from .._base_.meta_inversion_cifar import *
    from .._base_.models.cifar_networks import wrn16_1, wrn40_2

inner_steps = 5  # --g_steps
inner_lr = 3e-3  # --lr_g
model['teacher'].update(
    network=wrn40_2,
    checkpoint='work_dirs/teachers/wrn40_2_cifar10/epoch_200.pth',
    how_to_get='make it: mmdfkd train configs/teachers/wrn40_2_cifar10.py',
)
model['student'].update(network=wrn16_1)
model.update(
    type=FastDatafree,
    channels_last=True,  # an epoch in 14 to 15 % less time on a CPU
    generator=dict(
        type=UnconditionalGenerator,
        latent_dim=256,  # nz
        image_size=32,
        out_channels=3,
        base_channels=64,  # ngf
        pixel_norm=False,
    ),
    inversion_steps=inner_steps,
    optimizer=dict(type=Adam, lr=inner_lr, betas=(0.5, 0.999)),
    latent_lr=0.01,  # --lr_z
    meta_update='fomaml',  # --is_maml 1
    layer_restart=warmup + 120,  # --reset_l0 1
)
model['loss_ce'].update(loss_weight=0.4)  # --oh
model['loss_adv'].update(loss_weight=1.1)  # --adv
model['memory'].update(capacity=220 * 256)  # every image of the run, 170 MB
optim_wrapper['generator'] = dict(
    type=OptimWrapper,
    optimizer=dict(type=Adam, lr=inner_steps * inner_lr, betas=(0.5, 0.999)),
)
param_scheduler['generator'] = []
