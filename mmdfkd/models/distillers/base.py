"""What every data-free distiller shares: synthesise images, then train the student on them."""

from abc import ABCMeta, abstractmethod
from typing import Any

import torch
from mmengine.dist import get_world_size
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from mmdfkd.checks import check_switch
from mmdfkd.models.classifiers import start_as_part
from mmdfkd.models.classifiers.checkpoint import keep_teacher, leave_teacher_out, tensors_digest
from mmdfkd.models.memories import Batch
from mmdfkd.models.utils import Compose, Counter
from mmdfkd.models.utils.gather import average_buffers, share

from .frame.log import round_log
from .frame.loss_trial import try_losses
from .frame.parts import (
    build,
    check_classifiers,
    check_image_shape,
    check_not_negative,
    check_parts,
    check_positive,
)
from .frame.passes import Log, Passes, Response
from .frame.trial import try_networks

__all__ = ['DataFreeDistiller', 'Log', 'Response']


class DataFreeDistiller(Passes, metaclass=ABCMeta):
    """Base of the distillers: a frozen teacher, a student, and a memory of images.

    A method says how images come to be, in :meth:`synthesize`, and may say what a student
    step learns from (:meth:`sample`) and how (:meth:`student_losses`). One Runner iteration
    is one round.

    Args:
        teacher: config of a :class:`~mmdfkd.models.classifiers.Classifier`; it is never updated.
        student: config of a :class:`Classifier`.
        loss_kd: config of the student's loss of its logits and the teacher's.
        data_preprocessor: normalises synthetic and real pixels alike.
        image_shape: (channels, height, width) of an image.
        memory: config of a memory of synthetic images, or None for a method without.
        kd_steps: student steps a round, of which ``accumulative_counts`` of the student's
            optimiser wrapper, if set, make one update.
        kd_batch_size: images that a student step draws from the memory, in each process; by
            default 256. Without a memory None: the student's batches are as large as a round's.
        warmup_rounds: rounds at the start in which only the synthesis learns and the student
            waits.
        augment: config of the augmentation of student batches, a list of them, or None.
        channels_last: keep the memory and all convolutions in that layout.

    Raises:
        ValueError: if the teacher has no weights, teacher and student differ in their
            classes, a number is not positive, or a trial pass shows what cannot be right.
    """

    #: Children that each optimiser updates, by the optimiser's key.
    optimised: dict[str, tuple[str, ...]] = {'student': ('student',)}
    #: What synthesis is called in the log.
    phase = 'synthesis'

    def __init__(
        self,
        teacher: dict | nn.Module,
        student: dict | nn.Module,
        loss_kd: dict | nn.Module,
        data_preprocessor: dict | nn.Module,
        image_shape: tuple[int, int, int],
        memory: dict | nn.Module | None = None,
        kd_steps: int = 5,
        kd_batch_size: int | None = None,
        warmup_rounds: int = 0,
        augment: dict | nn.Module | list[dict | nn.Module] | None = None,
        channels_last: bool = False,
    ) -> None:
        if data_preprocessor is None:
            raise ValueError(
                'data_preprocessor should normalise pixels as the teacher’s data were, but got '
                'None; give dict(type=ClsDataPreprocessor, mean=[...], std=[...])'
            )
        super().__init__(data_preprocessor=data_preprocessor)
        check_positive(kd_steps=kd_steps)
        check_switch(channels_last=channels_last)
        check_image_shape(image_shape)
        check_not_negative(warmup_rounds=warmup_rounds)
        self.teacher: Any = build(teacher)
        self.student: Any = build(student)
        self.loss_kd = build(loss_kd)
        augments = augment if isinstance(augment, list | tuple) else [augment] if augment else []
        self.augment = Compose([build(part) for part in augments])
        self.image_shape = tuple(image_shape)
        self.augment.check_shape(self.image_shape)
        check_classifiers(teacher=self.teacher, student=self.student)
        check_parts(teacher=self.teacher)
        try_networks(self.teacher, self.student, self.normalize, image_shape)
        self.num_classes = self.teacher.num_classes
        if type(self).student_losses is DataFreeDistiller.student_losses:
            try_losses(self, 'loss_kd', only=['loss_kd'])
        self.memory: Any = build(memory)
        if self.memory is not None:
            self.memory.allocate(self.image_shape, self.augment.num_draws, self.num_classes)
        self.kd_steps = kd_steps
        self.kd_batch_size = 256 if kd_batch_size is None else kd_batch_size
        check_positive(kd_batch_size=self.kd_batch_size)
        self.warmup_rounds = warmup_rounds
        self.rounds = Counter()
        #: Of the generator, or a part of it, in this process: averages begin anew with it.
        self.num_restarts = 0
        check_parts(teacher=self.teacher, student=self.student)
        start_as_part(self.teacher, self.student, self.image_shape)
        self.teacher.requires_grad_(False).eval()
        # Of what a checkpoint leaves out: a run goes on with the teacher that it began with.
        left_out = self.teacher.checkpoint is not None
        state = self.teacher.state_dict()
        self.teacher_digest = tensors_digest(state.items()) if left_out else ''
        self.channels_last = channels_last
        self.laid_out(self)
        self._register_state_dict_hook(leave_teacher_out)
        self.register_load_state_dict_pre_hook(keep_teacher)

    def train(self, mode: bool = True) -> 'DataFreeDistiller':
        """Set the mode of everything but the teacher, which stays in eval."""
        super().train(mode)
        self.teacher.eval()
        return self

    # The round.

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> Log:
        """One round: images are synthesised, and the student learns from them and the memory's.

        Args:
            data: ``{'label': (N,)}``, the classes to synthesise.
            optim_wrapper: wrappers with the keys of ``optimised``.

        Returns:
            Means over the steps and processes of every loss and figure, to be logged.
        """
        labels = self.data_preprocessor.cast_data(data['label'])
        synthesis_logs = self.synthesize(labels, optim_wrapper)

        student_logs = []
        if self.warming_up:
            # MMEngine's schedulers look at it, to warn where the student's steps are missing.
            optim_wrapper['student']._global_step = 0  # type: ignore[attr-defined]
        for step in range(0 if self.warming_up else self.kd_steps):
            batch = self.sample(step, labels)
            student_logs.append(self.student_step(batch, optim_wrapper['student']))

        self.rounds.add(1)
        average_buffers(*self._optimised_parts())  # rank 0's checkpoint is everyone's state
        return round_log(**{self.phase: synthesis_logs, 'student': student_logs})

    def num_images(self, rounds: int, batch_size: int) -> int:
        """Return how many new images the student gets in the first ``rounds`` rounds.

        Args:
            rounds: from the start of the run.
            batch_size: labels of a round, of all processes.
        """
        return rounds * batch_size

    @property
    def warming_up(self) -> bool:
        """Is this one of the first rounds, in which the student waits?"""
        return int(self.rounds) < self.warmup_rounds

    @abstractmethod
    def synthesize(self, labels: Tensor, optim_wrapper: OptimWrapperDict) -> list[Log]:
        """Make or improve images, and :meth:`remember` what the student should see again.

        Args:
            labels: (N,) int64, the classes to synthesise.
            optim_wrapper: wrappers with the keys of ``optimised``.

        Returns:
            The log of each step; all have the same entries.
        """

    def remember(self, images: Tensor, optim_wrapper: OptimWrapperDict) -> None:
        """Put pixels (N, C, H, W) in [0, 255] into the memory."""
        newest = self.memory.add(images)
        with optim_wrapper['student'].optim_context(self.student):
            self.memory.label(newest, self._new_view)

    @torch.no_grad()
    def sample(self, step: int, labels: Tensor) -> Batch:
        """Give the images of student step ``step`` of a round: the newest, then any.

        Args:
            step: from 0 on.
            labels: (N,), the classes of the round.
        """
        if step == 0:
            slots = share(self.memory.newest(len(labels) * get_world_size()))
        else:
            slots = self.memory.draw(self.kd_batch_size)
        return self.memory.recall(slots, self.augment)

    def student_step(self, batch: Batch, optim_wrapper: OptimWrapper) -> Log:
        """Update the student once; returns the log."""
        with optim_wrapper.optim_context(self.student):
            inputs = self.normalize(batch.images)
            teacher_logits = batch.teacher_logits
            if teacher_logits is None:
                teacher_logits = self.ask_teacher(inputs)
            losses = self.student_losses(inputs, teacher_logits)
        return self.minimise(losses, optim_wrapper)

    def student_losses(self, inputs: Tensor, teacher_logits: Tensor) -> dict[str, Tensor]:
        """Compare the student on ``inputs`` (N, C, H, W) with the teacher's logits of them."""
        return {'loss_kd': self.loss_kd(self.student(inputs).logits, teacher_logits)}

    def _optimised_parts(self) -> list[nn.Module]:
        names = [name for children in self.optimised.values() for name in children]
        parts = [getattr(self, name) for name in names]
        return [part for part in parts if part is not None]
