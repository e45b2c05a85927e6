"""DFAD beside its public code: ``python projects/parity/dfad.py --peer DIR``.

Its function ``train`` runs for some of its rounds of five student steps and one generator step.
"""

from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from live_family import Steps, Table, our_parts, our_wrapper, parse_peer, recorded, supply, weights
from torch.nn.functional import l1_loss
from torch.optim import SGD, Adam

from mmdfkd.cli.command import as_command
from mmdfkd.models.distillers import DFAD
from mmdfkd.models.losses import AdversarialLoss, KDLoss

ROUNDS = 3
BATCH = 16
LATENTS = 20


def main() -> None:
    """Run."""
    folder = parse_peer('DFAD', 'https://github.com/VainF/Data-Free-Adversarial-Distillation')
    supply('dataloader', get_dataloader=None)  # of real images
    network = folder / 'network'
    supply('network', __path__=[str(network)])  # without its segmentation networks
    from DFAD_mnist import train
    from network.gan import GeneratorA
    from network.lenet import LeNet5, LeNet5Half

    torch.manual_seed(0)
    teacher, student = LeNet5().eval(), LeNet5Half()
    generator = GeneratorA(nz=LATENTS, nc=1, img_size=32)
    ours = DFAD(
        loss_adv=AdversarialLoss(1.0, 'l1', agreement_mask=False),
        loss_kd=KDLoss('l1'),
        g_steps=1,
        kd_steps=5,
        **our_parts(teacher, student, generator, LATENTS, channels=1),
    ).train()
    sgd: dict[str, Any] = dict(lr=0.01, weight_decay=1e-4, momentum=0.9)
    wrapper = our_wrapper(
        ours,
        generator=dict(optimizer=dict(type=Adam, lr=1e-3)),
        student=dict(optimizer=dict(sgd, type=SGD)),
    )
    mine = dict(generator=ours.generator.network, student=ours.student.network.network)
    other = dict(generator=generator, student=student)
    optimizers = dict(
        generator=Adam(generator.parameters(), lr=1e-3), student=SGD(student.parameters(), **sgd)
    )
    steps = {
        key: (Steps(optimizers[key], other[key]), Steps(wrapper[key].optimizer, mine[key]))
        for key in other
    }
    table = Table('DFAD')
    labels = torch.zeros(BATCH, dtype=torch.int64)
    args = SimpleNamespace(epoch_itrs=ROUNDS, batch_size=BATCH, nz=LATENTS, verbose=False)
    pair = [optimizers['student'], optimizers['generator']]
    torch.manual_seed(1)
    distances: list[Any] = []
    with mock.patch('torch.nn.functional.l1_loss', recorded(l1_loss, distances)):
        train(args, teacher, student, generator, torch.device('cpu'), pair, epoch=0)
    torch.manual_seed(1)
    losses: list[Any] = []
    ours.parse_losses = recorded(ours.parse_losses, losses)
    for _ in range(ROUNDS):
        # Theirs begins with the student: ours, in that order, by the same two methods.
        for step in range(ours.kd_steps):
            ours.student_step(ours.sample(step, labels), wrapper['student'])
        ours.synthesize(labels, wrapper)
    assert len(distances) == ROUNDS * 6
    # The generator's loss is the distance's negative.
    found = [abs(float(value)) for value in distances]
    table.compare('losses', found, [abs(float(loss)) for loss, _ in losses])
    for key, (left, right) in steps.items():
        assert len(left.gradients) == ROUNDS * (5 if key == 'student' else 1)
        table.compare(f"{key}'s gradients", left.gradients, right.gradients)
        table.compare(f"{key}'s weights", weights(other[key]), weights(mine[key]))
    table.compare(
        "the generator's batch norms",
        dict(generator.named_buffers()),
        dict(ours.generator.network.named_buffers()),
    )
    table.finish()


command = as_command(main)

if __name__ == '__main__':
    command()
