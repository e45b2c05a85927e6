import math

import pytest
import torch
from torch.nn import functional as F

from mmdfkd.models.losses import ContrastiveInversionLoss
from mmdfkd.models.losses.contrastive import contrastive_inversion_loss


def by_loops(local, global_, num_new, temperature):
    losses = []
    for i, crop in enumerate(local.tolist()):
        logits = [
            sum(a * b for a, b in zip(crop, image, strict=True)) / temperature
            for image in global_.tolist()
        ]
        losses.append(math.log(sum(map(math.exp, logits))) - logits[i])
    new, remembered = losses[:num_new], losses[num_new:]
    return sum(new) / len(new) + (sum(remembered) / len(remembered) if remembered else 0)


def embeddings(number, dtype=torch.double):
    return [F.normalize(torch.randn(number, 6, dtype=dtype), dim=1) for _ in range(2)]


@pytest.mark.parametrize('num_new', [3, 7])  # with and without a memory
def test_the_value_is_that_of_loops(num_new):
    local, global_ = embeddings(7)
    expected = by_loops(local, global_, num_new, temperature=0.2)
    assert float(contrastive_inversion_loss(local, global_, num_new, 0.2)) == pytest.approx(
        expected
    )


def test_only_crops_get_a_gradient():
    local, global_ = embeddings(7)
    contrastive_inversion_loss(local.requires_grad_(), global_.requires_grad_(), 3).backward()
    assert global_.grad is None
    assert local.grad.any(1).all()
    assert torch.autograd.gradcheck(
        lambda crops: contrastive_inversion_loss(crops, global_.detach(), 3), local
    )


def test_alike_images_cost_more():
    global_ = embeddings(7)[1]
    apart = contrastive_inversion_loss(global_, global_, 3)
    alike = contrastive_inversion_loss(global_[:1].expand(7, 6), global_[:1].expand(7, 6), 3)
    assert apart < alike
    assert float(alike) == pytest.approx(2 * math.log(7))


def test_weight_and_temperature_are_its_own():
    local, global_ = embeddings(5)
    expected = 2.5 * contrastive_inversion_loss(local, global_, 2, 0.5)
    torch.testing.assert_close(ContrastiveInversionLoss(2.5, 0.5)(local, global_, 2), expected)
    with pytest.raises(ValueError, match=r'temperature should be in \[0.001, 1000\], but got 0'):
        ContrastiveInversionLoss(temperature=0)
