"""What every data-free distiller shares: the two phases of a round."""

from abc import ABCMeta, abstractmethod
from typing import Any

import torch
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmdfkd.models.utils import Compose, FixedViews, ImageBank, unwrap
from mmdfkd.models.utils.checkpoint import keep_teacher, leave_teacher_out
from mmdfkd.models.utils.processes import average_buffers, gather, share
from mmdfkd.models.utils.student_init import start_as_part

from .log import round_log
from .parts import build, check_parts, start_anew
from .synthesis import describe


class DataFreeDistiller(BaseModel, metaclass=ABCMeta):
    """Base of the distillers: a frozen teacher, a student, a generator and a bank.

    A method adds :meth:`generator_losses`. One Runner iteration is one round.

    Args:
        teacher: config of a :class:`~mmdfkd.models.utils.Classifier`; it is never updated.
        student: config of a :class:`Classifier`.
        generator: config of a generator (latents, labels) -> pixels.
        loss_kd: config of the student's loss.
        data_preprocessor: normalises synthetic and real pixels alike.
        g_steps: generator steps a round, of which ``accumulative_counts`` of its optimiser
            wrapper, if set, make one update.
        kd_steps: student steps a round, likewise.
        kd_batch_size: images that a student step draws from the bank, in each process.
        bank_capacity: synthetic images kept, of all processes together.
        augment: config of the augmentation of student batches, a list of them, or None.
        fixed_views: augmented views of each bank image that the teacher labels once; 0 has
            it see every student batch, each image in a new view.
        channels_last: keep the bank and all convolutions in that layout.
        image_priors: configs of further generator losses, of the images alone, by name;
            the log has them as ``loss_prior_<name>``. None leaves a name out.

    Raises:
        ValueError: if the teacher has no weights, or teacher, student and generator
            differ in their classes.
    """

    #: Children that each optimiser updates, by the optimiser's key.
    optimised: dict[str, tuple[str, ...]] = {
        'generator': ('generator',),
        'student': ('student',),
    }

    def __init__(
        self,
        teacher: dict | nn.Module,
        student: dict | nn.Module,
        generator: dict | nn.Module,
        loss_kd: dict | nn.Module,
        data_preprocessor: dict | nn.Module,
        g_steps: int = 1,
        kd_steps: int = 5,
        kd_batch_size: int = 256,
        bank_capacity: int = 10240,
        augment: dict | nn.Module | list[dict | nn.Module] | None = None,
        fixed_views: int = 0,
        channels_last: bool = False,
        image_priors: dict[str, dict | nn.Module | None] | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor)
        self.teacher: Any = build(teacher)
        self.student: Any = build(student)
        self.generator = build(generator)
        # A module is not kept: it would be registered a second time.
        self._generator_config = generator if isinstance(generator, dict) else None
        self.loss_kd = build(loss_kd)
        augments = augment if isinstance(augment, list | tuple) else [augment] if augment else []
        self.augment = Compose([build(part) for part in augments])
        priors = image_priors or {}
        self.image_priors = nn.ModuleDict({k: build(prior) for k, prior in priors.items() if prior})
        self.g_steps = g_steps
        self.kd_steps = kd_steps
        self.kd_batch_size = kd_batch_size
        self.latent_dim = self.generator.latent_dim
        self.num_classes = self.teacher.num_classes
        side = self.generator.image_size
        self.bank = ImageBank(bank_capacity, (self.generator.out_channels, side, side))
        self.fixed_views: Any = (
            FixedViews(fixed_views, bank_capacity, self.augment.num_draws, self.num_classes)
            if fixed_views
            else None
        )
        check_parts(self.teacher, self.student, self.generator)
        start_as_part(self.teacher, self.student, self.bank.images.shape[1:])
        self.teacher.requires_grad_(False).eval()
        if channels_last:
            self.to(memory_format=torch.channels_last)
        self._register_state_dict_hook(leave_teacher_out)
        self.register_load_state_dict_pre_hook(keep_teacher)

    def train(self, mode: bool = True) -> 'DataFreeDistiller':
        """Set the mode of everything but the teacher, which stays in eval."""
        super().train(mode)
        self.teacher.eval()
        return self

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> dict[str, Tensor]:
        """One round: the generator adapts to the student, the student to the teacher.

        Args:
            data: ``{'label': (N,)}``, the classes to synthesise.
            optim_wrapper: wrappers with the keys ``generator`` and ``student``.

        Returns:
            Means over the steps and processes of every loss and figure, to be logged.
        """
        labels = self.data_preprocessor.cast_data(data['label'])
        generator_logs, student_logs = [], []

        for _ in range(self.g_steps):
            latents = torch.randn(len(labels), self.latent_dim, device=labels.device)
            fresh, log = self.generator_step(latents, labels, optim_wrapper['generator'])
            generator_logs.append(log)

        newest = self.bank.add(fresh)
        if self.fixed_views:
            self.label_views(newest, optim_wrapper['student'])

        for step in range(self.kd_steps):
            slots = share(newest) if step == 0 else self.bank.sample(self.kd_batch_size)
            student_logs.append(self.student_step(slots, optim_wrapper['student']))

        average_buffers(self.generator, self.student)  # rank 0's checkpoint is everyone's state
        return round_log(generator=generator_logs, student=student_logs)

    def generator_step(
        self, latents: Tensor, labels: Tensor, optim_wrapper: OptimWrapper
    ) -> tuple[Tensor, dict[str, Tensor]]:
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
        return images.detach(), self._minimise(losses, optim_wrapper)

    @abstractmethod
    def generator_losses(
        self, inputs: Tensor, latents: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Compute the method's losses of normalised synthetic ``inputs`` (N, C, H, W).

        Entries with ``loss`` in their name are summed and minimised; others are logged.
        A loss that is no mean over samples should be of the ``gather``-ed batch.
        """

    def student_step(self, slots: Tensor, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """Update the student once on the bank's images in ``slots`` (N,); returns the log."""
        with optim_wrapper.optim_context(self.student):
            if self.fixed_views:
                draws, teacher_logits = self.fixed_views.sample(slots)
                inputs = self.view(slots, draws)
            else:
                _, inputs, teacher_logits = self.new_view(slots)
            loss_kd = self.kd_loss(inputs, teacher_logits)
        return self._minimise({'loss_kd': loss_kd}, optim_wrapper)

    def kd_loss(self, inputs: Tensor, teacher_logits: Tensor) -> Tensor:
        """Compare the student on ``inputs`` (N, C, H, W) with the teacher's logits of them."""
        return self.loss_kd(self.student(inputs).logits, teacher_logits)

    def label_views(self, slots: Tensor, optim_wrapper: OptimWrapper) -> None:
        """Choose the fixed views of new bank images in ``slots`` (N,) and label them.

        Each process does its share, and keeps the views of all.
        """
        with optim_wrapper.optim_context(self.student):
            for index in range(self.fixed_views.num_views):
                draws, _, teacher_logits = self.new_view(share(slots))
                self.fixed_views.put(slots, index, gather(draws), gather(teacher_logits))

    @torch.no_grad()
    def new_view(self, slots: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return draws (N, K) of a new view of ``slots`` (N,), the view, and its logits."""
        draws = torch.rand(len(slots), self.augment.num_draws, device=slots.device)
        inputs = self.view(slots, draws)
        return draws, inputs, self.teacher(inputs).logits

    def view(self, slots: Tensor, draws: Tensor) -> Tensor:
        """Augment and normalise the bank's images in ``slots`` (N,) as ``draws`` (N, K) say."""
        return self.normalize(self.augment(self.bank[slots], draws))

    def _minimise(
        self, losses: dict[str, Tensor], optim_wrapper: OptimWrapper
    ) -> dict[str, Tensor]:
        loss, log = self.parse_losses(losses)
        optim_wrapper.update_params(loss)
        return {name: value.detach() for name, value in log.items()}

    def check_restartable(self) -> None:
        """Raise a TypeError if the generator came as a module: nothing says how to build one."""
        if self._generator_config is None:
            raise TypeError(
                'generator should be a config for restarts, but got a module; give the '
                'distiller its config'
            )

    def restart_generator(self) -> None:
        """Give the generator the weights of a newly built one, the same on every rank."""
        self.check_restartable()
        start_anew(unwrap(self.generator), self._generator_config)

    def val_step(self, data: dict) -> list:
        """Predict real images, or synthesise: ``data`` has ``latent`` and ``label``, or ``slot``.

        Returns:
            One data sample an image; of :class:`~mmdfkd.datasets.LatentDataset`'s and
            ``BankDataset``'s batches a list of one dict, :func:`~.synthesis.describe`'s.
        """
        if 'latent' in data or 'slot' in data:
            return [describe(self, self.data_preprocessor.cast_data(data))]
        return super().val_step(data)

    test_step = val_step

    def normalize(self, images: Tensor) -> Tensor:
        """Normalise pixels as the data preprocessor does real ones, with gradients."""
        return self.data_preprocessor({'inputs': images})['inputs']

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[DataSample] | None = None,
        mode: str = 'tensor',
    ) -> Tensor | list[DataSample]:
        """Run the student on normalised images (N, C, H, W).

        Args:
            inputs: the images.
            data_samples: receive the predictions in mode ``'predict'``.
            mode: ``'tensor'`` gives logits (N, C), ``'predict'`` data samples.

        Raises:
            ValueError: for another mode; training goes through ``train_step``.
        """
        student = unwrap(self.student)
        if mode == 'tensor':
            return student(inputs).logits
        if mode == 'predict':
            return student.predict(inputs, data_samples)
        raise ValueError(f"mode should be 'tensor' or 'predict', but got {mode!r}")
