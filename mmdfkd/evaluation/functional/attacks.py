"""White-box attacks within an L-infinity ball, on pixels."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from mmdfkd.checks import check_positive, check_range

Network = Callable[[Tensor], Tensor]


def _ascent(network: Network, images: Tensor, labels: Tensor) -> Tensor:
    """Sign of the cross-entropy's gradient with respect to ``images``.

    It is 0 where float32 holds no gradient: at logits more than about 100 apart.
    """
    images = images.detach().requires_grad_()
    with torch.enable_grad():
        loss = F.cross_entropy(network(images), labels, reduction='sum')
    (gradient,) = torch.autograd.grad(loss, images)
    return gradient.sign()


def fgsm(network: Network, images: Tensor, labels: Tensor, eps: float) -> Tensor:
    """Attack in one step: the fast gradient sign method.

    Goodfellow et al., Explaining and Harnessing Adversarial Examples, ICLR 2015, section 4.

    Args:
        network: maps pixels to logits, so it normalises them itself; in eval mode.
        images: (N, C, H, W) pixels in [0, 255].
        labels: (N,) int64, the true classes.
        eps: largest change of a value, in pixels (8 is what others call 8/255).

    Returns:
        Adversarial images like ``images``, not rounded.
    """
    check_range('[0, 255]', eps=eps)
    return (images + eps * _ascent(network, images, labels)).clamp(0, 255)


def pgd(
    network: Network,
    images: Tensor,
    labels: Tensor,
    eps: float,
    steps: int = 20,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Attack in many steps, from a random start: projected gradient descent.

    Madry et al., Towards Deep Learning Models Resistant to Adversarial Attacks, ICLR 2018,
    section 2.1. A step is 2.5 eps / steps long, so that all of the ball can be reached.

    Args:
        network: maps pixels to logits, so it normalises them itself; in eval mode.
        images: (N, C, H, W) pixels in [0, 255].
        labels: (N,) int64, the true classes.
        eps: largest change of a value, in pixels (8 is what others call 8/255).
        steps: number of gradient steps, at least 1.
        generator: draws the start, on the CPU.

    Returns:
        Adversarial images like ``images``, not rounded.
    """
    check_range('[0, 255]', eps=eps)
    check_positive(steps=steps)
    low, high = (images - eps).clamp(min=0), (images + eps).clamp(max=255)
    noise = torch.rand(images.shape, generator=generator).to(images)
    adversarial = (images + eps * (2 * noise - 1)).clamp(0, 255)
    for _ in range(steps):
        step = 2.5 * eps / steps * _ascent(network, adversarial, labels)
        adversarial = (adversarial + step).clamp(low, high)
    return adversarial
