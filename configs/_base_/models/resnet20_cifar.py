"""The thin ResNets for 32x32 images."""

from mmpretrain.models import ClsDataPreprocessor, ImageClassifier, LinearClsHead

from mmdfkd.models.backbones import ThinResNet
from mmdfkd.models.classifiers import Classifier

# The public teachers' own statistics (ImageNet's), in pixels. A name of its own: CIFAR's
# data_preprocessor would win or lose by the order of imports.
resnet20_preprocessor = dict(
    type=ClsDataPreprocessor, mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]
)
resnet56 = dict(
    type=ImageClassifier,
    backbone=dict(type=ThinResNet, depth=56),
    head=dict(type=LinearClsHead, num_classes=10, in_channels=64),
)
resnet20 = dict(
    type=ImageClassifier,
    backbone=dict(type=ThinResNet, depth=20),
    head=dict(type=LinearClsHead, num_classes=10, in_channels=64),
)
resnet8 = dict(
    type=ImageClassifier,
    backbone=dict(type=ThinResNet, depth=8),
    head=dict(type=LinearClsHead, num_classes=10, in_channels=64),
)
resnet20_teacher = dict(
    type=Classifier,
    network=resnet20,
    checkpoint='data/teachers/resnet20_cifar10.th',
    prefix='module.',
    how_to_get='bring it: mmdfkd prepare-teachers',
)
