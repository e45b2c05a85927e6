"""Networks by name: of timm, torchvision, mmpretrain, or a function of the user's own."""

import difflib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from typing import Any

import timm
import torchvision
from mmengine.config import Config
from mmpretrain import list_models
from mmpretrain.apis.model import ModelHub
from timm.data import resolve_data_config
from torch import nn

from mmdfkd.config_tools import config_file, read_config
from mmdfkd.config_tools.describe import nearest, one_line
from mmdfkd.registry import MODELS
from mmdfkd.safe_load import only_safe_loads

_HUBS = ('local-dir', 'hf-hub', 'hf_hub')  # schemes of timm's names


@dataclass
class Found:
    """A network, and what its library says of the images it takes; None where it says nothing.

    Args:
        library: timm, torchvision, mmpretrain, or own for a function of the user's.
        network: its config, for ``MODELS.build``.
        pretrained: options of the network with which it brings the library's own weights.
        checkpoint: where the library's own weights are, if they are no option of the network.
        channels: of an image.
        image_size: side of an image in pixels.
        mean: of each channel, in pixels of 0 to 255, in the network's order of channels.
        std: likewise.
        swap: whether the network takes BGR.
        resize: side of a test image before its centre is cut out, over ``image_size``.
        interpolation: of that resizing.
        squash: whether it makes any image a square, so that nothing but a margin is cut off.
        fixed_size: whether the network is built for one size, as vision transformers are.
    """

    library: str
    network: dict[str, Any]
    pretrained: dict[str, Any] | None = None
    checkpoint: str | None = None
    channels: int = 3
    image_size: int | None = None
    mean: list[float] | None = None
    std: list[float] | None = None
    swap: bool = False
    resize: float = 1.0
    interpolation: str = 'bilinear'
    squash: bool = False
    fixed_size: bool = False

    def build(self) -> Any:
        """Build the network, with random weights.

        Raises:
            ValueError: if a function of the user's gives something else.
        """
        with only_safe_loads():
            network = MODELS.build(self.network)
        if not isinstance(network, nn.Module):  # open_clip's gives the transforms, too
            raise ValueError(
                f'{self.network["type"]} should return a network, a torch.nn.Module, but got a '
                f'{type(network).__name__}; write a function that returns the network alone'
            )
        return network

    def set_classes(self, num_classes: int) -> None:
        """Say how many classes it should have; a function of the user's says that itself."""
        if self.library == 'mmpretrain':
            self.network['head']['num_classes'] = num_classes
        elif self.library != 'own':
            self.network['num_classes'] = num_classes

    def set_channels(self, channels: int) -> None:
        """Say how many channels an image has, where the library lets one choose."""
        if self.library == 'mmpretrain':
            self.network['backbone']['in_channels'] = channels
        elif self.library == 'timm':
            self.network['in_chans'] = channels
        self.channels = channels

    def set_options(self, options: dict[str, Any]) -> None:
        """Give it further arguments; ``backbone.depth`` is one inside mmpretrain's backbone.

        Raises:
            ValueError: if a network of mmpretrain has no such part.
        """
        if self.library != 'mmpretrain' or not options:
            self.network.update(options)
            return
        known = {*self.network, 'backbone', 'neck', 'head', 'pretrained', 'init_cfg'}
        if unknown := [key for key in options if key.split('.')[0] not in known]:
            raise ValueError(
                f'options of a network of mmpretrain should be of {sorted(known)}, but got '
                f'{unknown}; write backbone.NAME=VALUE for an argument of the backbone'
            )
        merged = Config(dict(network=self.network))
        merged.merge_from_dict({f'network.{key}': value for key, value in options.items()})
        self.network = merged.network.to_dict()

    def set_image_size(self, side: int | None) -> None:
        """Have a network of a fixed size built for another; None leaves it as it is."""
        if self.fixed_size and side not in (None, self.image_size):
            self.network['img_size'] = side


def find(name: str, options: dict[str, Any] | None = None) -> Iterator[Found]:
    """Find the networks of that name, one after the other: two libraries may have it.

    Args:
        name: of timm, torchvision or mmpretrain, alone or after ``timm/``, ``torchvision/`` or
            ``mmpretrain/``; a config file of mmpretrain's form; or ``module:function``.
        options: arguments of the network.

    Yields:
        At least one; timm's comes first.

    Raises:
        ValueError: if there is none, or a function of the user's cannot be imported.
    """
    none = True
    for found in _candidates(name, options or {}):
        found.set_options(options or {})
        none = False
        yield found
    if none:
        known = [*timm.list_models(), *_torchvisions(), *list_models()]
        close = difflib.get_close_matches(name.split('/')[-1], known, 1)
        raise ValueError(
            f'a network should be a name of timm, torchvision or mmpretrain, a config file, or '
            f'module:function, but got {name!r}{f"; did you mean {close[0]}?" if close else ""}'
        )


def _candidates(name: str, options: dict[str, Any]) -> Iterator[Found]:
    if name.endswith('.py'):
        yield _of_mmpretrain(read_config(config_file(name)))
        return
    scheme, colon, rest = name.partition(':')
    if colon and scheme not in _HUBS:
        yield _own(scheme, rest, options)
        return
    library, slash, rest = name.partition('/')
    named = bool(slash) and library in ('timm', 'torchvision', 'mmpretrain')
    word = rest if named else name
    if (not named or library == 'timm') and (scheme in _HUBS or timm.is_model(word)):
        yield _of_timm(word)
    if (not named or library == 'torchvision') and word in _torchvisions():
        yield _of_torchvision(word)
    if (not named or library == 'mmpretrain') and word in list_models(word):
        entry = ModelHub.get(word)
        yield _of_mmpretrain(entry.config, entry.weights)


