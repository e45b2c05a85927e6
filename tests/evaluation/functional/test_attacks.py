import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmdfkd.evaluation.functional.attacks import fgsm, pgd


@pytest.fixture(scope='module')
def trained():
    """A small network that tells bright from dark halves, images and labels."""
    torch.manual_seed(0)
    labels = torch.arange(200) % 2
    images = torch.randint(0, 256, (200, 1, 6, 6)).float()
    images[labels == 0, :, :3] *= 0.75
    images[labels == 1, :, 3:] *= 0.75
    network = nn.Sequential(nn.Flatten(), nn.Linear(36, 16), nn.ReLU(), nn.Linear(16, 2))

    def logits(pixels):
        return network((pixels - 110) / 75)

    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(100):
        optimizer.zero_grad()
        F.cross_entropy(logits(images), labels).backward()
        optimizer.step()
    network.zero_grad()
    return logits, images, labels, network


def accuracy(logits, images, labels):
    return (logits(images).argmax(1) == labels).float().mean().item()


@pytest.mark.parametrize('attack', [fgsm, pgd])
@pytest.mark.parametrize('eps', [2.0, 8.0, 76.5])
def test_attacks_stay_in_the_ball_and_among_the_pixels(trained, attack, eps):
    logits, images, labels, network = trained
    before = images.clone()
    adversarial = attack(logits, images, labels, eps)
    assert (adversarial - images).abs().max() == pytest.approx(eps, abs=1e-3)
    assert adversarial.min() >= 0
    assert adversarial.max() <= 255
    assert not adversarial.requires_grad
    assert images.equal(before)
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize('attack', [fgsm, pgd])
def test_attacks_lower_the_accuracy_the_more_the_larger_they_are(trained, attack):
    logits, images, labels, _ = trained
    found = [accuracy(logits, attack(logits, images, labels, e), labels) for e in (0.0, 4.0, 16.0)]
    assert found[0] > 0.95
    assert found[0] > found[1] > found[2]


def test_attacks_are_no_noise(trained):
    logits, images, labels, _ = trained
    noisy = (images + 16 * torch.randn_like(images).sign()).clamp(0, 255)
    assert accuracy(logits, noisy, labels) > 0.8
    assert accuracy(logits, fgsm(logits, images, labels, 16), labels) < 0.6


def test_pgd_is_at_least_as_strong(trained):
    logits, images, labels, _ = trained
    losses = [
        F.cross_entropy(logits(attack(logits, images, labels, 8.0)), labels)
        for attack in (fgsm, pgd)
    ]
    assert losses[1] >= 0.999 * losses[0]


def test_fgsm_is_its_formula(trained):
    logits, images, labels, _ = trained
    inputs = images.clone().requires_grad_()
    F.cross_entropy(logits(inputs), labels).backward()
    expected = (images + 8 * inputs.grad.sign()).clamp(0, 255)
    assert fgsm(logits, images, labels, 8.0).equal(expected)


def test_one_step_of_pgd_is_its_formula(trained):
    logits, images, labels, _ = trained
    found = pgd(logits, images, labels, 4.0, 1, torch.Generator().manual_seed(3))
    noise = torch.rand(images.shape, generator=torch.Generator().manual_seed(3))
    start = (images + 4 * (2 * noise - 1)).clamp(0, 255).requires_grad_()
    F.cross_entropy(logits(start), labels).backward()
    moved = start.detach() + 10 * start.grad.sign()
    expected = torch.maximum(torch.minimum(moved, images + 4), images - 4).clamp(0, 255)
    torch.testing.assert_close(found, expected)


def test_pgd_starts_as_its_generator_says(trained):
    logits, images, labels, _ = trained
    first, same, other = (
        pgd(logits, images, labels, 8.0, 1, torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    )
    assert first.equal(same)
    assert not first.equal(other)


@pytest.mark.parametrize('eps', [4.0, 16.0])
def test_attacks_equal_foolbox(trained, eps):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        foolbox = pytest.importorskip('foolbox')
    logits, images, labels, _ = trained

    class Network(nn.Module):
        def forward(self, pixels):
            return logits(255 * pixels)

    model = foolbox.PyTorchModel(Network().eval(), bounds=(0, 1))
    unit = images / 255
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        _, expected, _ = foolbox.attacks.FGSM()(model, unit, labels, epsilons=eps / 255)
        steps = foolbox.attacks.LinfPGD(rel_stepsize=2.5 / 20, steps=20, random_start=True)
        _, by_steps, _ = steps(model, unit, labels, epsilons=eps / 255)
    torch.testing.assert_close(fgsm(logits, images, labels, eps), 255 * expected, atol=1e-3, rtol=0)
    ours = accuracy(logits, pgd(logits, images, labels, eps), labels)
    assert ours == pytest.approx(accuracy(logits, 255 * by_steps, labels), abs=0.02)
