"""LeNet-5 on MNIST-5k: the quickstart's teacher, a minute on a CPU core.

Rotation and a strong weight decay keep it from overconfidence: a student learns more from it
(docs/results/history.md).
"""

from mmengine.config import read_base
from mmpretrain.datasets import PackInputs, RandomCrop, Resize, Rotate

from mmdfkd.datasets import MNIST5k

with read_base():
    from .._base_.datasets.mnist5k import *
    from .._base_.schedules.teacher_lenet5 import *

work_dir = 'work_dirs/teachers/lenet5_mnist5k'
train_dataloader['batch_size'] = 64
train_dataloader['dataset'] = dict(
    type=MNIST5k,
    split='train',
    pipeline=[
        dict(type=Resize, scale=32, interpolation='bilinear'),
        dict(type=Rotate, magnitude_range=(0, 15), pad_val=0, prob=1.0),
        dict(type=RandomCrop, crop_size=32, padding=2),
        dict(type=PackInputs),
    ],
)
epochs = 40
optim_wrapper['optimizer'].update(weight_decay=0.5)
train_cfg.update(max_epochs=epochs, val_interval=10)
