"""Tiny-ImageNet, for evaluation: data/tiny-imagenet/val/n01443537/*.JPEG and so on.

The archive tiny-imagenet-200.zip, unpacked as data/tiny-imagenet, has its validation images in
one folder, with a list. Sort them into folders of classes, as its training images are:

    cd data/tiny-imagenet/val
    while read image class box; do
        mkdir -p $class; mv images/$image $class
    done < val_annotations.txt
    rmdir images  # it would count as a class
"""

from mmengine.config import read_base

with read_base():
    from .cifar10_folder import *

val_dataloader['dataset'].update(
    data_root='data/tiny-imagenet',
    data_prefix='val',
    how_to_get='configs/_base_/datasets/tiny_imagenet.py says how to arrange them',
)
test_dataloader = val_dataloader
