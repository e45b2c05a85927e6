"""A distiller small enough for a test: 8-pixel images, 3 classes, nets with batch norm."""

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmpretrain.models import ClsDataPreprocessor
from torch import nn

from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor
from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.distillers import DEDFKD
from mmdfkd.models.generators import ConditionalGenerator
from mmdfkd.models.losses import (
    ActivationLoss,
    AdversarialLoss,
    BNStatisticsLoss,
    ClassConditionLoss,
    KDLoss,
    MetricLearningLoss,
)
from mmdfkd.models.memories import ImageMemory, LabelledMemory
from mmdfkd.models.utils import ShiftFlip, unwrap

NUM_CLASSES = 3


def toy_network(width=4, num_classes=NUM_CLASSES):
    return nn.Sequential(
        nn.Conv2d(3, width, 3),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(4 * width, num_classes),
    )


def toy_parts(**overrides):
    parts = dict(
        teacher=Classifier(toy_network(6)),
        student=Classifier(toy_network(4)),
        generator=ConditionalGenerator(
            num_classes=NUM_CLASSES, latent_dim=5, image_size=8, base_channels=2
        ),
        data_preprocessor=ClsDataPreprocessor(mean=[100.0] * 3, std=[50.0] * 3),
        loss_kd=KDLoss('kl', temperature=4.0),
        g_steps=2,
        kd_steps=3,
        kd_batch_size=6,
        augment=ShiftFlip(pad=1),
    )
    capacity = overrides.pop('capacity', 20)
    num_views = overrides.pop('num_views', 0)
    memory = LabelledMemory(capacity, num_views) if num_views else ImageMemory(capacity)
    parts |= dict(memory=memory) | overrides
    if parts['memory'] is None and 'kd_batch_size' not in overrides:
        del parts['kd_batch_size']
    return parts


def toy_dedfkd(**overrides):
    losses = dict(
        loss_ce=ClassConditionLoss(0.5),
        loss_adv=AdversarialLoss(1.0, agreement_mask=False),
        loss_metric=MetricLearningLoss('M4', 0.3, gate=0.0),
        loss_bn=BNStatisticsLoss(2.0),
        loss_act=ActivationLoss(0.1),
    )
    return DEDFKD(**toy_parts(**(losses | overrides)))


def without_batch_norm(network):
    """The network with group norms in place, which see each image alone."""
    for name, child in network.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(network, name, nn.GroupNorm(1, child.num_features))
        without_batch_norm(child)
    return network


def toy_optim_wrapper(model, lr=0.05, **options):
    """SGD; ``options`` are further arguments of the wrappers, by key."""
    sgd = dict(type=OptimWrapper, optimizer=dict(type=torch.optim.SGD, lr=lr))
    keys = unwrap(model).optimised
    constructor = MultiOptimWrapperConstructor({k: sgd | options.get(k, {}) for k in keys})
    wrapper = constructor(model)
    assert isinstance(wrapper, OptimWrapperDict)
    return wrapper


def toy_labels(num=6):
    return {'label': torch.arange(num) % NUM_CLASSES}


def snapshot(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def changed(module, before):
    return {name for name, value in module.state_dict().items() if not value.equal(before[name])}
