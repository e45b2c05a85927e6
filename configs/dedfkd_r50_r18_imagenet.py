"""DE-DFKD, timm's ResNet-50 -> ResNet-18 on ImageNet-1k (224 pixels).

The weights of the BN, class and adversarial losses, the temperature, the student's optimiser
and its 400,000 steps of 100 images are those of Fast's public log of this pair (53.45 % at the
best epoch); generator, memory and metric loss are ours. Built and stepped only, not measured; a
generator step has 15 GiB of activations in single precision (counted), half with --amp.
"""

from mmengine.config import read_base
from mmpretrain.models import TimmClassifier

from mmdfkd.models.memories import ImageMemory

with read_base():
    from ._base_.datasets.imagenet import *
    from ._base_.dedfkd_cifar import *
    from ._base_.models.imagenet_preprocessor import data_preprocessor

num_classes = 1000
batch_size = 100
model['data_preprocessor'] = data_preprocessor  # update() would merge the two
model['teacher'].update(
    network=dict(type=TimmClassifier, model_name='resnet50', num_classes=num_classes),
    checkpoint='https://download.pytorch.org/models/resnet50-0676ba61.pth',
    how_to_get="it is timm's resnet50.tv_in1k, torchvision's ResNet50_Weights.IMAGENET1K_V1",
)
model['student'].update(
    network=dict(type=TimmClassifier, model_name='resnet18', num_classes=num_classes)
)
model['generator'].update(
    num_classes=num_classes,
    image_size=224,
    label_injection='embedding',  # one-hot codes would be four times the latent
    embedding_dim=256,
    subpixel=True,
)
model['loss_ce'].update(loss_weight=0.1)
model['loss_adv'].update(loss_weight=1.0)
model['loss_bn'].update(loss_weight=0.1)
model['loss_metric'].update(loss_weight=0.1)
model['loss_kd'].update(temperature=5.0)
model['augment'].update(pad=28)
model.update(kd_steps=20, kd_batch_size=batch_size)
# 3 GB on the device, and in every checkpoint.
model['memory'] = dict(type=ImageMemory, capacity=200 * batch_size)
# Two of each of 50 classes, then of the next: the metric loss needs pairs.
train_dataloader['dataset'].update(num_classes=num_classes, samples_per_class=2)
train_dataloader.update(batch_size=batch_size)
auto_scale_lr.update(base_batch_size=batch_size)
optim_wrapper['generator']['optimizer'].update(lr=1e-3)
optim_wrapper['student']['optimizer'].update(lr=0.1)
rounds = 20000
restart = 1000
train_cfg.update(max_iters=rounds, val_interval=2000)
param_scheduler['generator'][0].update(period=restart)
default_hooks['generator_restart'].update(interval=restart)
default_hooks['checkpoint'].update(interval=2000)
