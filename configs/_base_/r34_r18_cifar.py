"""ResNet-34 and ResNet-18 of mmpretrain for 32x32 images."""

from mmpretrain.models import (
    ClsDataPreprocessor,
    GlobalAveragePooling,
    ImageClassifier,
    LinearClsHead,
    ResNet_CIFAR,
)

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
