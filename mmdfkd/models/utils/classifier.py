"""One interface to every classifier: pixels in, (logits, features) out."""

from typing import Any, NamedTuple

from mmengine.model import BaseModule
from mmpretrain.models import HuggingFaceClassifier, ImageClassifier, TimmClassifier
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmdfkd.registry import MODELS

from .checkpoint import load_weights
from .precision import full_precision

#: mmpretrain's classifiers around another library's ``model``.
WRAPPERS = (TimmClassifier, HuggingFaceClassifier)


class Prediction(NamedTuple):
    """What a classifier makes of N images: logits (N, C) and features (N, D)."""

    logits: Tensor
    features: Tensor


def find_final_layer(network: nn.Module, name: str | None = None) -> str:
    """Name the layer whose output is the logits.

    Args:
        network: a classifier.
        name: the layer's name in ``network``; by default the last ``nn.Linear``.

    Raises:
        ValueError: if there is none of that name, or no linear layer at all.
    """
    layers = {k: v for k, v in network.named_modules() if isinstance(v, nn.Linear | nn.Conv2d)}
    linear = [k for k, v in layers.items() if isinstance(v, nn.Linear)]
    if name is None and linear:
        return linear[-1]
    if name is not None and name in layers:
        return name
    raise ValueError(
        f'final_layer should name the layer of {type(network).__name__} that gives the logits, '
        f'but got {name!r}; its last linear and convolutional layers are {list(layers)[-5:]}'
    )


@MODELS.register_module()
class Classifier(BaseModule):
    """Adapter of any network that maps normalised images to logits.

    The network is an mmpretrain ``ImageClassifier``, ``TimmClassifier`` or
    ``HuggingFaceClassifier``, or a plain module such as torchvision's; its
    penultimate features are what its final linear layer receives.

    Args:
        network: config of the network.
        checkpoint: path or URL of its weights, a state dict or a full checkpoint,
            loaded strictly when the model is built.
        prefix: leading part of the file's keys to strip.
        how_to_get: how a user gets the file, for the error if it is not there.
        final_layer: name of the layer that gives the logits, if it is not the
            last ``nn.Linear``.
        init_from_teacher: of a student: start as a part of the teacher, see
            :mod:`~mmdfkd.models.utils.student_init`. The distiller does it.

    Raises:
        FileNotFoundError: if the weights are not there.
        ValueError: if their keys or shapes differ, or no final layer is found.
    """

    def __init__(
        self,
        network: dict | nn.Module,
        checkpoint: str | None = None,
        prefix: str = '',
        how_to_get: str = '',
        final_layer: str | None = None,
        init_from_teacher: bool = False,
    ) -> None:
        super().__init__()
        self.init_from_teacher = init_from_teacher
        built = isinstance(network, nn.Module)
        self.network: Any = network if built else MODELS.build(network)
        self.checkpoint = checkpoint
        # A network may bring its weights: timm's pretrained=True, torchvision's weights=...
        brought = isinstance(network, dict) and bool(
            network.get('pretrained') or network.get('weights')
        )
        self.has_weights = built or brought or checkpoint is not None
        if brought and isinstance(self.network, ImageClassifier):
            self.network.init_weights()  # mmpretrain's pretrained=PATH is read only here
        if checkpoint is not None:
            load_weights(self.network, checkpoint, prefix, how_to_get)
        if isinstance(self.network, WRAPPERS):
            # Their hooks take 'model.' off the keys, but not inside another module, where
            # they then put it on twice when loading: a nested one could not resume.
            self.network._state_dict_hooks.clear()
            self.network._load_state_dict_pre_hooks.clear()
        self.final_layer = find_final_layer(self.network, final_layer)
        layer = self.network.get_submodule(self.final_layer)
        self.num_classes = layer.weight.size(0)
        # Held for as long as a pass lasts. One hook for good: torch.compile can trace it.
        self._features: Tensor | None = None
        layer.register_forward_pre_hook(self._keep_features)

    def init_weights(self) -> None:
        """Initialise an mmpretrain ``ImageClassifier`` that has no weights yet.

        All others were initialised, or loaded, when they were built: to call
        their own ``init_weights`` again would throw pretrained weights away.
        """
        if not self.has_weights and isinstance(self.network, ImageClassifier):
            self.network.init_weights()

    def forward(self, inputs: Tensor) -> Prediction:
        """Classify normalised images (N, C, H, W).

        Logits are of full precision under autocast, too: a softmax of bfloat16 is not one.
        """
        logits = self.network(inputs)
        assert self._features is not None  # the final layer was passed
        features, self._features = self._features.flatten(1), None
        return Prediction(full_precision(logits), features)

    def _keep_features(self, layer: nn.Module, args: tuple[Tensor, ...]) -> None:
        self._features = args[0]

    def predict(
        self, inputs: Tensor, data_samples: list[DataSample] | None = None
    ) -> list[DataSample]:
        """Add predicted scores and labels of ``inputs`` to the samples."""
        scores = self(inputs).logits.softmax(1)
        samples = data_samples or [DataSample() for _ in scores]
        for sample, score, label in zip(samples, scores, scores.argmax(1), strict=True):
            sample.set_pred_score(score).set_pred_label(label)
        return samples
