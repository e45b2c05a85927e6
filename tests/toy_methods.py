"""A toy distiller of every method: 8-pixel images, 3 classes, nets with batch norm."""

from toy import toy_dedfkd, toy_parts

from mmdfkd.models.distillers import DAFL
from mmdfkd.models.generators import UnconditionalGenerator
from mmdfkd.models.losses import ActivationLoss, InformationEntropyLoss, PseudoLabelLoss


def toy_unconditional():
    return dict(type=UnconditionalGenerator, latent_dim=5, image_size=8, base_channels=2)


def toy_dafl(**overrides):
    losses = dict(
        generator=toy_unconditional(),
        loss_pseudo_label=PseudoLabelLoss(),
        loss_entropy=InformationEntropyLoss(),
        loss_act=ActivationLoss(),
    )
    return DAFL(**toy_parts(**(losses | overrides)))


#: Builders by the method's name; each takes overrides of the distiller's arguments.
METHODS = dict(dedfkd=toy_dedfkd, dafl=toy_dafl)
