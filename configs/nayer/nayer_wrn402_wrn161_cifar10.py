"""NAYER for 100 epochs after 20 of warm-up, WRN-40-2 -> WRN-16-1 on CIFAR-10.

The numbers are those of "c10w402w161" of scripts/nayer_100.sh in tmtuan1307/NAYER, commit
c6bedcd, and of the defaults of its datafree_kd.py; the codes are not CLIP's.
"""

from mmengine.config import read_base
from torch.optim import Adam

from mmdfkd.models.distillers import NAYER
from mmdfkd.models.generators import NoisyLabelGenerator

with read_base():
    from .._base_.datasets.cifar10 import *
    from .._base_.meta_inversion_cifar import *
    from .._base_.models.cifar_networks import wrn16_1, wrn40_2

model['teacher'].update(
    network=wrn40_2,
    checkpoint='work_dirs/teachers/wrn40_2_cifar10/epoch_200.pth',
    how_to_get='make it: mmdfkd train configs/teachers/wrn40_2_cifar10.py',
)
model['student'].update(network=wrn16_1)
model.update(
    type=NAYER,
    channels_last=True,  # an epoch in 14 to 15 % less time on a CPU
    generator=dict(
        type=NoisyLabelGenerator,
        num_classes=10,
        code_dim=512,  # as CLIP's
        noise_dim=1000,  # --le_emb_size
        image_size=32,
        out_channels=3,
        base_channels=64,  # ngf
    ),
    inversion_steps=30,  # --g_steps
    optimizer=dict(type=Adam, lr=4e-3, betas=(0.5, 0.999)),  # --lr_g
    inversions=2,  # --g_loops
    warmup_inversions=10,  # --gwp_loops
    generator_life=10,  # --g_life
    kd_batch_size=512,  # --batch_size
)
model['memory'].update(capacity=(20 * 10 + 100 * 2) * 400)  # every image of the run, 490 MB
train_dataloader.update(batch_size=400)  # --synthesis_batch_size
train_cfg.update(max_iters=120)  # --epochs
