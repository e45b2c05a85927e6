"""CMI, the public ResNet-20 -> ResNet-8 on CIFAR-10: for a CPU.

The numbers of cmi_wrn402_wrn161_cifar10.py, but for the length of the run, the sizes of generator,
memory and bank of features, and the weight of the BN term: real images have 62 at this teacher,
12 times what they have at a WRN-40-1.
"""

from mmengine.config import read_base

from mmdfkd.models.classifiers import Classifier

with read_base():
    from .._base_.models.resnet20_cifar import resnet8, resnet20_preprocessor, resnet20_teacher
    from .cmi_wrn402_wrn161_cifar10 import *

# update() would merge these with what they replace.
data_preprocessor = model['data_preprocessor'] = resnet20_preprocessor
model['teacher'] = resnet20_teacher
model['student'] = dict(type=Classifier, network=resnet8)
model['generator'].update(base_channels=32, latent_dim=128)
model['loss_bn'].update(loss_weight=0.1)
model['memory'].update(capacity=3200)
model.update(inversion_steps=100, kd_steps=100, bank_size=3200, num_negatives=512)
train_dataloader.update(batch_size=64)
train_cfg.update(max_iters=50)
