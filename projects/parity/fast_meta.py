"""Fast-Datafree beside its public code: ``python projects/parity/fast_meta.py --peer DIR``.

Both adapt the same generator to the same networks, latents, classes and crops for some rounds,
with the meta-update of FOMAML and of Reptile.
"""

import contextlib
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

from mmdfkd.cli.command import as_command
from mmdfkd.models.distillers import FastDatafree
from mmdfkd.models.generators import UnconditionalGenerator

LATENTS = 32
LATENT_LR = 0.01


def gradients_at_step(optimizer: Any, network: Any, gradients: dict[str, Tensor]) -> None:
    """Note the network's gradients, by name, that the optimiser's step uses."""

    def note(*_: Any) -> None:
        gradients.update({k: p.grad.clone() for k, p in network.named_parameters()})

    optimizer.register_step_pre_hook(note)


def compare(meta_update: str, folder: Path, worst: dict[str, float]) -> None:
    """Run both for some rounds and note the greatest differences in ``worst``."""
    import registry
    from datafree.models.generator import Generator
    from datafree.synthesis import FastMetaSynthesizer
    from datafree.utils import Normalizer

    torch.manual_seed(0)
    teacher, student = peer_networks(registry)
    generator = Generator(nz=LATENTS, ngf=16, img_size=32, nc=3)
    peer = FastMetaSynthesizer(
        teacher,
        student,
        generator,
        nz=LATENTS,
        num_classes=10,
        img_size=(3, 32, 32),
        iterations=STEPS,
        lr_g=ADAM['lr'],
        lr_z=LATENT_LR,
        synthesis_batch_size=BATCH,
        save_dir=str(folder / 'pool'),
        normalizer=Normalizer(**registry.NORMALIZE_DICT['cifar10']),
        warmup=0,
        bn_mmt=0.9,
        is_maml=meta_update == 'fomaml',
        **WEIGHTS,
    )
    views: list[Tensor] = []
    peer.aug = recorded_views(peer, views)
    ours: Any = FastDatafree(
        generator=UnconditionalGenerator(LATENTS, base_channels=16, pixel_norm=False),
        latent_lr=LATENT_LR,
        meta_update=meta_update,
        **our_parts(teacher, student, folder),
    )
    ours._draws = lambda _: views.pop(0)
    wrapper = our_wrapper(ours)
    their_gradients: dict[str, Tensor] = {}
    our_gradients: dict[str, Tensor] = {}
    gradients_at_step(peer.meta_optimizer, generator, their_gradients)
    gradients_at_step(wrapper['generator'].optimizer, ours.generator, our_gradients)

    def note(name: str, theirs: Any, mine: Any) -> None:
        worst[name] = max(worst[name], difference(theirs, mine))

    for number in range(ROUNDS):
        # Adam's first step takes rounding for signs.
        copy_generator(generator.state_dict(), ours.generator)
        their_losses: list[float] = []
        our_losses: list[float] = []
        torch.manual_seed(number)
        with backward_losses(their_losses), contextlib.redirect_stdout(io.StringIO()):
            made, _ = peer.synthesize()
        torch.manual_seed(number)  # latents are both's first draw
        remembered: list[Tensor] = []
        ours.remember = lambda images, _, to=remembered: to.append(images)
        with backward_losses(our_losses):
            logs = ours.synthesize(peer.prev_z[1], wrapper)
        ours.rounds.add(1)
        assert not views, 'both should take as many views'
        assert len(our_losses) == STEPS + 1  # the last one carries the meta-gradient
        assert [float(log['loss']) for log in logs] == our_losses[:STEPS]
        assert any(float(log['loss_adv']) for log in logs), 'the two should agree on an image'
        note('losses of the inner steps', their_losses, our_losses[:STEPS])
        note('images', made['synthetic'] * 255, remembered[0])
        weights = dict(generator.named_parameters())
        for name, weight in ours.generator.named_parameters():
            theirs = their_name(name)
            # A bias before a batch norm has rounding's gradient only: the norm takes it out.
            if name != 'dense.bias':
                note('meta-gradients', their_gradients[theirs], our_gradients[name])
                note('weights after the meta-update', weights[theirs], weight)
        note('running average of BN statistics', average_of(peer.hooks), ours.loss_bn.average)


def main() -> None:
    """Run."""
    parse_peer('Fast-Datafree', 'https://github.com/zju-vipa/Fast-Datafree')
    supply()
    import datafree.synthesis.fast_meta as module

    module.DataIter = lambda loader: None  # no worker processes
    for meta_update in ('fomaml', 'reptile'):
        worst: dict[str, float] = defaultdict(float)
        with tempfile.TemporaryDirectory() as folder:
            compare(meta_update, Path(folder), worst)
        finish(f'Fast-Datafree, {meta_update}', worst)


command = as_command(main)

if __name__ == '__main__':
    command()
