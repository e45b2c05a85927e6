"""Feature extractors: pixels in, (logits, features) out."""

import hashlib
import io
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmdfkd.models.classifiers import Prediction
from mmdfkd.models.classifiers.checkpoint import load_weights, weights_digest
from mmdfkd.registry import MODELS


def inception_v3() -> Any:
    """Build torch-fidelity's Inception-v3 of 2015 with random weights, frozen.

    It maps uint8 images (N, 3, H, W) to features (N, 2048) and logits without bias
    (N, 1008), as FID and the Inception score want them.

    Raises:
        ImportError: if torch-fidelity is not installed.
    """
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise ImportError(
            "Inception-v3 needs torch-fidelity: pip install 'mmdfkd[figures]'"
        ) from error

    class Unloaded(FeatureExtractorInceptionV3):
        """It has the weights that it was initialised with."""

        def load_state_dict(self, *args: Any, **kwargs: Any) -> None:
            """Load nothing."""

    # The constructor unpickles a file without care: it gets one that holds nothing.
    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    features = ['2048', 'logits_unbiased']
    with torch.random.fork_rng(devices=[]):  # a run draws what it would without figures
        network = Unloaded('inception-v3-compat', features, feature_extractor_weights_path=nothing)
    network.__class__ = FeatureExtractorInceptionV3  # which loads what it is given
    return network


#: Of torch-fidelity's weights, which are pytorch-fid's of 2015-12-05; their name has 6726825d.
INCEPTION_SHA256 = '6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2'


@MODELS.register_module()
class InceptionExtractor(nn.Module):
    """The network of the FID: Inception-v3 with the weights of 2015.

    Szegedy et al., Rethinking the Inception Architecture (2016), as ported by
    torch-fidelity, with its resize, that of TensorFlow 1, to 299 x 299.

    Args:
        weights: path or URL of torch-fidelity's weights; None downloads them once.

    Raises:
        FileNotFoundError: if they are not there and cannot be downloaded.
        ImportError: if torch-fidelity is not installed.
        ValueError: if they are those of another network.
    """

    num_features = 2048

    def __init__(self, weights: str | None = None) -> None:
        super().__init__()
        self.network = inception_v3()
        sha256 = None
        if weights is None:
            from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

            weights, sha256 = URL_INCEPTION_V3, INCEPTION_SHA256
        load_weights(
            self.network,
            weights,
            how_to_get='it is an asset of torch-fidelity’s release v0.2.0 on GitHub; '
            'mmdfkd figures takes it as --inception-weights FILE, or another network as '
            '--extractor',
            sha256=sha256,
        )
        self.protocol = (
            'Inception-v3 of 2015, 2048 features; resize: bilinear of TensorFlow 1 to 299 x 299; '
            f'grey repeated to RGB; weights: SHA-256 {weights_digest(self.network)[:16]}'
        )

    def forward(self, images: Tensor) -> Prediction:
        """Describe pixels (N, 1 or 3, H, W) in [0, 255], which are rounded as 8-bit images."""
        pixels = images.round().clamp(0, 255).to(torch.uint8)
        features, logits = self.network(pixels.expand(-1, 3, -1, -1))
        return Prediction(logits, features)


def _swaps(data_preprocessor: Any) -> bool:
    """Does it turn RGB to BGR, by mmpretrain's word for it or by MMEngine's?"""
    return any(getattr(data_preprocessor, k, False) for k in ('to_rgb', '_channel_conversion'))


def _layers_digest(network: nn.Module) -> str:
    """Hash what a network prints: strides, activations and poolings have no weights."""
    return hashlib.sha256(repr(network).encode()).hexdigest()


@MODELS.register_module()
class ClassifierExtractor(BaseModel):
    """A classifier's penultimate features, such as the teacher's.

    Args:
        classifier: config of a :class:`~mmdfkd.models.classifiers.Classifier`, or one that is
            built and keeps its weights.
        data_preprocessor: config of what normalises RGB pixels for it, with ``to_rgb=True`` if
            it takes BGR, or a module. Grey images broadcast to its channels.
        image_size: side that images are resized to (bilinear, antialiased); None leaves
            them as they are.

    Raises:
        ValueError: if the classifier has no weights.
    """

    def __init__(
        self,
        classifier: dict | nn.Module,
        data_preprocessor: dict | nn.Module,
        image_size: int | None = None,
    ) -> None:
        # BaseModel tells its data preprocessor of the device it is moved to.
        super().__init__(
            MODELS.build(data_preprocessor)
            if isinstance(data_preprocessor, dict)
            else data_preprocessor
        )
        with torch.random.fork_rng(devices=[]):  # a run draws what it would without figures
            built: Any = MODELS.build(classifier) if isinstance(classifier, dict) else classifier
        if not built.has_weights or built.unfit:
            raise ValueError(
                'the classifier of an extractor should have trained weights, but '
                f'{built.unfit or "got checkpoint=None"}; set its checkpoint to a path or URL'
            )
        self.classifier = built
        self.image_size = image_size
        self.num_features = built.num_features
        if isinstance(classifier, dict):
            self.classifier.requires_grad_(False).eval()
        resize = f'bilinear, antialiased to {image_size}' if image_size else 'none'
        self.protocol = (
            f'{type(built.network).__name__}, {self.num_features} features of the input of '
            f'{built.final_layer}; resize: {resize}; grey broadcast to the channels of the '
            f'normalisation; order: {"BGR" if _swaps(self.data_preprocessor) else "RGB"}; weights '
            f'and layers: SHA-256 {weights_digest(self)[:16]} {_layers_digest(built.network)[:16]}'
        )

    def forward(self, images: Tensor) -> Prediction:
        """Describe pixels (N, C, H, W) in [0, 255].

        Raises:
            ValueError: if the first images show that the final layer is another.
        """
        if self.image_size is not None:
            size = (self.image_size, self.image_size)
            images = F.interpolate(images, size, mode='bilinear', antialias=True)
        inputs = self.data_preprocessor({'inputs': images})['inputs']
        if not self.classifier.probed and not inputs.is_meta:
            guess = self.classifier.final_layer
            self.classifier.probe(inputs[:2])
            if self.classifier.final_layer != guess:
                raise ValueError(
                    f'final_layer should be named for the classifier of an extractor: it was taken '
                    f'to be {guess!r}, but it is {self.classifier.final_layer!r}; set it'
                )
        return self.classifier(inputs)
