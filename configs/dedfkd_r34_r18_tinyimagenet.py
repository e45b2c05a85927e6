"""DE-DFKD, ResNet-34 -> ResNet-18 on Tiny-ImageNet (64 pixels); the teacher is trained here.

CIFAR's recipe for longer: 266,000 steps of the student, for 300,000 in NAYER's public script for
this pair. Built and stepped only, not measured.
"""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.tiny_imagenet import *
    from ._base_.dedfkd_inverted import *
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
model['student'].update(network=resnet18, init_from_teacher=True)
model['generator'].update(num_classes=num_classes, image_size=64)
model['augment'].update(pad=8)
model.update(layout_layers=['backbone.layer1', 'backbone.layer2'])
# Two of each of 64 classes, then of the next.
train_dataloader['dataset'].update(num_classes=num_classes, samples_per_class=2)
rounds = 5000
warmup = 560
model.update(warmup_rounds=warmup)
model['memory'].update(capacity=170_000)  # 3 GiB
train_cfg.update(max_iters=rounds, val_interval=250)
param_scheduler['student'][0].update(begin=warmup)
default_hooks['checkpoint'].update(interval=100)
