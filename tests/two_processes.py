"""Run by torchrun: trains toy distillers and writes what each process has to a folder."""

import sys
from contextlib import contextmanager
from pathlib import Path

import torch
from mmengine.dist import get_rank, get_world_size
from mmengine.hooks import EMAHook
from toy import (
    NUM_CLASSES,
    toy_dedfkd,
    toy_network,
    toy_optim_wrapper,
    toy_parts,
    without_batch_norm,
)
from toy_run import toy_runner

from mmdfkd.engine.distributed import SeparateDataParallel, join_processes
from mmdfkd.engine.hooks import GeneratorRestartHook
from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.distillers import DAFL
from mmdfkd.models.generators import ConditionalGenerator
from mmdfkd.models.losses import (
    ActivationLoss,
    AdversarialLoss,
    InformationEntropyLoss,
    MetricLearningLoss,
    NeighbourVariationLoss,
    PixelStatisticsLoss,
    PseudoLabelLoss,
    TotalVariationLoss,
)
from mmdfkd.models.memories import ImageMemory, LabelledMemory
from mmdfkd.models.utils import gather, share

ROUNDS = 3
BATCH = 12  # of all processes
GENERATOR = dict(
    type=ConditionalGenerator, num_classes=NUM_CLASSES, latent_dim=5, image_size=8, base_channels=2
)
METRICS = dict(
    m4=dict(objective='M4', gate=0.0),
    m2=dict(objective='M2', gate=0.0),
    proxies=dict(objective='ProxyAnchorLoss', gate=0.0, num_classes=3, embedding_size=24),
    # No sample passes: data parallel must not wait for the proxies' gradients.
    none_kept=dict(objective='ProxyAnchorLoss', gate=0.999, num_classes=3, embedding_size=24),
)
METHODS = (*METRICS, 'dafl', 'accumulated', 'labelled')


def method(name, plain=ImageMemory, labelled=LabelledMemory):
    """A distiller whose generator and student have no batch norm; the teacher has."""
    teacher = toy_network(6)
    teacher(torch.rand(20, 3, 8, 8))  # running statistics that are not the initial ones
    shared = dict(
        teacher=Classifier(teacher),
        student=without_batch_norm(Classifier(toy_network(4))),
        generator=without_batch_norm(ConditionalGenerator(NUM_CLASSES, 5, 8, base_channels=2)),
        loss_adv=AdversarialLoss(divergence='relative_l1', agreement_mask=False),
        image_priors=dict(
            pixel=PixelStatisticsLoss(),
            tv=TotalVariationLoss(),
            norms=NeighbourVariationLoss('l2', 0.01),
        ),
        augment=None,
        memory=labelled(20, 2) if name == 'labelled' else plain(20),
    )
    if name == 'dafl':
        losses = (PseudoLabelLoss(), InformationEntropyLoss(), ActivationLoss())
        keys = ('loss_pseudo_label', 'loss_entropy', 'loss_act')
        return DAFL(**toy_parts(**shared, **dict(zip(keys, losses, strict=True))))
    return toy_dedfkd(**shared, loss_metric=MetricLearningLoss(**METRICS.get(name, {})))


class Unrounded:
    """Gives pixels back as they were: float error could carry one over the rounding."""

    def add(self, images):
        slots = super().add(images)
        self.unrounded = getattr(self, 'unrounded', self.images.to(images))
        self.unrounded[slots] = gather(images)
        return slots

    def __getitem__(self, slots):
        return self.unrounded[slots]


class UnroundedMemory(Unrounded, ImageMemory):
    pass


class UnroundedLabelled(Unrounded, LabelledMemory):
    pass


@contextmanager
def double_precision():
    """Rounding stays far below what the comparison allows, whatever the processor's kernels."""
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@double_precision()
def train_on_shares(name):
    """Weights and logs after rounds on this process's shares of draws made for all."""
    torch.manual_seed(0)
    model = method(name, UnroundedMemory, UnroundedLabelled)
    draws = torch.Generator().manual_seed(1)
    step = model.generator_step

    def step_on_share(_, labels, optim_wrapper):
        latents = torch.randn(BATCH, 5, generator=draws)
        return step(share(latents), labels, optim_wrapper)

    model.generator_step = step_on_share
    model.memory.draw = lambda _: share(torch.randint(len(model.memory), (BATCH,), generator=draws))
    wrapped = SeparateDataParallel(model) if get_world_size() > 1 else model
    clip_grad = dict(max_norm=0.1)
    options = dict(
        generator=dict(accumulative_counts=2, clip_grad=clip_grad),
        student=dict(clip_grad=clip_grad),
    )
    optim_wrapper = toy_optim_wrapper(wrapped, **(options if name == 'accumulated' else {}))
    labels = share(torch.arange(BATCH) % NUM_CLASSES)
    logs = [wrapped.train_step({'label': labels}, optim_wrapper) for _ in range(ROUNDS)]
    return {'state': model.state_dict(), 'logs': logs}


def run(work_dir, **kwargs):
    """Six rounds of a Runner, checkpoints every three, a restart in each half."""
    runner = toy_runner(
        work_dir,
        max_iters=6,
        checkpoint_interval=3,
        model=toy_dedfkd(generator=GENERATOR, num_views=2),
        launcher='pytorch',
        cfg=dict(model_wrapper_cfg=dict(type='mmdfkd.SeparateDataParallel')),
        **kwargs,
    )
    runner.register_hook(GeneratorRestartHook(interval=2))
    averages = EMAHook(momentum=0.5)
    runner.register_hook(averages)
    latents = []
    wrapped = runner.model.module.generator
    wrapped.register_forward_pre_hook(lambda _, inputs: latents.append(inputs[0]))
    runner.train()
    scalars = runner.message_hub.log_scalars
    return {
        'state': runner.model.module.state_dict(),
        'averages': averages.ema_model.state_dict(),
        'latents': torch.cat(latents),
        'optimizer': runner.optim_wrapper.state_dict(),
        'figures': {name: scalars[name].data[0][-1] for name in scalars if 'time' not in name},
    }


if __name__ == '__main__':
    folder = Path(sys.argv[1])
    join_processes('pytorch')
    results = {name: train_on_shares(name) for name in METHODS}
    results['whole'] = run(folder / 'whole')
    checkpoint = str(folder / 'whole/iter_3.pth')
    results['resumed'] = run(folder / 'resumed', resume=True, load_from=checkpoint)
    torch.save(results, folder / f'rank_{get_rank()}.pth')
