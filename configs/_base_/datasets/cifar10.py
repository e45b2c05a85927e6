"""CIFAR-10, for evaluation: mmpretrain's data set, or see cifar10_folder.py."""

from mmengine.dataset import DefaultSampler
from mmpretrain.datasets import PackInputs
from mmpretrain.evaluation import Accuracy

from mmdfkd.datasets import CIFAR10

val_dataloader = dict(
    batch_size=500,
    num_workers=0,
    dataset=dict(
        type=CIFAR10, data_root='data/cifar10', split='test', pipeline=[dict(type=PackInputs)]
    ),
    sampler=dict(type=DefaultSampler, shuffle=False),
)
test_dataloader = val_dataloader
val_evaluator = dict(type=Accuracy)
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