def _torchvisions() -> list[str]:
    return torchvision.models.list_models(module=torchvision.models)


def _of_timm(name: str) -> Found:
    found = Found('timm', dict(type='mmpretrain.TimmClassifier', model_name=name))
    found.pretrained = dict(pretrained=True)
    config: Any = timm.create_model(name).pretrained_cfg
    found.fixed_size = bool(config.get('fixed_input_size'))
    _read_timms(found, config)
    return found


def _read_timms(found: Found, config: dict[str, Any]) -> None:
    data = resolve_data_config({}, pretrained_cfg=config)
    found.channels, found.image_size = data['input_size'][:2]
    found.mean, found.std = ([255 * v for v in data[name]] for name in ('mean', 'std'))
    assert found.image_size is not None
    # timm rounds down.
    found.resize = math.floor(found.image_size / data['crop_pct']) / found.image_size
    found.interpolation = data['interpolation']
    found.squash = data['crop_mode'] == 'squash'


def _of_torchvision(name: str) -> Found:
    found = Found('torchvision', dict(type=f'torchvision.models.{name}'))
    weights = torchvision.models.get_model_weights(name).DEFAULT
    test = weights.transforms()
    found.pretrained = dict(weights=weights.name)
    found.image_size = test.crop_size[0]
    found.mean, found.std = [255 * v for v in test.mean], [255 * v for v in test.std]
    found.resize = test.resize_size[0] / test.crop_size[0]
    found.interpolation = test.interpolation.value
    return found


def _of_mmpretrain(cfg: Config, weights: str | None = None) -> Found:
    model = cfg.get('model')
    if not (isinstance(model, dict) and {'backbone', 'head'} <= set(model)):
        told = f'{model.get("type")} with {list(model)}' if isinstance(model, dict) else model
        raise ValueError(
            f'a config of mmpretrain should have a model with backbone and head, but got {told}; '
            'write module:function for a function of yours'
        )
    network = {key: value for key, value in cfg.model.to_dict().items() if key != 'train_cfg'}
    found = Found('mmpretrain', dict(_scope_='mmpretrain') | network, checkpoint=weights)
    data = cfg.model.get('data_preprocessor') or cfg.get('data_preprocessor') or {}
    found.network.pop('data_preprocessor', None)
    found.mean, found.std = (
        [float(value) for value in data[name]] if data.get(name) else None
        for name in ('mean', 'std')
    )
    found.channels = len(found.mean or [0, 0, 0])
    dataset = (cfg.get('test_dataloader') or {}).get('dataset', {})
    steps = {_type_name(step): step for step in dataset.get('pipeline', [])}
    # Files are read as BGR; mmpretrain's CIFAR is RGB as it is. Three places may swap them.
    swaps = (
        'LoadImageFromFile' in steps,
        steps.get('NumpyToPIL', {}).get('to_rgb'),
        steps.get('PILToNumpy', {}).get('to_bgr'),
        data.get('to_rgb'),
    )
    found.swap = found.channels == 3 and sum(map(bool, swaps)) % 2 == 1
    crop = steps.get('CenterCrop', {}).get('crop_size')
    resize: dict[str, Any] = next((steps[k] for k in ('ResizeEdge', 'Resize') if k in steps), {})
    scale: Any = resize.get('scale')
    found.squash = bool(resize) and 'ResizeEdge' not in steps and not resize.get('keep_ratio')
    if isinstance(scale, list | tuple) and len({*scale}) == 1:
        scale = scale[0]
    name = resize.get('interpolation', found.interpolation)
    found.interpolation = 'box' if name == 'area' else name  # pillow's word for it
    if 'CIFAR' in _type_name(dataset):
        scale = scale or 32
    found.image_size = crop or (scale if isinstance(scale, int) else None)
    if crop and isinstance(scale, int):
        found.resize = scale / crop
    return found


def _type_name(part: Any) -> str:
    kind = part.get('type', '')  # a class in a config of the newer style
    return kind.rsplit('.', 1)[-1] if isinstance(kind, str) else kind.__name__


def _own(module: str, function: str, options: dict[str, Any]) -> Found:
    _check_there(module, function)
    found = Found('own', dict(type=f'{module}.{function}') | options)
    config = getattr(found.build(), 'pretrained_cfg', None)
    if config:  # the function gives a network of timm
        _read_timms(found, config)
    return found


def _check_there(module: str, function: str) -> None:
    """Raise a ValueError if a function of the user's cannot be imported: the registry hides why."""
    try:
        content = import_module(module)
    except Exception as error:  # of the user's own lines
        raise ValueError(
            f'{module} should be importable from the current folder or PYTHONPATH, but that raised '
            f'{type(error).__name__}: {one_line(str(error))}; mend it, or go to its folder'
        ) from error
    try:
        attrgetter(function)(content)
    except AttributeError as error:
        advice = nearest(function, vars(content)) or 'mind its spelling'
        raise ValueError(
            f'{module}:{function} should be a function of {content.__name__}, but that has no '
            f'{function!r}; {advice}'
        ) from error
