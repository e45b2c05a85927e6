"""DFQ beside its public code: ``python projects/parity/dfq.py --peer DIR``.

DIR is a clone of zju-vipa/CMI, whose DFQ is the one of the field's tables. Its synthesizer and its
function ``train`` run for some rounds. Its generator stays in train mode where the student's images
are made, as ours does; docs/results/parity.md names this difference.
"""

from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from live_family import (
    Steps,
    Table,
    our_parts,
    our_wrapper,
    parse_peer,
    recorded,
    supply,
    wake_batch_norms,
    weights,
)
from torch.optim import SGD, Adam

from mmdfkd.cli.command import as_command
from mmdfkd.models.distillers import DFQ
from mmdfkd.models.losses import (
    AdversarialLoss,
    BNStatisticsLoss,
    InformationEntropyLoss,
    KDLoss,
    PseudoLabelLoss,
)

ROUNDS = 3
KD_STEPS = 4
BATCH = 16
LATENTS = 20
WEIGHTS = dict(adv=1.0, bn=1.0, oh=1.0, balance=20.0)  # of their script for WRN-40-2 -> WRN-16-1


def main() -> None:
    """Run."""
    parse_peer('DFQ', 'https://github.com/zju-vipa/CMI')
    supply('kornia', augmentation=None)  # of its CMI
    # Torchvision has no such module any more.
    supply('torchvision.models.utils', load_state_dict_from_url=None)
    import datafree
    import datafree_kd
    from datafree.models.classifiers.wresnet import wrn_16_1, wrn_16_2
    from datafree.models.generator import LargeGenerator

    torch.manual_seed(0)
    teacher = wake_batch_norms(wrn_16_2(num_classes=10)).eval()
    student = wrn_16_1(num_classes=10)
    generator = LargeGenerator(LATENTS, ngf=8, img_size=32, nc=3)
    synthesizer = datafree.synthesis.GenerativeSynthesizer(
        teacher=teacher,
        student=student,
        generator=generator,
        nz=LATENTS,
        img_size=(3, 32, 32),
        lr_g=1e-3,
        synthesis_batch_size=BATCH,
        sample_batch_size=BATCH,
        criterion=datafree.criterions.KLDiv(),
        normalizer=lambda images, reverse=False: images,
        **WEIGHTS,
    )
    ours = DFQ(
        loss_adv=AdversarialLoss(WEIGHTS['adv'], 'kl', agreement_mask=False),
        loss_bn=BNStatisticsLoss(WEIGHTS['bn']),
        loss_instance=PseudoLabelLoss(WEIGHTS['oh']),
        loss_batch=InformationEntropyLoss(WEIGHTS['balance']),
        loss_kd=KDLoss('kl', temperature=1.0),
        g_steps=1,
        kd_steps=KD_STEPS,
        **our_parts(teacher, student, generator, LATENTS, channels=3),
    ).train()
    sgd: dict[str, Any] = dict(lr=0.1, weight_decay=1e-4, momentum=0.9)
    wrapper = our_wrapper(
        ours,
        generator=dict(optimizer=dict(type=Adam, lr=1e-3, betas=(0.5, 0.999))),
        student=dict(optimizer=dict(sgd, type=SGD)),
    )
    mine = dict(generator=ours.generator.network, student=ours.student.network.network)
    other = dict(generator=generator, student=student)
    optimizers = dict(generator=synthesizer.optimizer, student=SGD(student.parameters(), **sgd))
    steps = {
        key: (Steps(optimizers[key], other[key]), Steps(wrapper[key].optimizer, mine[key]))
        for key in other
    }
    args = SimpleNamespace(
        kd_steps=KD_STEPS, gpu=None, fp16=False, print_freq=0, autocast=datafree.utils.dummy_ctx
    )
    divergences: list[Any] = []
    criterion = datafree.criterions.KLDiv()
    synthesizer.criterion = student_criterion = recorded(criterion, divergences)
    losses: list[Any] = []
    ours.parse_losses = recorded(ours.parse_losses, losses)
    labels = torch.zeros(BATCH, dtype=torch.int64)
    table = Table('DFQ')
    with mock.patch.object(generator, 'eval', return_value=generator):
        for number in range(ROUNDS):
            torch.manual_seed(number)
            synthesizer.synthesize()
            pair = (student, teacher)
            datafree_kd.train(synthesizer, pair, student_criterion, optimizers['student'], args)
            torch.manual_seed(number)
            ours.train_step({'label': labels}, wrapper)
            for key in other:
                table.compare(f"{key}'s weights", weights(other[key]), weights(mine[key]))
                table.compare(
                    f"{key}'s batch norms",
                    dict(other[key].named_buffers()),
                    dict(mine[key].named_buffers()),
                )
    # The adversary's loss is the divergence's negative.
    found = [abs(float(value)) for value in divergences]
    logs = [log for _, log in losses]
    ours_found = [abs(float(log.get('loss_adv', log.get('loss_kd')))) for log in logs]
    assert len(found) == ROUNDS * (1 + KD_STEPS)
    table.compare('divergences', found, ours_found)
    for key, (left, right) in steps.items():
        assert len(left.gradients) == ROUNDS * (KD_STEPS if key == 'student' else 1)
        table.compare(f"{key}'s gradients", left.gradients, right.gradients)
    table.finish()


command = as_command(main)

if __name__ == '__main__':
    command()
