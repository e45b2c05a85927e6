"""DeepInversion and ADI beside public code: ``python projects/parity/deepinversion.py --peer DIR``.

DIR is a clone of the authors' NVlabs/DeepInversion, whose CIFAR-10 and ImageNet loops run for some
steps, or of zju-vipa/CMI, whose port of it makes some batches.
"""

import contextlib
import importlib
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from inversion_family import (
    DoublePreprocessor,
    Table,
    TorchRandom,
    our_network,
    parse_peer,
    recorded_losses,
    recorded_noise,
    supply,
    wake,
)
from torch import Tensor
from torch.optim import Adam

from mmdfkd.cli.command import as_command
from mmdfkd.models.distillers import DeepInversion
from mmdfkd.models.losses import (
    BNStatisticsLoss,
    ClassConditionLoss,
    CompetitionLoss,
    ImageNormLoss,
    KDLoss,
    NeighbourVariationLoss,
)
from mmdfkd.models.memories import ImageMemory

BATCH = 6
STEPS = 6
CIFAR = dict(mean=[125.307, 122.961, 113.8575], std=[51.5865, 50.847, 51.255])
IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])


class EndOfSteps(Exception):  # noqa: N818 (no error)
    """Ends their loop, whose number of steps is fixed."""


def compare(
    title: str,
    networks: tuple[Any, Any],
    theirs: Any,
    statistics: dict,
    optimizer: dict,
    losses: dict,
    noise: float,
    **numbers: Any,
) -> None:
    """Run ``theirs(targets) -> (variables, images or None)`` and ours from the same noise."""
    ours = DeepInversion(
        teacher=our_network(networks[0]),
        student=our_network(networks[1]),
        data_preprocessor=DoublePreprocessor(**statistics),
        image_shape=(3, 32, 32),
        memory=ImageMemory(BATCH),
        loss_kd=KDLoss(),
        inversion_steps=STEPS,
        optimizer=optimizer,
        **losses,
        **numbers,
    ).train()
    table = Table(title)
    targets = torch.arange(BATCH) % 10
    their_losses: list[float] = []
    our_losses: list[float] = []
    noted: list[Tensor] = []
    torch.manual_seed(1)
    with recorded_noise(noise, noted), recorded_losses(their_losses):
        variables, kept = theirs(targets)
    torch.manual_seed(1)
    remembered: list[Tensor] = []
    with (
        recorded_noise(noise, noted),
        recorded_losses(our_losses),
        mock.patch.object(ours, 'remember', lambda images, _: remembered.append(images)),
    ):
        ours.synthesize(targets, SimpleNamespace())  # type: ignore[arg-type]
    mine = noted[-1]
    with torch.no_grad():  # theirs, too, ends with a clamp where it has one
        projected = ours.normalize(ours.denormalize(mine).clamp(0, 255))
    assert len(their_losses) == STEPS
    table.compare('losses', their_losses, our_losses)
    table.compare("images' gradients in the last step", variables.grad, mine.grad)
    table.compare('images after the last step', variables, projected)
    best = min(range(STEPS), key=their_losses.__getitem__)
    assert best == min(range(STEPS), key=our_losses.__getitem__)
    if kept is not None:
        table.compare('images kept', kept * 255, remembered[0])
    table.finish()


