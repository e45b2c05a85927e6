"""CMI beside its public code: ``python projects/parity/cmi.py --peer DIR``.

DIR is a clone of zju-vipa/CMI. Both invert the same teacher for some rounds from the same
generators, latents, classes and views, with their memories, discriminators and its optimiser.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from inversion_family import (
    DoublePreprocessor,
    Table,
    our_network,
    parse_peer,
    recorded_losses,
    recorded_noise,
    supply,
    wake,
)
from mmengine.optim import OptimWrapper
from torch import Tensor
from torch.optim import SGD, Adam

from mmdfkd.cli.command import as_command
from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor
from mmdfkd.models.distillers import CMI
from mmdfkd.models.distillers import cmi as our_module
from mmdfkd.models.generators import UnconditionalGenerator
from mmdfkd.models.losses import (
    AdversarialLoss,
    BNStatisticsLoss,
    ClassConditionLoss,
    ContrastiveInversionLoss,
    KDLoss,
)
from mmdfkd.models.memories import ImageMemory
from mmdfkd.models.utils import RandomResizedCrop, ShiftFlip

BATCH = 10
STEPS = 3
ROUNDS = 3
LATENTS = 32
HEAD = 16
BANK = 20 * BATCH  # never full: theirs forgets all in the round that fills it
LR = 1e-3
WEIGHTS = dict(adv=0.5, bn=1.0, oh=1.0, cr=0.8, cr_T=0.1)
#: Their names of our generator's and discriminator's layers.
LAYERS = {
    'dense': 'l1.0',
    'first_norm': 'conv_blocks.0',
    'convs.0': 'conv_blocks.2',
    'norms.0': 'conv_blocks.3',
    'convs.1': 'conv_blocks.6',
    'norms.1': 'conv_blocks.7',
    'to_pixels': 'conv_blocks.9',
    'hidden': 'head.0',
    'embedding': 'head.2',
}


def their_name(name: str) -> str:
    """Return the peer's name of a weight or buffer of ours."""
    layer, kind = name.rsplit('.', 1)
    return f'{LAYERS[layer]}.{kind}'


def copy_weights(state: dict[str, Tensor], ours: Any) -> None:
    """Give our network the peer's weights and buffers."""
    for name, value in ours.state_dict().items():
        value.copy_(state[their_name(name)])


def gradients_of(optimizer: Any, network: Any, found: dict[str, Tensor]) -> None:
    """Note the network's gradients, by name, that the optimiser's latest step used."""

    def note(*_: Any) -> None:
        found.update({name: p.grad.clone() for name, p in network.named_parameters()})

    optimizer.register_step_pre_hook(note)


def our_distiller(networks: tuple[Any, Any], statistics: dict) -> Any:
    """Return ours of the peer's networks and weights."""
    return CMI(
        teacher=our_network(networks[0]),
        student=our_network(networks[1]),
        data_preprocessor=DoublePreprocessor(**statistics),
        memory=ImageMemory(ROUNDS * BATCH),
        loss_kd=KDLoss(temperature=20.0),
        generator=dict(
            type=UnconditionalGenerator, latent_dim=LATENTS, base_channels=16, pixel_norm=False
        ),
        optimizer=dict(type=Adam, lr=LR, betas=(0.5, 0.999)),
        inversion_steps=STEPS,
        loss_ce=ClassConditionLoss(WEIGHTS['oh']),
        loss_bn=BNStatisticsLoss(WEIGHTS['bn']),
        loss_cr=ContrastiveInversionLoss(WEIGHTS['cr'], WEIGHTS['cr_T']),
        loss_adv=AdversarialLoss(WEIGHTS['adv']),
        global_view=[ShiftFlip(pad=4)],
        local_view=[RandomResizedCrop(), ShiftFlip(pad=0)],
        head_dim=HEAD,
        bank_size=BANK,
        num_negatives=BANK,
    ).train()


def main() -> None:
    """Run."""
    parse_peer('https://github.com/zju-vipa/CMI', 'datafree/synthesis/contrastive.py')
    supply()
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder))


