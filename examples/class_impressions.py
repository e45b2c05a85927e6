"""A method in a file of one's own: class impressions (ZSKD, Nayak et al., ICML 2019).

Images are optimised until the teacher's softened output is a target that was drawn from a
Dirichlet distribution around a class; classes that the teacher's last layer takes for
similar share more of it.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from mmdfkd.models.distillers import InversionDistiller
from mmdfkd.registry import MODELS


@MODELS.register_module()
class ClassImpressions(InversionDistiller):
    """Distil on class impressions.

    Args:
        concentration: of the Dirichlet distribution; ZSKD takes 1 and 0.1.
        temperature: softens the teacher's output; ZSKD's is 20.
        lr: of the pixels before the sigmoid.
        **kwargs: see ``InversionDistiller``.
    """

    def __init__(self, concentration=1.0, temperature=20.0, lr=0.1, **kwargs):
        super().__init__(**kwargs)
        self.concentration = concentration
        self.temperature = temperature
        self.lr = lr

    def similarity(self) -> Tensor:
        """Cosine similarity of the classes in the teacher's last layer, (C, C) in [0, 1]."""
        layer = self.teacher.network.get_submodule(self.teacher.final_layer)
        rows = F.normalize(layer.weight)
        cosine = rows @ rows.t()
        return (cosine - cosine.min()) / (cosine.max() - cosine.min())

    def synthesize(self, labels, optim_wrapper):
        """Optimise a batch of images and remember them."""
        alpha = (self.concentration * self.similarity()[labels]).clamp_min(1e-3)
        targets = torch.distributions.Dirichlet(alpha).sample()
        raw = torch.randn(len(labels), *self.image_shape, device=labels.device, requires_grad=True)

        def losses_of(images):
            logits = self.respond(self.normalize(images)).logits
            return {'loss_target': F.cross_entropy(logits / self.temperature, targets)}

        variables, optimizer = [dict(params=[raw])], dict(type='Adam', lr=self.lr)
        images, logs = self.invert(variables, optimizer, lambda: raw.sigmoid() * 255, losses_of)
        self.remember(images, optim_wrapper)
        return logs
