"""CMI: contrastive model inversion."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from mmdfkd.models.generators.dcgan_init import dcgan_init
from mmdfkd.models.memories.feature_bank import FeatureBank
from mmdfkd.models.utils import Compose, FeatureMaps, InstanceDiscriminator, InstanceMeans
from mmdfkd.models.utils.bn_recorder import batch_norms
from mmdfkd.optimizer_checks import check_optimizer
from mmdfkd.registry import MODELS

from .base import Log
from .frame.loss_trial import try_losses
from .frame.parts import (
    build,
    check_batch_norms,
    check_config,
    check_generator,
    check_parts,
    check_positive,
    image_shape_of,
)
from .frame.trial import try_generator
from .inversion import InversionDistiller


@MODELS.register_module()
class CMI(InversionDistiller):
    """CMI (Fang et al., IJCAI 2021), algorithm 1; ``L = loss_ce + loss_bn + loss_cr (+ loss_adv)``.

    A new generator and its latents are optimised for every batch. A discriminator of images,
    trained along and kept, tells them from each other and from those of earlier batches.

    Args:
        generator: config of a generator, built anew for every batch.
        optimizer: config of the optimiser of generator and latents, a new one a batch.
        loss_ce: config of the class-condition loss.
        loss_bn: config of the BN statistics loss.
        loss_cr: config of the contrastive loss.
        global_view: configs of the augmentation that the teacher sees an image by.
        local_view: configs of the augmentation of a second look, that the image is recognised by.
        loss_adv: config of the adversarial loss, or None; on after ``warmup_rounds``.
        head_dim: size of the discriminator's embedding.
        bank_size: images whose features are kept.
        num_negatives: images of them that a step compares with.
        feature_layers: names of layers of the teacher's network, as ``layout_layers`` and
            ``teacher_layers`` of other methods are, whose inputs are the features; by default
            all its batch norms.
        **kwargs: see :class:`InversionDistiller`; ``image_shape`` is the generator's.

    Raises:
        ValueError: if the teacher has no batch norms, a number is not positive, or a layer, a
            loss, a view or the optimiser cannot be what it is given as.
    """

    optimised = {'head': ('head',), 'student': ('student',)}

    def __init__(
        self,
        generator: dict,
        optimizer: dict,
        loss_ce: dict | nn.Module,
        loss_bn: dict | nn.Module,
        loss_cr: dict | nn.Module,
        global_view: Sequence[dict | nn.Module],
        local_view: Sequence[dict | nn.Module],
        loss_adv: dict | nn.Module | None = None,
        head_dim: int = 256,
        bank_size: int = 40960,
        num_negatives: int = 4096,
        feature_layers: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        check_positive(head_dim=head_dim, bank_size=bank_size, num_negatives=num_negatives)
        check_config(generator, 'CMI, which builds one a batch')
        network = build(generator)
        check_generator(network)
        shape = image_shape_of(network)
        super().__init__(image_shape=shape, **kwargs)
        check_optimizer('optimizer', optimizer)
        check_parts(teacher=self.teacher, generator=network)
        try_generator(network, shape, self.num_classes)
        self.generator_config = generator
        self.latent_dim = network.latent_dim
        self.optimizer = optimizer
        self.loss_ce = build(loss_ce)
        self.loss_bn = build(loss_bn)
        self.loss_cr = build(loss_cr)
        self.loss_adv = build(loss_adv)
        self.global_view = self._built_view('global_view', global_view)
        self.local_view = self._built_view('local_view', local_view)
        check_batch_norms(self.teacher, self.loss_bn, needed=True)
        self.num_negatives = num_negatives
        self.feature_layers = list(feature_layers or ())
        dim = self._dimension()
        self.head: Any = InstanceDiscriminator(dim, head_dim)
        self.bank = FeatureBank(bank_size, 2 * dim)
        try_losses(self, 'loss_ce', 'loss_bn', 'loss_cr')

    def synthesize(self, labels: Tensor, optim_wrapper: OptimWrapperDict) -> list[Log]:
        """Invert the teacher for ``labels`` (N,); remember the best step's images and features."""
        latents = torch.randn(len(labels), self.latent_dim, device=labels.device)
        latents.requires_grad_()
        generator = build(self.generator_config).to(labels.device)
        dcgan_init(generator)
        self.laid_out(generator)  # after the draws, which a layout would deal out otherwise
        images, logs = self.invert(
            [dict(params=list(generator.parameters())), dict(params=[latents])],
            self.optimizer,
            lambda: generator(latents, labels),
            lambda images: self.inversion_losses(images, labels),
            lambda *_: self.step_head(optim_wrapper['head']),
        )
        views = (self._view(images, view) for view in (self.local_view, self.global_view))
        self.bank.add(torch.cat([self._features(view) for view in views], dim=1))
        self.remember(images, optim_wrapper)
        return logs

    def inversion_losses(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Compute the losses of pixels (N, C, H, W) that should show ``labels`` (N,)."""
        adversary = self.loss_adv is not None and not self.warming_up
        with self._watch() as means:
            inputs = self._view(images, self.global_view)
            seen = self.respond(inputs, statistics=True, student=adversary)
        global_ = means.features
        with self._watch() as means:
            self.teacher(self._view(images, self.local_view))
        local = means.features
        past_local, past_global = self.bank.draw(self.num_negatives).chunk(2, dim=1)
        with torch.no_grad():  # the loss has no gradient to these
            keys = self.head(torch.cat([global_, past_global]))
        queries = torch.cat([self.head(local), self.head(past_local)])  # the past ones want none
        losses = {
            'loss_ce': self.loss_ce(seen.logits, labels),
            'loss_bn': self.loss_bn(seen.statistics),
            'loss_cr': self.loss_cr(queries, keys, num_new=len(images)),
        }
        if adversary:
            losses['loss_adv'] = self.loss_adv(seen.student_logits, seen.logits)
        losses['label_agreement'] = (seen.logits.argmax(1) == labels).float().mean()
        return losses

    @staticmethod
    def step_head(optim_wrapper: OptimWrapper) -> None:
        """Update the discriminator by the gradients of the step's one backward pass."""
        optim_wrapper.step()
        optim_wrapper.zero_grad()

    def _built_view(self, name: str, parts: Any) -> Compose:
        if not isinstance(parts, list | tuple):
            raise ValueError(
                f'{name} should be a list of the configs of augmentations, but got {parts!r}'
            )
        view = Compose([build(part) for part in parts])
        view.check_shape(self.image_shape)
        return view

    def _dimension(self) -> int:
        try:
            return self._features(torch.zeros(1, *self.image_shape)).size(1)
        except (IndexError, RuntimeError) as error:
            raise ValueError(
                f'feature_layers should name layers of the teacher that get maps (N, C, H, W), but '
                f'got {self.feature_layers}, which raised: {error}; name convolutions or batch '
                'norms'
            ) from error

    def _view(self, images: Tensor, augment: Compose) -> Tensor:
        draws = torch.rand(len(images), augment.num_draws, device=images.device)
        return self.normalize(augment(images, draws))

    @torch.no_grad()
    def _features(self, inputs: Tensor) -> Tensor:
        with self._watch() as means:
            self.teacher(inputs)
        return means.features

    def _watch(self) -> InstanceMeans:
        # The layers of now: a Runner with sync_bn puts others in place of batch norms.
        named = FeatureMaps(self.teacher.network, self.feature_layers).layers
        return InstanceMeans(named or batch_norms(self.teacher))