def run(folder: Path) -> None:
    """Run both and print the table."""
    import datafree
    import registry
    from datafree.models.generator import Generator
    from datafree.synthesis import contrastive as module

    torch.manual_seed(0)
    networks = tuple(wake(registry.get_model('wrn16_1', num_classes=10)) for _ in range(2))
    normalizer = datafree.utils.Normalizer(**registry.NORMALIZE_DICT['cifar10'])
    statistics = {key: [255 * v for v in getattr(normalizer, key)] for key in ('mean', 'std')}
    ours = our_distiller(networks, statistics)  # a copy of theirs, before it has hooks
    generator = Generator(nz=LATENTS, ngf=16, img_size=32, nc=3)
    peer = module.CMISynthesizer(
        *networks,
        generator,
        nz=LATENTS,
        num_classes=10,
        img_size=(3, 32, 32),
        bank_size=BANK,
        n_neg=BANK,
        head_dim=HEAD,
        iterations=STEPS,
        lr_g=LR,
        synthesis_batch_size=BATCH,
        save_dir=str(folder / 'pool'),
        normalizer=normalizer,
        **WEIGHTS,
    )
    copy_weights(peer.head.state_dict(), ours.head)
    head = dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=LR))
    student = dict(type=OptimWrapper, optimizer=dict(type=SGD, lr=0.1))
    wrapper = MultiOptimWrapperConstructor(dict(head=head, student=student))(ours)
    table = Table('CMI')
    head_gradients: tuple[dict, dict] = {}, {}
    gradients_of(peer.optimizer_head, peer.head, head_gradients[0])
    gradients_of(wrapper['head'].optimizer, ours.head, head_gradients[1])
    compare_student(table, datafree, networks[1], ours)

    for number in range(ROUNDS):
        # The views of a round are the same in all its steps: the features that theirs keeps
        # are those of the best step's views, and ours those of new views of its images.
        torch.manual_seed(number)
        draws = {
            id(view): torch.rand(BATCH, view.num_draws)
            for view in (ours.global_view, ours.local_view)
        }

        def look(pixels: Tensor, view: Any, draws: dict = draws) -> Tensor:
            return ours.normalize(view(pixels, draws[id(view)]))

        peer.aug = lambda images, look=look: tuple(
            look(images * 255, view) for view in (ours.global_view, ours.local_view)
        )
        one_round(table, module, peer, ours, wrapper, look)
        for theirs_of, ours_of, name in (
            (*head_gradients, "discriminator's gradients"),
            (peer.head.state_dict(), ours.head.state_dict(), "discriminator's weights"),
        ):
            for key, value in ours_of.items():
                table.compare(name, theirs_of[their_name(key)], value)
        kept = len(ours.bank)
        assert kept == BATCH * (number + 1)
        table.compare('features kept', peer.mem_bank.data[:kept], ours.bank.features[:kept])
    table.finish()


def one_round(
    table: Table, module: Any, peer: Any, ours: Any, wrapper: Any, look: Callable[..., Tensor]
) -> None:
    """Make one batch on both sides and compare it."""
    targets = torch.arange(BATCH) % 10
    start: dict[str, Tensor] = {}
    reset = module.reset_model
    their_losses: list[float] = []
    our_losses: list[float] = []
    latents: list[Tensor] = []

    def noting_reset(network: Any) -> None:
        reset(network)
        start.update({name: value.clone() for name, value in network.state_dict().items()})

    made: list[Any] = []

    def same_start(network: Any) -> None:
        copy_weights(start, network)
        made.append(network)

    torch.manual_seed(7)
    with (
        mock.patch.object(module, 'reset_model', noting_reset),
        mock.patch.object(module, 'DataIter'),
        recorded_noise(1.0, latents),
        recorded_losses(their_losses),
    ):
        images = peer.synthesize(targets)['synthetic']
    torch.manual_seed(7)  # the latents are both's first draw
    remembered: list[Tensor] = []
    with (
        mock.patch.object(our_module, 'dcgan_init', same_start),
        mock.patch.object(ours, '_view', look),
        mock.patch.object(ours, 'remember', lambda images, _: remembered.append(images)),
        recorded_noise(1.0, latents),
        recorded_losses(our_losses),
    ):
        ours.synthesize(targets, wrapper)
    assert len(their_losses) == STEPS
    table.compare('losses', their_losses, our_losses)
    table.compare('images kept', images * 255, remembered[0])
    theirs_z, ours_z = latents[0], latents[-1]
    table.compare("latents' gradients in the last step", theirs_z.grad, ours_z.grad)
    table.compare('latents after the last step', theirs_z, ours_z)
    weights = dict(peer.generator.named_parameters())
    for name, weight in made[0].named_parameters():
        other = weights[their_name(name)]
        table.compare("generator's weights after the last step", other, weight)
        # A bias before a batch norm has none but rounding's: the norm takes it out.
        if name != 'dense.bias':
            table.compare("generator's gradients in the last step", other.grad, weight.grad)


def compare_student(table: Table, datafree: Any, network: Any, ours: Any) -> None:
    """Compare the student's loss and gradients on one batch."""
    inputs, teacher_logits = torch.randn(BATCH, 3, 32, 32), torch.randn(BATCH, 10) * 5
    mine = ours.student.network
    theirs_loss = datafree.criterions.KLDiv(T=20)(network(inputs), teacher_logits)
    mine.eval()  # as theirs is
    our_loss = ours.student_losses(inputs, teacher_logits)['loss_kd']
    mine.train()
    table.compare("student's loss", theirs_loss, our_loss)
    pairs = zip(network.parameters(), mine.parameters(), strict=True)
    for left, right in pairs:
        (gradient,) = torch.autograd.grad(theirs_loss, left, retain_graph=True)
        (own,) = torch.autograd.grad(our_loss, right, retain_graph=True)
        table.compare("student's gradients", gradient, own)


command = as_command(main)

if __name__ == '__main__':
    command()
