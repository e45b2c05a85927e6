"""ZSKT beside its public code: ``python projects/parity/zskt.py --peer DIR``.

``ZeroShotKTSolver.run`` runs for some batches of one generator step and ten student steps, with
attention transfer and clipping. Its student is put in eval mode for the generator's steps, as
ours is; README.md names this difference.
"""

from types import SimpleNamespace
from typing import Any

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
from torch.optim import Adam

from mmdfkd.cli.command import as_command
from mmdfkd.models.distillers import ZSKT
from mmdfkd.models.losses import AdversarialLoss, AttentionTransferLoss, KDLoss

ROUNDS = 2
CLASSES = 10
ARGS = SimpleNamespace(
    dataset='CIFAR10',
    total_n_pseudo_batches=ROUNDS,
    n_generator_iter=1,
    n_student_iter=10,
    batch_size=8,
    z_dim=20,
    KL_temperature=1,
    AT_beta=250,
    log_freq=1000,
    save_n_checkpoints=0,
    save_final_model=False,
    device='cpu',
)


def their_solver(teacher: Any, student: Any) -> tuple[Any, dict[str, list]]:
    """Make their solver without data, files and logs; return it and what its losses will be."""
    from solver import ZeroShotKTSolver
    from utils.loaders import LearnableLoader

    class Loader(LearnableLoader):
        """Theirs, which also sets the student's mode before each step."""

        def __next__(self) -> Any:
            done = self._running_repeat_batch_idx % self.n_repeat_batch
            student.train(done >= ARGS.n_generator_iter)
            return super().__next__()

    solver = object.__new__(ZeroShotKTSolver)
    solver.args = ARGS
    solver.teacher, solver.student = teacher, student
    solver.n_repeat_batch = ARGS.n_generator_iter + ARGS.n_student_iter
    solver.generator = Loader(ARGS, solver.n_repeat_batch)
    solver.optimizer_generator = Adam(solver.generator.parameters(), lr=1e-3)
    solver.optimizer_student = Adam(student.parameters(), lr=2e-3)
    for key in ('generator', 'student'):  # constant rates here
        optimizer = getattr(solver, f'optimizer_{key}')
        constant = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 1.0)
        setattr(solver, f'scheduler_{key}', constant)
    solver.n_pseudo_batches = 0
    solver.test = lambda: 0.0
    losses: dict[str, list] = dict(generator=[], student=[])
    for key, name in (('generator', 'KT_loss_generator'), ('student', 'KT_loss_student')):
        setattr(solver, name, recorded(getattr(solver, name), losses[key]))
    return solver, losses


def main() -> None:
    """Run."""
    parse_peer('ZSKT', 'https://github.com/polo5/ZeroShotKnowledgeTransfer')
    supply('utils.logger')  # TensorFlow's
    torch.manual_seed(0)
    from models.wresnet import WideResNet

    teacher = wake_batch_norms(WideResNet(16, CLASSES, 2)).eval()
    student = wake_batch_norms(WideResNet(16, CLASSES, 1))
    solver, losses = their_solver(teacher, student)
    generator = solver.generator.generator
    layers = [f'network.block{number}' for number in (1, 2, 3)]
    ours = ZSKT(
        # Their divergence is a mean over classes, too.
        loss_adv=AdversarialLoss(1 / CLASSES, 'kl', agreement_mask=False),
        loss_kd=KDLoss('kl', temperature=1.0, loss_weight=1 / CLASSES),
        loss_at=AttentionTransferLoss(ARGS.AT_beta),
        teacher_layers=layers,
        student_layers=layers,
        g_steps=ARGS.n_generator_iter,
        kd_steps=ARGS.n_student_iter,
        **our_parts(teacher, student, generator, ARGS.z_dim, channels=3),
    ).train()
    clip = dict(max_norm=5.0)
    wrapper = our_wrapper(
        ours,
        generator=dict(optimizer=dict(type=Adam, lr=1e-3), clip_grad=clip),
        student=dict(optimizer=dict(type=Adam, lr=2e-3), clip_grad=clip),
    )
    mine = dict(generator=ours.generator.network, student=ours.student.network.network)
    other = dict(generator=generator, student=student)
    optimizers = dict(generator=solver.optimizer_generator, student=solver.optimizer_student)
    steps = {
        key: (Steps(optimizers[key], other[key]), Steps(wrapper[key].optimizer, mine[key]))
        for key in other
    }
    parsed: list[Any] = []
    ours.parse_losses = recorded(ours.parse_losses, parsed)
    torch.manual_seed(1)
    solver.generator.z = torch.randn(ARGS.batch_size, ARGS.z_dim)
    solver.run()
    torch.manual_seed(1)
    for _ in range(ROUNDS):
        ours.train_step({'label': torch.zeros(ARGS.batch_size, dtype=torch.int64)}, wrapper)

    our_losses: dict[str, list] = dict(generator=[], student=[])
    for loss, log in parsed:
        our_losses['generator' if 'loss_adv' in log else 'student'].append(loss.detach())

    table = Table('ZSKT')
    for key, (left, right) in steps.items():
        assert len(left.gradients) == ROUNDS * (10 if key == 'student' else 1)
        table.compare(f"{key}'s losses", [loss.detach() for loss in losses[key]], our_losses[key])
        table.compare(f"{key}'s gradients, clipped", left.gradients, right.gradients)
        table.compare(f"{key}'s weights", weights(other[key]), weights(mine[key]))
    table.compare(
        "the student's batch norms",
        dict(student.named_buffers()),
        dict(mine['student'].named_buffers()),
    )
    table.finish()


command = as_command(main)

if __name__ == '__main__':
    command()
