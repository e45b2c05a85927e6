"""DE-DFKD, ResNet-34 -> ResNet-18 on Tiny-ImageNet (64 pixels); the teacher is trained here.

CIFAR's networks and losses, and the batch, the learning rate and the 300,000 steps of the
student in NAYER's public script for this pair. Built and stepped only, not measured; a
generator step has 14 GiB of activations in single precision (counted), half with --amp.
"""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.tiny_imagenet import *
    from ._base_.dedfkd_cifar import *
    from ._base_.models.cifar_networks import resnet18, resnet34
    from ._base_.models.imagenet_preprocessor import data_preprocessor

num_classes = 200
resnet34['head'].update(num_classes=num_classes)
resnet18['head'].update(num_classes=num_classes)
model['data_preprocessor'] = data_preprocessor  # update() would merge the two
model['teacher'].update(
    network=resnet34,
    checkpoint='work_dirs/teachers/resnet34_tinyimagenet/epoch_200.pth',
    how_to_get='make it: mmdfkd train configs/teachers/resnet34_tinyimagenet.py',
)
model['student'].update(network=resnet18)
model['generator'].update(num_classes=num_classes, image_size=64)
model['augment'].update(pad=8)
# 256 images of 200 classes: two of each of 128 classes, then of the next.
train_dataloader['dataset'].update(num_classes=num_classes, samples_per_class=2)
model['memory'].update(capacity=200 * batch_size)
rounds = 7500
train_cfg.update(max_iters=rounds, val_interval=500)
optim_wrapper['student']['optimizer'].update(lr=0.1, weight_decay=5e-4)
