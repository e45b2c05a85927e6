"""Validation without one real image: the last line of a config's ``with read_base():``

    from ._base_.data_free_validation import *

The student is compared with the teacher on images of held-out latents. Give ``latent_dim``
and ``num_classes`` the generator's values if they are others. It is a monitor: choosing a
checkpoint by it did worse than taking the last (docs/figures.md). Who wants it all the same:
``default_hooks['checkpoint'].update(save_best='agreement/top1')``.
"""

from mmengine.dataset import DefaultSampler, default_collate

from mmdfkd.datasets import LatentDataset
from mmdfkd.evaluation import Agreement, ClassBalance

val_dataloader = dict(
    batch_size=250,
    num_workers=0,
    dataset=dict(type=LatentDataset, num_classes=10, length=2000, latent_dim=256, seed=1000),
    sampler=dict(type=DefaultSampler, shuffle=False),
    collate_fn=dict(type=default_collate),
)
val_evaluator = [dict(type=Agreement), dict(type=ClassBalance)]
val_cfg = dict()
