"""One interface to every classifier: pixels in, (logits, features) out."""

from typing import Any, NamedTuple

import torch
from mmengine.model import BaseModule
from mmpretrain.models import HuggingFaceClassifier, ImageClassifier, TimmClassifier
from mmpretrain.structures import DataSample
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mmdfkd.checks import check_switch
from mmdfkd.models.utils.precision import full_precision
from mmdfkd.registry import MODELS
from mmdfkd.safe_load import only_safe_loads

from .brought import WRAPPERS, reads_weights, unfit
from .checkpoint import load_weights, names_of
from .probe import choose_final_layer, layers_to_watch, logits_of, look, pooling_of

_HALF = (torch.float16, torch.bfloat16)


class Prediction(NamedTuple):
    """What a classifier makes of N images: logits (N, C) and features (N, D)."""

    logits: Tensor
    features: Tensor


def find_final_layer(network: nn.Module, name: str | None = None) -> str:
    """Name the layer whose output is likely the logits; :meth:`Classifier.probe` makes sure.

    Args:
        network: a classifier.
        name: the layer's name in ``network``; by default the last ``nn.Linear``, or the last
            ``nn.Conv2d`` of a network of convolutions alone.

    Raises:
        ValueError: if there is none of that name, or no such layer at all.
    """
    layers = {k: v for k, v in network.named_modules() if isinstance(v, nn.Linear | nn.Conv2d)}
    linear = [k for k, v in layers.items() if isinstance(v, nn.Linear)]
    if name is None and layers:
        return (linear or list(layers))[-1]
    if name and name in dict(network.named_modules()):
        return name
    raise ValueError(
        f'final_layer should name the layer of {type(network).__name__} that gives the logits, '
        f'but got {name!r}; its last linear and convolutional layers are {list(layers)[-5:]}'
    )


@MODELS.register_module()
class Classifier(BaseModule):
    """Adapter of any network that maps normalised images to logits.

    The network is an mmpretrain ``ImageClassifier``, ``TimmClassifier`` or
    ``HuggingFaceClassifier``, or a plain module such as torchvision's, that returns logits
    or a container with them; its penultimate features are what its final layer receives.
    Half-precision weights become float32.

    Args:
        network: config of the network.
        checkpoint: path or URL of its weights, a state dict or a full checkpoint,
            loaded strictly when the model is built.
        prefix: leading part of the file's keys to strip.
        how_to_get: how a user gets the file, for the error if it is not there.
        final_layer: name of the layer that gives the logits, of any kind. By default the
            last ``nn.Linear`` (``nn.Conv2d`` where there is none), until :meth:`probe` has
            compared outputs with the logits.
        key: the file's entry with the weights, if it is not a usual one.
        sha256: the digest that the file should have, or None: a download is then the
            very file that was meant.
        init_from_teacher: of a student: start as a part of the teacher, see
            :func:`~mmdfkd.models.classifiers.start_as_part`. The distiller does it.

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
        key: str | None = None,
        sha256: str | None = None,
        init_from_teacher: bool = False,
    ) -> None:
        super().__init__()
        check_switch(init_from_teacher=init_from_teacher)
        self.init_from_teacher = init_from_teacher
        built = isinstance(network, nn.Module)
        with only_safe_loads():
            self.network: Any = network if built else MODELS.build(network)
        self.checkpoint = checkpoint
        # A network may bring its weights: timm's pretrained=True, torchvision's weights=...
        options = network if isinstance(network, dict) else {}
        brought = bool(options.get('pretrained') or options.get('weights'))
        self._brought = brought
        loaded = brought or bool(checkpoint or options.get('checkpoint_path'))
        self.has_weights = built or loaded
        #: Whether its weights, or some, are of a file or of its library.
        self.given_weights = loaded or reads_weights(options)
        if brought and isinstance(self.network, ImageClassifier):
            self.network.init_weights()  # mmpretrain's pretrained=PATH is read only here
        #: Of its classes in their order, where its weights' file or its network says so.
        self.class_names: tuple[str, ...] | None = names_of(self.network)
        if checkpoint is not None:
            names = load_weights(self.network, checkpoint, prefix, how_to_get, key, sha256)
            self.class_names = names or self.class_names
        if isinstance(self.network, WRAPPERS):
            # Their hooks take 'model.' off the keys, but not inside another module, where
            # they then put it on twice when loading: a nested one could not resume.
            self.network._state_dict_hooks.clear()
            self.network._load_state_dict_pre_hooks.clear()
        tensors = [v for v in self.network.state_dict().values() if isinstance(v, Tensor)]
        if any(value.dtype in _HALF for value in tensors):
            self.network.float()
        #: What is random of a network that brought its weights, in words; empty if nothing is.
        self.unfit = unfit(self.network, network) if brought and checkpoint is None else ''
        self._named = final_layer
        # Held for as long as a pass lasts. One hook for good: torch.compile can trace it.
        self._features: Tensor | None = None
        self._hook: RemovableHandle | None = None
        self._watch(find_final_layer(self.network, final_layer))
        layer = self.network.get_submodule(self.final_layer)
        weight = getattr(layer, 'weight', None)
        fits = isinstance(weight, Tensor) and weight.dim() > 1
        self.num_classes = len(weight) if fits else None  # type: ignore[arg-type]
        self.num_features = weight.size(1) if fits else None  # type: ignore[union-attr]
        self.probed = False

    @property
    def image_size(self) -> tuple[int, int] | None:
        """(height, width) that its pretrained weights were made for, if they say so."""
        model: Any = getattr(self.network, 'model', None)
        size: Any = None
        if isinstance(self.network, TimmClassifier) and self._brought and not self.checkpoint:
            size = tuple(model.pretrained_cfg.get('input_size', ())[1:])
        elif isinstance(self.network, HuggingFaceClassifier):
            size = getattr(model.config, 'image_size', None)
        return (size, size) if isinstance(size, int) else tuple(size or ()) or None

    def probe(self, inputs: Tensor) -> Tensor:
        """Find the final layer in one pass of normalised images (N, C, H, W), in eval mode.

        Returns:
            Their logits (N, C).

        Raises:
            ValueError: if the network gives no logits, or the layer should be named.
        """
        layers = layers_to_watch(self.network, self._named)
        logits, passed = look(self.network, inputs, layers, self.final_layer)
        self.drop_features()
        layer = choose_final_layer(self.network, logits, passed, self.final_layer, self._named)
        self._watch(layer.name, layer.pooled)
        self.num_classes = logits.size(1)
        features = passed[layer.name][0][:1]
        self.num_features = (features.mean(layer.pooled) if layer.pooled else features).numel()
        self.probed = True
        return logits

    def _watch(self, name: str, pooled: tuple[int, ...] | None = None) -> None:
        layer = self.network.get_submodule(name)
        if self._hook is not None:
            self._hook.remove()
        self._hook = layer.register_forward_pre_hook(self._keep_features)
        self.final_layer = name
        self._pooled = pooling_of(layer) if pooled is None else pooled

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
        if not isinstance(logits, Tensor):
            logits = logits_of(logits)
        features, self._features = self._features, None
        assert features is not None  # the final layer was passed
        if self._pooled and features.dim() > 2:
            features = features.mean(self._pooled)
        return Prediction(full_precision(logits), features.flatten(1))

    def drop_features(self) -> None:
        """Forget what a pass of the bare ``network`` left: a graph, which cannot be copied."""
        self._features = None

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
