"""DAFL beside its public code: ``python projects/parity/dafl.py --peer DIR``.

The very statements of ``DAFL-train.py`` run: those before its loop, and some times the body of
its innermost loop over batches, with its options for CIFAR-10.
"""

import ast
import io
import math
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torchvision
from live_family import (
    Steps,
    Table,
    our_parts,
    our_wrapper,
    parse_peer,
    recorded,
    wake_batch_norms,
    weights,
    without_gpu,
)
from torch.optim import SGD, Adam

from mmdfkd.cli.command import as_command
from mmdfkd.models.distillers import DAFL
from mmdfkd.models.losses import (
    ActivationLoss,
    InformationEntropyLoss,
    KDLoss,
    PseudoLabelLoss,
)

ROUNDS = 3
OPTIONS: dict[str, Any] = dict(
    dataset='cifar10', channels=3, batch_size=8, lr_G=0.02, lr_S=0.1, latent_dim=20, oh=0.05, a=0.01
)


def their_script(folder: Path, teacher: Any) -> tuple[dict[str, Any], Any]:
    """Run their script up to its loop; return its names and the code of one batch."""
    script = folder / 'DAFL-train.py'
    tree = ast.parse(script.read_text())
    place = next(i for i, node in enumerate(tree.body) if isinstance(node, ast.For))
    batches = next(node for node in tree.body[place].body if isinstance(node, ast.For))  # type: ignore[attr-defined]
    start = compile(ast.Module(tree.body[:place], []), str(script), 'exec')
    batch = compile(ast.Module(batches.body, []), str(script), 'exec')
    names: dict[str, Any] = {'__name__': 'peer'}
    arguments = [str(part) for key, value in OPTIONS.items() for part in (f'--{key}', value)]
    with (
        mock.patch('sys.argv', [str(script), *arguments]),
        mock.patch.object(torchvision.datasets, 'CIFAR10', return_value=[0]),
        mock.patch('torch.load', return_value=teacher),
    ):
        exec(start, names)
    return names, batch


def main() -> None:
    """Run."""
    folder = parse_peer('DAFL', 'https://github.com/huawei-noah/Efficient-Computing')
    nested = folder / 'Data-Efficient-Model-Compression/DAFL'
    folder = nested if nested.is_dir() else folder
    sys.path.insert(0, str(folder))
    without_gpu()
    torch.manual_seed(0)
    import resnet

    # Shallow, for a CPU; the student is theirs for CIFAR-10.
    teacher = wake_batch_norms(resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1]))
    theirs, batch = their_script(folder, teacher)
    generator, student = theirs['generator'].module, theirs['net'].module
    ours = DAFL(
        loss_pseudo_label=PseudoLabelLoss(OPTIONS['oh']),
        loss_entropy=InformationEntropyLoss(5 / math.log(10)),
        loss_act=ActivationLoss(OPTIONS['a']),
        loss_kd=KDLoss('kl', temperature=1.0),
        g_steps=1,
        kd_steps=1,
        **our_parts(teacher, student, generator, OPTIONS['latent_dim'], OPTIONS['channels']),
    ).train()
    student_optimizer = dict(type=SGD, lr=OPTIONS['lr_S'], momentum=0.9, weight_decay=5e-4)
    wrapper = our_wrapper(
        ours,
        generator=dict(optimizer=dict(type=Adam, lr=OPTIONS['lr_G'])),
        student=dict(optimizer=student_optimizer),
    )
    mine = dict(generator=ours.generator.network, student=ours.student.network.network)
    other = dict(generator=generator, student=student)
    optimizers = dict(generator=theirs['optimizer_G'], student=theirs['optimizer_S'])
    steps = {
        key: (Steps(optimizers[key], other[key]), Steps(wrapper[key].optimizer, mine[key]))
        for key in other
    }
    losses: list[Any] = []
    ours.parse_losses = recorded(ours.parse_losses, losses)
    labels = torch.zeros(OPTIONS['batch_size'], dtype=torch.int64)
    table = Table('DAFL')
    for number in range(ROUNDS):
        scope: dict[str, Any] = {}
        torch.manual_seed(number)
        with redirect_stdout(io.StringIO()):
            exec(batch, theirs | {'i': number, 'epoch': 0}, scope)
        torch.manual_seed(number)  # the latents are both's first draw
        ours.train_step({'label': labels}, wrapper)
        (_, generator_log), (_, student_log) = losses[-2:]
        for name, found, weight in (
            ('pseudo_label', 'loss_one_hot', OPTIONS['oh']),
            ('entropy', 'loss_information_entropy', 5.0),
            ('act', 'loss_activation', OPTIONS['a']),
        ):
            table.compare('losses', scope[found].detach() * weight, generator_log[f'loss_{name}'])
        table.compare('losses', scope['loss_kd'].detach(), student_log['loss_kd'])
        for key in other:
            table.compare(f"{key}'s weights", weights(other[key]), weights(mine[key]))
            table.compare(
                f"{key}'s batch norms",
                dict(other[key].named_buffers()),
                dict(mine[key].named_buffers()),
            )
    for key, (left, right) in steps.items():
        assert len(left.gradients) == ROUNDS
        table.compare(f"{key}'s gradients", left.gradients, right.gradients)
    table.finish()


command = as_command(main)

if __name__ == '__main__':
    command()
