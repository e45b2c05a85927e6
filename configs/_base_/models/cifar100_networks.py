"""The networks of CIFAR's comparisons with 100 classes."""

from mmengine.config import read_base

with read_base():
    from .cifar_networks import *

for network in (resnet34, resnet18, vgg11, wrn40_2, wrn40_1, wrn16_2, wrn16_1):
    network['head'].update(num_classes=100)
