"""LeNet-5 and LeNet-5-half on 32x32 grey digits."""

from mmpretrain.datasets import PackInputs, Resize
from mmpretrain.models import ClsDataPreprocessor, ImageClassifier, LinearClsHead

from mmdfkd.models.backbones import DAFLLeNet5

# Pixel statistics of mmpretrain's own MNIST configs.
data_preprocessor = dict(type=ClsDataPreprocessor, mean=[33.46], std=[78.87])
pipeline = [dict(type=Resize, scale=32, interpolation='bilinear'), dict(type=PackInputs)]

lenet5 = dict(
    type=ImageClassifier,
    backbone=dict(type=DAFLLeNet5),
    head=dict(type=LinearClsHead, num_classes=10, in_channels=84),
)
lenet5_half = dict(
    type=ImageClassifier,
    backbone=dict(type=DAFLLeNet5, width=0.5),
    head=dict(type=LinearClsHead, num_classes=10, in_channels=42),
)
