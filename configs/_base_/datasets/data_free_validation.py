"""Validation without one real image: the last line of a config's ``with read_base():``

    from ._base_.datasets.data_free_validation import *

The student is compared with the teacher on images of held-out latents. Give ``latent_dim``
and ``num_classes`` the generator's values if they are others. With ``fixed_latents`` the generator
knows no latents but a round's: take the memory's images, as docs/data.md says.
``agreement/kl_augment``, the KL divergence on augmented samples, ranks the checkpoints of a run
with one generator as the test accuracy does; where generators are restarted it does not, and the
last checkpoint is the best choice (docs/figures.md). To keep the best by it, in the config:

    default_hooks['checkpoint'].update(save_best='agreement/kl_augment', rule='less')
"""

from mmengine.dataset import DefaultSampler, default_collate

from mmdfkd.datasets import LatentDataset
from mmdfkd.evaluation import Agreement, ClassBalance

val_dataloader = dict(
    batch_size=250,
    num_workers=0,
    dataset=dict(type=LatentDataset, num_classes=10, length=2000, latent_dim=256, seed=1000),
    sampler=dict(type=DefaultSampler, shuffle=False, round_up=False),
    collate_fn=dict(type=default_collate),
)
val_evaluator = [dict(type=Agreement, corruptions=['augment']), dict(type=ClassBalance)]
val_cfg = dict()
