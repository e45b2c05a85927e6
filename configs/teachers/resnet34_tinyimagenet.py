"""ResNet-34 on Tiny-ImageNet (64 pixels), after CIFAR's recipe."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.tiny_imagenet import *
    from .._base_.models.cifar_networks import resnet34
    from .._base_.models.imagenet_preprocessor import data_preprocessor
    from .._base_.schedules.teacher_cifar import *

work_dir = 'work_dirs/teachers/resnet34_tinyimagenet'
resnet34['head'].update(num_classes=200)
model = dict(**resnet34, data_preprocessor=data_preprocessor)
train_dataloader['dataset'] = dict(
    val_dataloader['dataset'],
    data_prefix='train',
    pipeline=[
        *load_rgb,
        dict(type=RandomCrop, crop_size=64, padding=8),
        dict(type=RandomFlip, prob=0.5, direction='horizontal'),
        dict(type=PackInputs),
    ],
)