def authors_on_cifar(folder: Path, compete: float) -> None:
    """Compare with ``cifar10/deepinversion_cifar10.py``."""
    import deepinversion_cifar10 as module
    from resnet_cifar import BasicBlock, ResNet

    torch.manual_seed(0)
    teacher, student = (wake(ResNet(BasicBlock, [1, 1, 1, 1])) for _ in range(2))
    weights = dict(bn=10.0, tv=2.5e-5)

    def theirs(targets: Tensor) -> tuple[Tensor, None]:
        inputs = torch.zeros(BATCH, 3, 32, 32, requires_grad=True)
        given = iter(targets.tolist())
        jitter = TorchRandom.randint

        def randint(low: int, high: int) -> int:
            return next(given) if low == 0 else jitter(low, high)  # their labels come first

        with (
            mock.patch.object(module, 'random', SimpleNamespace(randint=randint)),
            mock.patch.object(module, 'debug_output', False),
            mock.patch.object(module.vutils, 'save_image'),
        ):
            module.get_images(
                teacher,
                bs=BATCH,
                epochs=STEPS,
                var_scale=weights['tv'],
                net_student=student,
                prefix=str(folder),
                competitive_scale=compete,
                optimizer=Adam([inputs], lr=0.05),
                inputs=inputs,
                bn_reg_scale=weights['bn'],
                random_labels=True,
            )
        return inputs, None

    losses = dict(
        loss_ce=ClassConditionLoss(),
        loss_bn=BNStatisticsLoss(weights['bn']),
        loss_tv=NeighbourVariationLoss('l2', weights['tv']),
        loss_compete=CompetitionLoss(compete) if compete else None,
    )
    title = f'NVlabs, CIFAR-10{", ADI" if compete else ""}'
    optimizer = dict(type=Adam, lr=0.05)
    # They clamp nothing: noise this small stays a picture.
    numbers: dict[str, Any] = dict(
        statistics=CIFAR, optimizer=optimizer, losses=losses, noise=0.2, jitter=2
    )
    compare(title, (teacher, student), theirs, **numbers)


def authors_on_imagenet(folder: Path, compete: float) -> None:
    """Compare with ``deepinversion.py``, at 32 pixels and a constant learning rate."""
    from resnet_cifar import BasicBlock, ResNet

    torch.manual_seed(0)
    teacher, student = (wake(ResNet(BasicBlock, [1, 1, 1, 1])) for _ in range(2))
    coefficients = dict(
        r_feature=0.05,
        first_bn_multiplier=10.0,
        tv_l1=0.01,
        tv_l2=1e-4,
        l2=1e-5,
        lr=0.25,
        main_loss_multiplier=1.0,
        adi_scale=compete,
    )
    module: Any = importlib.import_module('deepinversion')  # theirs, of this file's name
    parameters = dict(
        resolution=32,
        random_label=False,
        start_noise=True,
        detach_student=False,
        do_flip=True,
        store_best_images=False,
    )

    def schedule(*_: Any) -> Any:
        def step(optimizer: Any, number: int, __: int) -> None:
            if number == STEPS:
                raise EndOfSteps

        return step

    def theirs(targets: Tensor) -> tuple[Tensor, None]:
        made: list[Tensor] = []
        randn = torch.randn

        def noting(*args: Any, **kwargs: Any) -> Tensor:
            made.append(randn(*args[0], **kwargs))
            return made[-1]

        seed = torch.get_rng_state()
        engine = module.DeepInversionClass(
            bs=BATCH,
            use_fp16=False,
            net_teacher=teacher,
            path=f'{folder}/images',
            final_data_path=f'{folder}/final',
            parameters=parameters,
            setting_id=1,
            jitter=3,
            criterion=torch.nn.CrossEntropyLoss(),
            coefficients=coefficients,
        )
        torch.set_rng_state(seed)  # their constructor sets it to the GPU's number
        with (
            mock.patch.object(module, 'random', TorchRandom),
            mock.patch.object(module, 'lr_cosine_policy', schedule),
            mock.patch('torch.randn', noting),
            contextlib.suppress(EndOfSteps),
        ):
            engine.get_images(student if compete else None, targets)
        return made[0], None

    class TwoVariations(torch.nn.Module):
        """Both forms of the total variation."""

        def forward(self, inputs: Tensor) -> Tensor:
            """Add them up."""
            l1 = NeighbourVariationLoss('l1', coefficients['tv_l1'])
            return l1(inputs) + NeighbourVariationLoss('l2', coefficients['tv_l2'])(inputs)

    losses = dict(
        loss_ce=ClassConditionLoss(),
        loss_bn=BNStatisticsLoss(coefficients['r_feature'], first_bn_multiplier=10.0),
        loss_tv=TwoVariations(),
        loss_l2=ImageNormLoss(coefficients['l2']),
        loss_compete=CompetitionLoss(compete) if compete else None,
    )
    optimizer = dict(type=Adam, lr=0.25, betas=(0.5, 0.9))
    numbers: dict[str, Any] = dict(
        statistics=IMAGENET, optimizer=optimizer, losses=losses, jitter=3, flip=True
    )
    title = f'NVlabs, ImageNet{", ADI" if compete else ""}'
    compare(title, (teacher, student), theirs, noise=0.4, **numbers)


