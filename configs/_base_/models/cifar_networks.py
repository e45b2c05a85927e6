"""The networks of CIFAR's comparisons, for 32x32 images and 10 classes."""

from mmpretrain.models import (
    VGG,
    ClsDataPreprocessor,
    GlobalAveragePooling,
    ImageClassifier,
    LinearClsHead,
    ResNet_CIFAR,
)

from mmdfkd.models.backbones import WideResNet

data_preprocessor = dict(
    type=ClsDataPreprocessor,
    mean=[125.307, 122.961, 113.8575],
    std=[51.5865, 50.847, 51.255],
    to_rgb=False,  # images are RGB throughout
)
resnet34 = dict(
    type=ImageClassifier,
    backbone=dict(type=ResNet_CIFAR, depth=34, num_stages=4, out_indices=(3,), style='pytorch'),
    neck=dict(type=GlobalAveragePooling),
    head=dict(type=LinearClsHead, num_classes=10, in_channels=512),
)
resnet18 = dict(
    type=ImageClassifier,
    backbone=dict(type=ResNet_CIFAR, depth=18, num_stages=4, out_indices=(3,), style='pytorch'),
    neck=dict(type=GlobalAveragePooling),
    head=dict(type=LinearClsHead, num_classes=10, in_channels=512),
)
vgg11 = dict(
    type=ImageClassifier,
    backbone=dict(type=VGG, depth=11, norm_cfg=dict(type='BN'), with_last_pool=True),
    neck=dict(type=GlobalAveragePooling),
    head=dict(type=LinearClsHead, num_classes=10, in_channels=512),
)
wrn40_2 = dict(
    type=ImageClassifier,
    backbone=dict(type=WideResNet, depth=40, widen=2),
    head=dict(type=LinearClsHead, num_classes=10, in_channels=128),
)
wrn40_1 = dict(
    type=ImageClassifier,
    backbone=dict(type=WideResNet, depth=40, widen=1),
    head=dict(type=LinearClsHead, num_classes=10, in_channels=64),
)
wrn16_2 = dict(
    type=ImageClassifier,
    backbone=dict(type=WideResNet, depth=16, widen=2),
    head=dict(type=LinearClsHead, num_classes=10, in_channels=128),
)
wrn16_1 = dict(
    type=ImageClassifier,
    backbone=dict(type=WideResNet, depth=16, widen=1),
    head=dict(type=LinearClsHead, num_classes=10, in_channels=64),
)
wrn16_2_teacher = dict(
    network=wrn16_2,
    checkpoint='data/teachers/wrn16_2_cifar10_seed0.pth',
    how_to_get='bring it: mmdfkd prepare-teachers',
)
