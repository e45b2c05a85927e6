import torch
from torch.nn import functional as F
from toy import toy_labels, toy_optim_wrapper, toy_parts

from mmdfkd.models.distillers import DAFL
from mmdfkd.models.generators import UnconditionalGenerator
from mmdfkd.models.losses import ActivationLoss, InformationEntropyLoss, PseudoLabelLoss


def toy_dafl():
    return DAFL(
        **toy_parts(generator=UnconditionalGenerator(latent_dim=5, image_size=8, base_channels=2)),
        loss_pseudo_label=PseudoLabelLoss(1.0),
        loss_entropy=InformationEntropyLoss(2.0),
        loss_act=ActivationLoss(0.1),
    )


def test_losses_are_the_formulas():
    model = toy_dafl().eval()
    inputs = torch.randn(6, 3, 8, 8)
    losses = model.generator_losses(inputs, torch.randn(6, 5), toy_labels()['label'])
    t, features = model.teacher(inputs)
    mean = t.softmax(1).mean(0)
    torch.testing.assert_close(losses['loss_pseudo_label'], F.cross_entropy(t, t.argmax(1)))
    torch.testing.assert_close(losses['loss_entropy'], 2 * (mean * mean.log()).sum())
    torch.testing.assert_close(losses['loss_act'], -0.1 * features.abs().mean())


def test_a_round_trains_both():
    model = toy_dafl()
    log = model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert {'generator/loss_entropy', 'student/loss_kd'} <= set(log)