def port(folder: Path, compete: float) -> None:
    """Compare with CMI's ``DeepInvSyntheiszer``, without jitter: its TV is of unmoved images."""
    import registry
    from datafree.synthesis import deepinversion as module
    from datafree.utils import Normalizer

    torch.manual_seed(0)
    teacher, student = (wake(registry.get_model('wrn16_1', num_classes=10)) for _ in range(2))
    normalizer = Normalizer(**registry.NORMALIZE_DICT['cifar10'])
    statistics = {
        name: [255 * value for value in getattr(normalizer, name)] for name in ('mean', 'std')
    }

    def theirs(targets: Tensor) -> tuple[Tensor, Tensor]:
        optimizers: list[Any] = []
        adam = torch.optim.Adam

        def noting(*args: Any, **kwargs: Any) -> Any:
            optimizers.append(adam(*args, **kwargs))
            return optimizers[-1]

        copies: list[Tensor] = []
        values: list[float] = []

        def unmoved(images: Tensor) -> Tensor:
            copies.append(images.detach().clone())
            return images

        peer = module.DeepInvSyntheiszer(
            teacher,
            student,
            num_classes=10,
            img_size=(3, 32, 32),
            iterations=STEPS,
            lr_g=0.1,
            synthesis_batch_size=BATCH,
            adv=compete,
            bn=10.0,
            oh=1.0,
            tv=1e-3,
            save_dir=str(folder / f'pool{compete}'),
            normalizer=normalizer,
        )
        with (
            mock.patch.object(module, 'jitter_and_flip', unmoved),
            mock.patch.object(module, 'DataIter'),
            mock.patch('torch.optim.Adam', noting),
            recorded_losses(values),
        ):
            peer.synthesize(targets)
        for hook in peer.hooks:
            hook.remove()
        best = copies[min(range(STEPS), key=values.__getitem__)]  # not what they keep
        return optimizers[0].param_groups[0]['params'][0], normalizer(best, reverse=True)

    losses: dict[str, Any] = dict(
        loss_ce=ClassConditionLoss(),
        loss_bn=BNStatisticsLoss(10.0),
        loss_tv=NeighbourVariationLoss('l1', 1e-3),
        loss_compete=None,
    )
    if compete:

        class Negative(CompetitionLoss):
            """Theirs is -JS, not 1 - JS."""

            def forward(self, *logits: Tensor) -> Tensor:
                """Take the constant off."""
                return super().forward(*logits) - self.loss_weight

        losses['loss_compete'] = Negative(compete)
    optimizer = dict(type=Adam, lr=0.1, betas=(0.5, 0.99))
    numbers: dict[str, Any] = dict(
        statistics=statistics, optimizer=optimizer, losses=losses, jitter=0
    )
    title = f"CMI's port{', ADI' if compete else ''}"
    compare(title, (teacher, student), theirs, noise=0.4, **numbers)


def main() -> None:
    """Run."""
    url = 'https://github.com/NVlabs/DeepInversion'
    folder = parse_peer(f'{url} or https://github.com/zju-vipa/CMI', 'README.md')
    supply()
    with tempfile.TemporaryDirectory() as scratch:
        if (folder / 'datafree').is_dir():
            comparisons = [port]
        else:
            sys.path.insert(0, str(folder / 'cifar10'))
            comparisons = [authors_on_cifar, authors_on_imagenet]
        for comparison in comparisons:
            for compete in (0.0, 1.0):
                comparison(Path(scratch), compete)


command = as_command(main)

if __name__ == '__main__':
    command()
