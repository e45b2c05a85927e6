"""Pairs as ``mmdfkd distill`` finds them out, of teachers on CIFAR-10 and MNIST, say."""

from dataclasses import replace

from mmdfkd.own_teacher import Images, Pair

IMAGES = Images(
    channels=3,
    size=32,
    mean=[120.0] * 3,
    std=[60.0] * 3,
    swap=False,
    resize=1.0,
    interpolation='bilinear',
    squash=False,
    dark=False,
)
PAIR = Pair(
    teacher=dict(type='T'),
    checkpoint='t.pth',
    prefix='',
    key=None,
    student=dict(type='S'),
    part=False,
    num_classes=10,
    class_names=None,
    images=IMAGES,
    batch_norms=True,
    layout_layers=[],
    parameters=(2, 1),
)
DARK = replace(
    PAIR,
    batch_norms=False,
    images=replace(IMAGES, channels=1, mean=[33.0], std=[78.0], dark=True),
)
