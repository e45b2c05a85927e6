"""NAYER beside its public code: ``python projects/parity/nayer.py --peer DIR``.

Both invert with the same generator, label codes, noise, networks, classes and crops for some
rounds of two inversions.
"""

import contextlib
import copy
import io
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from fast_family import (
    ADAM,
    BATCH,
    ROUNDS,
    STEPS,
    WEIGHTS,
    average_of,
    backward_losses,
    copy_generator,
    difference,
    finish,
    our_parts,
    our_wrapper,
    parse_peer,
    peer_networks,
    recorded_views,
    supply,
    their_name,
)
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_pre_hook

from mmdfkd.cli.command import as_command
from mmdfkd.models.distillers import NAYER
from mmdfkd.models.generators import NoisyLabelGenerator

CODE_DIM, NOISE_DIM, CHANNELS = 24, 32, 16
INVERSIONS = 2


def compare(folder: Path, worst: dict[str, float]) -> None:
    """Run both for some rounds and note the greatest differences in ``worst``."""
    import registry
    from datafree import synthesis
    from datafree.models.generator import NLGenerator
    from datafree.utils import Normalizer

    torch.manual_seed(0)
    teacher, student = peer_networks(registry)
    # Theirs is in training mode from a round's second inversion on, by an oversight.
    student.eval().train = lambda mode=True: student
    ours: Any = NAYER(
        generator=dict(
            type=NoisyLabelGenerator,
            num_classes=10,
            code_dim=CODE_DIM,
            noise_dim=NOISE_DIM,
            base_channels=CHANNELS,
        ),
        inversions=INVERSIONS,
        generator_life=ROUNDS,
        **our_parts(teacher, student, folder),
    )
    codes = torch.randn(10, CODE_DIM)  # as those of a text model: of no form
    ours.generator.codes.copy_(codes)
    generator = NLGenerator(
        ngf=CHANNELS,
        nl=10,
        label_emb=codes,
        le_emb_size=NOISE_DIM,
        le_size=CODE_DIM,
        sbz=BATCH,
    )
    generator.reinit = lambda: generator  # it would draw new weights before the first round
    peer = synthesis.NAYER(
        teacher,
        student,
        generator,
        num_classes=10,
        img_size=(3, 32, 32),
        g_steps=STEPS,
        lr_g=ADAM['lr'],
        synthesis_batch_size=BATCH,
        save_dir=str(folder / 'pool'),
        normalizer=Normalizer(**registry.NORMALIZE_DICT['cifar10']),
        warmup=0,
        bn_mmt=0.9,
        g_life=ROUNDS,
        g_loops=INVERSIONS,
        **WEIGHTS,
    )

    views: list[Tensor] = []
    noise: list[list[Tensor]] = []
    starts: list[dict[str, Tensor]] = []
    peer.aug = recorded_views(peer, views)
    draw, generate = generator.re_init_le, peer.generate_ys

    def recorded_noise() -> None:
        draw()
        weight = torch.stack([layer.weight.t() for layer in generator.le1]).detach().clone()
        bias = torch.stack([layer.bias[None] for layer in generator.le1]).detach().clone()
        noise.append([weight.requires_grad_(), bias.requires_grad_()])
        starts.append(copy.deepcopy(generator.state_dict()))

    def their_noise(_: int) -> list[Tensor]:
        copy_generator(starts.pop(0), ours.generator)  # Adam's first step takes rounding for signs
        return noise.pop(0)

    classes: list[Tensor] = []

    def recorded_classes(**kwargs: Any) -> Any:
        if len(classes) % INVERSIONS == 0:
            made = generate(**kwargs)
            classes.append(made[0])
            return made
        classes.append(classes[-1])  # ours has the same classes in all inversions of a round
        return classes[-1], torch.nn.functional.one_hot(classes[-1], 10).to(codes)

    generator.re_init_le, peer.generate_ys = recorded_noise, recorded_classes
    ours._draws = lambda _: views.pop(0)
    ours.generator.draw_noise = their_noise
    wrapper = our_wrapper(ours)

    def note(name: str, theirs: Any, ours: Any) -> None:
        worst[name] = max(worst[name], difference(theirs, ours))

    gradients: list[list[Tensor]] = []

    def keep(optimizer: Any, *_: Any) -> None:
        if isinstance(optimizer, torch.optim.Adam):
            gradients.append([p.grad.clone() for p in optimizer.param_groups[0]['params']])

    names = [name for name, _ in ours.generator.named_parameters()]
    register_optimizer_step_pre_hook(keep)
    for _ in range(ROUNDS):
        their_losses: list[float] = []
        our_losses: list[float] = []
        with backward_losses(their_losses), contextlib.redirect_stdout(io.StringIO()):
            made, *_ = peer.synthesize()
        their_gradients, gradients[:] = list(gradients), []
        remembered: list[Tensor] = []
        ours.remember = lambda images, _, to=remembered: to.append(images)
        with backward_losses(our_losses):
            logs = ours.synthesize(classes[-1], wrapper)
        ours.rounds.add(1)
        assert not views, 'both should take as many views'
        assert any(float(log['loss_adv']) for log in logs), 'the two should agree on an image'
        note('losses of the steps', their_losses, our_losses)
        for theirs, mine_too in zip(made['synthetic'], remembered, strict=True):
            note('images', theirs * 255, mine_too)
        for theirs, step in zip(their_gradients, gradients, strict=True):
            named = dict(zip((k for k, _ in generator.named_parameters()), theirs, strict=True))
            noisy = torch.stack([v.t() for k, v in named.items() if 'le1' in k and 'weight' in k])
            note('gradients of the noise', noisy, step[-2])
            for name, mine_too in zip(names, step[:-2], strict=True):
                # A bias before a batch norm has none but rounding's: the norm takes it out.
                if not name.endswith('dense.bias'):
                    note('gradients of the weights', named[their_name(name)], mine_too)
        gradients.clear()
        note('running average of BN statistics', average_of(peer.hooks), ours.loss_bn.average)


def main() -> None:
    """Run."""
    parse_peer('NAYER', 'https://github.com/tmtuan1307/NAYER')
    supply()
    import datafree.synthesis.nayer as module

    module.DataIter = lambda loader: None  # no worker processes
    worst: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), worst)
    finish('NAYER', worst)


command = as_command(main)

if __name__ == '__main__':
    command()
