"""MNIST-5k: 4,000 images to train a teacher, 1,000 held out; nothing to download."""

from mmengine.config import read_base
from mmengine.dataset import DefaultSampler
from mmpretrain.evaluation import Accuracy

from mmdfkd.datasets import MNIST5k

with read_base():
    from ..models.lenet5_networks import pipeline

val_dataloader = dict(
    batch_size=500,
    num_workers=0,
    dataset=dict(type=MNIST5k, split='test', pipeline=pipeline),
    sampler=dict(type=DefaultSampler, shuffle=False),
)
test_dataloader = val_dataloader
val_evaluator = dict(type=Accuracy)
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
