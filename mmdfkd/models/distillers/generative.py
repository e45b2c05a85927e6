"""Distillers with a generator that is trained along with the student."""

from abc import abstractmethod
from typing import Any

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn
from torch.utils.data import Dataset

from mmdfkd.checks import check_switch
from mmdfkd.datasets import LatentDataset
from mmdfkd.models.memories import Batch
from mmdfkd.models.utils import frozen, unwrap

from .base import DataFreeDistiller, Log
from .frame.loss_trial import try_priors
from .frame.parts import (
    build,
    check_config,
    check_generator,
    check_parts,
    check_positive,
    image_shape_of,
    start_anew,
)
from .frame.trial import try_generator


class GenerativeDistiller(DataFreeDistiller):
    """Base of the methods with a generator: it adapts to the student, the student to the teacher.

    A method adds :meth:`generator_losses`. Without a memory the student learns from new
    images of the generator in every step.

    Args:
        teacher: see :class:`DataFreeDistiller`.
        student: likewise.
        generator: config of a generator (latents, labels) -> pixels.
        g_steps: generator steps a round, of which ``accumulative_counts`` of its optimiser
            wrapper, if set, make one update.
        fixed_latents: take all generator steps of a round on one batch of latents, as an
            inversion does, rather than each on new ones.
        image_priors: configs of further generator losses, of the images alone, by name;
            the log has them as ``loss_prior_<name>``. None leaves a name out.
        **kwargs: see :class:`DataFreeDistiller`; ``image_shape`` is the generator's.

    Raises:
        ValueError: if teacher and generator differ in their classes, a number is not positive,
            or there is a ``kd_batch_size``, or are ``fixed_latents``, without a memory.
    """

    optimised = {'generator': ('generator',), 'student': ('student',)}
    phase = 'generator'

    def __init__(
        self,
        teacher: dict | nn.Module,
        student: dict | nn.Module,
        generator: dict | nn.Module,
        g_steps: int = 1,
        fixed_latents: bool = False,
        image_priors: dict[str, dict | nn.Module | None] | None = None,
        **kwargs: Any,
    ) -> None:
        check_positive(g_steps=g_steps)
        check_switch(fixed_latents=fixed_latents)
        if not isinstance(image_priors, dict | None):
            raise ValueError(
                f'image_priors should be configs of losses by name, but got {image_priors!r}'
            )
        if kwargs.get('memory') is None and kwargs.get('kd_batch_size') is not None:
            raise ValueError(
                f'kd_batch_size should be None without a memory, but got {kwargs["kd_batch_size"]};'
                ' set train_dataloader.batch_size, the images of a round'
            )
        if kwargs.get('memory') is None and fixed_latents:
            raise ValueError(
                'fixed_latents should be False without a memory, but got True: the generator is '
                'fitted to latents of which the student would get none; set model.memory'
            )
        # In this order, which decides the initial weights.
        teacher, student, network = build(teacher), build(student), build(generator)
        check_generator(network)
        shape = image_shape_of(network)
        super().__init__(teacher=teacher, student=student, image_shape=shape, **kwargs)
        check_parts(teacher=self.teacher, student=self.student, generator=network)
        self.generator: Any = self.laid_out(network)
        # A module is not kept: it would be registered a second time.
        self._generator_config = generator if isinstance(generator, dict) else None
        self.latent_dim = network.latent_dim
        try_generator(network, shape, self.num_classes)
        self.g_steps = g_steps
        self.fixed_latents = fixed_latents
        priors = image_priors or {}
        self.image_priors = nn.ModuleDict({k: build(prior) for k, prior in priors.items() if prior})
        try_priors(self.image_priors, self)

    @property
    def sources(self) -> tuple[str, ...]:  # type: ignore[override]
        """What tools can take images from, the usual one first.

        A generator that was fitted to one batch of latents says little of others.
        """
        if self.memory is None:
            return ('generator',)
        return ('memory', 'generator') if self.fixed_latents else ('generator', 'memory')

    @property
    def conditional(self) -> bool:  # type: ignore[override]
        """Whether the generator makes the classes that are asked for; a memory has no labels."""
        return self.sources[0] == 'generator' and unwrap(self.generator).conditional

    def synthesize(self, labels: Tensor, optim_wrapper: OptimWrapperDict) -> list[Log]:
        """Train the generator for ``g_steps``; the last step's images are remembered."""
        logs = []
        for step in range(self.g_steps):
            if step == 0 or not self.fixed_latents:
                latents = self.new_latents(labels)
            images, log = self.generator_step(latents, labels, optim_wrapper['generator'])
            logs.append(log)
        if self.memory is not None:
            self.remember(images, optim_wrapper)
        return logs

    def generator_step(
        self, latents: Tensor, labels: Tensor, optim_wrapper: OptimWrapper
    ) -> tuple[Tensor, Log]:
        """Update the generator once.

        Args:
            latents: (N, latent_dim).
            labels: (N,) int64.
            optim_wrapper: the generator's.

        Returns:
            The pixels it made, (N, C, H, W) in [0, 255], and the step's log.
        """
        with optim_wrapper.optim_context(self.generator):
            images = self.generator(latents, labels)
            inputs = self.normalize(images)
            losses = self.generator_losses(inputs, latents, labels)
            for name, prior in self.image_priors.items():
                losses[f'loss_prior_{name}'] = prior(inputs)
        return images.detach(), self.minimise(losses, optim_wrapper)

    @abstractmethod
    def generator_losses(
        self, inputs: Tensor, latents: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Compute the method's losses of normalised synthetic ``inputs`` (N, C, H, W).

        Entries with ``loss`` in their name are summed and minimised; others are logged.
        A loss that is no mean over samples should be of the ``gather``-ed batch, as
        :meth:`respond` gives it.
        """

    @torch.no_grad()
    def sample(self, step: int, labels: Tensor) -> Batch:
        """Give the memory's images, or without one new images of ``labels`` (N,)."""
        if self.memory is not None:
            return super().sample(step, labels)
        return Batch(self.augmented(self.generator(self.new_latents(labels), labels)))

    def num_images(self, rounds: int, batch_size: int) -> int:
        """Return how many images the student gets; see the base."""
        if self.memory is not None:
            return super().num_images(rounds, batch_size)
        return max(rounds - self.warmup_rounds, 0) * self.new_batches * batch_size

    @property
    def new_batches(self) -> int:
        """Batches of new images that the student gets in a round, if there is no memory."""
        return self.kd_steps

    def new_latents(self, labels: Tensor) -> Tensor:
        """Draw latents (N, latent_dim) from N(0, I), one a label."""
        return torch.randn(len(labels), self.latent_dim, device=labels.device)

    def check_restartable(self, layer: str = '') -> None:
        """Raise an error if nothing says how to build the generator, or it has no such layer.

        Raises:
            TypeError: if the generator came as a module.
            ValueError: if it has no part of the name ``layer``.
        """
        check_config(self._generator_config, 'restarts')
        generator = unwrap(self.generator)
        if layer and layer not in dict(generator.named_modules()):
            raise ValueError(
                f'layer should name a part of {type(generator).__name__}, but got {layer!r}; '
                f'its parts are {[name for name, _ in generator.named_children()]}'
            )

    def restart(self, optim_wrapper: OptimWrapperDict, layer: str = '') -> None:
        """Give the generator new weights, the same on every rank, and its optimiser no memory.

        Args:
            optim_wrapper: wrappers with the key ``generator``.
            layer: name of the part of the generator that is drawn anew, the others stay; by
                default all of it.
        """
        self.check_restartable(layer)
        start_anew(unwrap(self.generator), self._generator_config, layer)
        self.num_restarts += 1
        optimizer = optim_wrapper['generator'].optimizer
        optimizer.state.clear()
        optimizer.zero_grad()

    @torch.no_grad()
    def preview(self, num: int, rows: int, seed: int = 0) -> Tensor:
        """Synthesise from latents of ``seed``: rows of classes, columns of latents.

        An unconditional generator's images all have latents of their own. With
        ``fixed_latents`` they are the memory's newest.
        """
        if self.sources[0] == 'memory':
            return super().preview(num, rows, seed)
        columns = num // rows
        draw = torch.Generator().manual_seed(seed)
        latents = torch.randn(rows * columns, self.latent_dim, generator=draw)
        if self.conditional:
            latents = latents[:columns].repeat(rows, 1)
        labels = torch.arange(rows).repeat_interleave(columns)
        data = self.data_preprocessor.cast_data({'latents': latents, 'labels': labels})
        with frozen(self.generator) as generator:
            return generator(data['latents'], data['labels'])

    def held_out(self, num: int, seed: int = 0) -> Dataset:
        """Return ``num`` latents of ``seed`` that no training step has seen."""
        return LatentDataset(self.num_classes, num, self.latent_dim, seed)
