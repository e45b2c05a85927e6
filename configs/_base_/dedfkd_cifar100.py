"""DE-DFKD with an inverted generator for 100 classes; networks are the config's."""

from mmengine.config import read_base

with read_base():
    from .dedfkd_inverted import *

num_classes = 100
model['generator'].update(num_classes=num_classes)
# A batch of 128 has two of each of 64 classes, the next one of the others: the metric loss needs
# pairs.
train_dataloader['dataset'].update(num_classes=num_classes, samples_per_class=2)
