"""FID and its companions: how synthetic images compare with real ones."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.dist import all_gather_object, get_world_size
from mmengine.evaluator import BaseMetric
from torch import Tensor, nn

from mmdfkd.evaluation.extractors import ClassifierExtractor, InceptionExtractor
from mmdfkd.evaluation.feature_sample import FeatureSample, merged
from mmdfkd.evaluation.functional import (
    check_numbers,
    class_distances,
    frechet_distance,
    kernel_distance,
    neighbour_figures,
    warn_of_few,
)
from mmdfkd.evaluation.functional.kernel import import_kid
from mmdfkd.evaluation.real_images import RealImages
from mmdfkd.models.classifiers import Prediction
from mmdfkd.models.utils import unwrap
from mmdfkd.outputs import make_folder
from mmdfkd.registry import METRICS, MODELS

NEIGHBOUR_FIGURES = ('precision', 'recall', 'density', 'coverage')
FIGURES = ('fid', 'kid', *NEIGHBOUR_FIGURES, 'inception_score')


@METRICS.register_module()
class Fidelity(BaseMetric):
    """Fidelity and diversity of synthetic images beside real ones.

    The common protocol: 50,000 synthetic images against the training split, 2048 features
    of Inception-v3. FID is biased by the number of images: compare figures of one number
    only, and with the floor, which two sets of real images have.

    All figures are of one extractor's features; precision and recall of other tools may be of
    VGG-16's. Memory does not grow with the number of images. FID and Inception score are of all of
    them, the others of samples of ``max_samples``. With several processes a sampler that
    pads (``round_up``) lets some images count twice.

    Args:
        real: config of a data set of real images, whose items are ``dict(inputs=(C, H, W)
            uint8 RGB, data_samples=DataSample)``, as mmpretrain's with PackInputs.
        extractor: config of a module pixels -> (logits, features) with a ``protocol``, or
            ``'teacher'`` for the distiller's, which :meth:`bind` hands over.
        floor: config of a data set of other real images. Every figure of as many of them
            as there are synthetic ones (all, if there are fewer) is added as
            ``<figure>_floor``.
        per_class: add ``fid_class_<k>``, the FID of each class's images, and
            ``fid_class_mean``. A synthetic image's class is the one asked for, or else the
            teacher's decision. Each class takes 16 D^2 bytes.
        max_samples: features kept for KID, precision, recall, density and coverage.
        batch_size: images the extractor sees at a time.
        num_workers: processes that read real images, besides the present one.
        cache_dir: folder in which to keep statistics of real images, by their content;
            None keeps them for as long as the metric lives.
        figures: which of :data:`FIGURES` to compute.
        prefix: before the figures' names; by default ``'fidelity'``.

    Raises:
        FileNotFoundError: if weights or real images are not there.
        ImportError: if KID is wanted and torch-fidelity is not installed.
        ValueError: if a data set has less than 2 images, or a figure is unknown.
    """

    default_prefix = 'fidelity'

    def __init__(
        self,
        real: dict,
        extractor: dict | nn.Module | str | None = None,
        floor: dict | None = None,
        per_class: bool = False,
        max_samples: int = 10000,
        batch_size: int = 50,
        num_workers: int = 0,
        cache_dir: str | None = None,
        figures: Sequence[str] = FIGURES,
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix=prefix)
        if cache_dir is not None:
            make_folder(cache_dir, 'cache_dir')
        unknown = sorted({*figures} - {*FIGURES})
        if unknown:
            raise ValueError(f'figures should be among {FIGURES}, but got {unknown}')
        if 'kid' in figures:
            import_kid()  # what is missing is missed now, not after all images
        self.real = RealImages(real, batch_size, num_workers)
        self.floor = RealImages(floor, batch_size, num_workers) if floor else None
        for images in filter(None, (self.real, self.floor)):
            if len(images) < 2:
                raise ValueError(
                    f'real images should be at least 2, but got {len(images)}; add some'
                )
        self.from_teacher = extractor == 'teacher'
        self.extractor: Any = None
        if isinstance(extractor, nn.Module):
            self.extractor = extractor
        elif not self.from_teacher:
            self.extractor = MODELS.build(extractor or dict(type=InceptionExtractor))
        self.per_class = per_class
        self.max_samples = max_samples
        self.batch_size = batch_size
        self.cache_dir = cache_dir
        self.figures = tuple(figures)
        self.device = torch.device('cpu')
        self.protocol: dict[str, Any] = {}
        self._splits = {'real': _summary(real), 'floor': _summary(floor) if floor else 'none'}
        self._known: dict[str, FeatureSample] = {}
        self._fake = FeatureSample(max_samples)

    def bind(self, distiller: Any) -> None:
        """Hand over the distiller whose teacher describes real images (extractor='teacher').

        What is known of them is kept as long as the teacher is the same.

        Raises:
            ValueError: if real images are of another shape than the distiller's, or there are to
                be figures of classes and they are of others.
        """
        distiller = unwrap(distiller)
        self.device = distiller.data_preprocessor.device
        for images in filter(None, (self.real, self.floor)):
            images.check_fit(distiller, self.per_class)
        if not self.from_teacher:
            return
        extractor = ClassifierExtractor(distiller.teacher, distiller.data_preprocessor)
        if self.extractor is None or extractor.protocol != self.extractor.protocol:
            self._known.clear()
        self.extractor = extractor

    @torch.no_grad()
    def describe_real(self, number: int) -> None:
        """Describe real images, on the distiller's device, before any synthetic one is made.

        It wants :meth:`bind`; :meth:`evaluate` does it otherwise.

        Args:
            number: of the synthetic images, and so of the floor's.

        Raises:
            ValueError: if there are too few images for a figure.
        """
        if {*self.figures} & {*NEIGHBOUR_FIGURES}:
            check_numbers(len(self.real), number)
        self._describe('real', self.real)
        if self.floor is not None:
            self._describe('floor', self.floor.subset(number))

    @torch.no_grad()
    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """See batches of synthetic images, as the distiller's ``val_step`` describes them.

        Raises:
            ValueError: if the images are no pixels, or not of the real ones' shape.
        """
        for batch in data_samples:
            images = batch['images']
            self._check(images)
            self.device = images.device
            labels = batch['labels'] if batch['labels'] is not None else batch['logits'].argmax(1)
            for start in range(0, len(images), self.batch_size):
                part = slice(start, start + self.batch_size)
                prediction = (
                    Prediction(batch['logits'][part], batch['features'][part])
                    if self.from_teacher
                    else self.extractor.to(images.device)(images[part])
                )
                self._fake.update(prediction, labels[part] if self.per_class else None)

    @torch.no_grad()
    def evaluate(self, size: int) -> dict[str, float]:
        """Compare what was seen, in all processes, with the real images.

        Args:
            size: not used: every image that was seen counts.

        Returns:
            The figures by name.

        Raises:
            ValueError: if no image was seen, or there is no teacher for the real ones.
        """
        number = sum(all_gather_object(len(self._fake)))
        if number < 2:
            raise ValueError(f'synthetic images should be at least 2, but got {number}')
        if self.extractor is None:
            raise ValueError(
                "extractor='teacher' should have the teacher of a distiller for real images, "
                'but got none; call bind(distiller) before evaluate'
            )
        try:
            self.describe_real(number)
            self.results = [self._fake.state_dict() if len(self._fake) else None]
            return super().evaluate(get_world_size())
        finally:
            self._fake = FeatureSample(self.max_samples)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Compute the figures of the processes' parts."""
        fake = merged([state for state in results if state is not None], self.max_samples)
        real, floor = self._known['real'], self._known.get('floor')
        figures = self._compare(real, fake, 'synthetic')
        if floor is not None:
            beside = self._compare(real, floor, 'floor')
            figures |= {f'{name}_floor': value for name, value in beside.items()}
        self.protocol = dict(
            extractor=self.extractor.protocol,
            pixels='whole numbers in [0, 255], RGB or grey',
            num_synthetic=len(fake),
            real=self._splits['real'],
            num_real=len(real),
            floor=self._splits['floor'],
            num_floor=len(floor) if floor else 0,
            max_samples=self.max_samples,
        )
        return figures

    def _describe(self, role: str, images: RealImages) -> None:
        # The real images stay the same; of the floor's, as many as there are synthetic ones.
        if role in self._known and len(self._known[role]) == len(images):
            return
        extractor = self.extractor.to(self.device)
        self._known[role] = images.describe(
            extractor, self.max_samples, self.per_class, self.device, self.cache_dir
        )

    def _check(self, images: Tensor) -> None:
        low, high = images.aminmax()
        if not (low >= 0 and high <= 255):  # nor with NaN
            raise ValueError(
                'synthetic images should be pixels in [0, 255], but got values from '
                f'{float(low)} to {float(high)}; see whether the generator has diverged'
            )
        self.real.check_shape(tuple(images.shape[1:]))

    def _compare(self, real: FeatureSample, other: FeatureSample, name: str) -> dict[str, float]:
        found: dict[str, float] = {}
        kept, others = (sample.reservoir['features'].to(self.device) for sample in (real, other))
        if 'fid' in self.figures:
            assert real.statistics is not None
            assert other.statistics is not None
            warn_of_few({'real': len(real), name: len(other)}, kept.size(1))
            found['fid'] = frechet_distance(real.statistics, other.statistics)
        if 'kid' in self.figures:
            found['kid'] = kernel_distance(kept, others)
        if {*self.figures} & {*NEIGHBOUR_FIGURES}:
            found |= neighbour_figures(kept, others)
        if 'inception_score' in self.figures:
            found['inception_score'] = other.inception_score.compute()
        found = {figure: found[figure] for figure in self.figures}
        if self.per_class:
            found |= class_distances(real.classes, other.classes, name)
        return found


def _summary(dataset: Any) -> str:
    if not isinstance(dataset, dict):
        return type(dataset).__name__
    name = dataset['type'] if isinstance(dataset['type'], str) else dataset['type'].__name__
    where = [f'{k}={dataset[k]}' for k in ('data_root', 'data_prefix', 'split') if k in dataset]
    return ' '.join([name, *where])
