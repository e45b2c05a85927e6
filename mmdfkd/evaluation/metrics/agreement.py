"""Teacher-student agreement: choosing a checkpoint without a real image."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mmdfkd.evaluation.functional.corruptions import add_noise, blur
from mmdfkd.models.utils import frozen
from mmdfkd.models.utils.precision import double_precision
from mmdfkd.registry import METRICS

from .synthetic_metric import State, Summary, SyntheticMetric

_NOISE_STD = 25.5  # of 255 pixel values: a tenth, the worst of CIFAR-10-C
_BLUR_SIGMA = 1.0  # pixels
CORRUPTIONS = ('noise', 'blur', 'augment')


@METRICS.register_module()
class Agreement(SyntheticMetric):
    """How far the student decides as the teacher does, on synthetic samples.

    On held-out latents it stands in for the accuracy that a data-free user cannot
    measure. Plain agreement is highest where the samples are easiest; the one that ranks
    the checkpoints of a run with one generator is ``kl_augment``:
    ``CheckpointHook(save_best='agreement/kl_augment', rule='less')``. Where generators are
    restarted, take the last checkpoint (docs/figures.md). The figures:

    - ``top1``: share of samples with the same decision, in percent.
    - ``kl``: mean KL divergence of the student's probabilities from the teacher's,
      ``KL(teacher || student)``, in nats.
    - ``top1_<corruption>``, ``kl_<corruption>``: the same where both see the samples
      corrupted; these want :meth:`bind`.

    Args:
        corruptions: of ``'noise'`` (Gaussian, std 25.5 of 255), ``'blur'`` (Gaussian, sigma
            1 pixel) and ``'augment'``, the distiller's own augmentation.
        seed: of noise and augmentation, the same in every evaluation.
        prefix: see :class:`SyntheticMetric`.

    Raises:
        ValueError: if a corruption is none of the three.
    """

    default_prefix = 'agreement'

    def __init__(
        self, corruptions: Sequence[str] = (), seed: int = 0, prefix: str | None = None
    ) -> None:
        super().__init__(prefix)
        if unknown := [name for name in corruptions if name not in CORRUPTIONS]:
            raise ValueError(f'corruptions should be of {CORRUPTIONS}, but got {unknown}')
        self.corruptions = tuple(corruptions)
        self.seed = seed

    def measure(self, sample: dict, places: range) -> State:
        """Compare the two on the samples as they are, and corrupted."""
        state = {'num': torch.tensor(len(sample['logits'])).double()}
        state |= compare(sample['logits'], sample['student_logits'])
        for name in self.corruptions:
            for figure, value in self._compare_on(
                self._corrupt(sample['images'], name, places)
            ).items():
                state[f'{figure}_{name}'] = value
        return state

    def summarise(self, state: State) -> Summary:
        """Return the means; there are no details."""
        num = state.pop('num')
        return {name: float(value / num) for name, value in state.items()}, {}

    def _corrupt(self, images: Tensor, name: str, places: range) -> Tensor:
        if self.distiller is None:
            raise ValueError(
                f'Agreement should have a distiller for corruptions={self.corruptions}, but '
                'got none; call bind(distiller) before the evaluation'
            )
        if name == 'blur':
            return blur(images, _BLUR_SIGMA)
        # Of a sample's place alone: batches and processes make no difference. The 3 keeps them
        # apart from the latent of seed and place, and from the streams of draws_at.
        draws = [np.random.default_rng((self.seed, place, 3)) for place in places]
        if name == 'noise':
            return add_noise(images, _NOISE_STD, draws)
        numbers = [draw.random(self.distiller.augment.num_draws, np.float32) for draw in draws]
        return self.distiller.augment(images, torch.from_numpy(np.stack(numbers)).to(images.device))

    def _compare_on(self, images: Tensor) -> dict[str, Tensor]:
        inputs = self.distiller.normalize(images)
        with frozen(self.distiller.student) as student:
            return compare(self.distiller.teacher(inputs).logits, student(inputs).logits)


def compare(teacher_logits: Tensor, student_logits: Tensor) -> dict[str, Tensor]:
    """Sums over samples of logits (N, K): ``top1``, 100 where both agree, and ``kl`` in nats."""
    teacher, student = double_precision(teacher_logits), double_precision(student_logits)
    same = teacher.argmax(1) == student.argmax(1)
    logs = student.log_softmax(1), teacher.log_softmax(1)
    divergence = F.kl_div(*logs, reduction='sum', log_target=True)
    return {'top1': 100 * same.double().sum().cpu(), 'kl': divergence.cpu()}
