"""Weights that a network brings of its own: its library's, or a file's that its config names."""

from typing import Any

from mmpretrain.models import HuggingFaceClassifier, ImageClassifier, TimmClassifier

from mmdfkd.checkpoint_files import read_checkpoint
from mmdfkd.weights import find_weights

#: mmpretrain's classifiers around another library's ``model``.
WRAPPERS = (TimmClassifier, HuggingFaceClassifier)
#: Arguments of networks that name weights: torchvision's ``weights``, timm's ``checkpoint_path``.
_BROUGHT = ('pretrained', 'weights', 'checkpoint_path')


def reads_weights(config: Any) -> bool:
    """Does mmpretrain's ``init_weights`` read a file for this network, or a part of it?"""
    if isinstance(config, list | tuple):
        return any(map(reads_weights, config))
    if not isinstance(config, dict):
        return False
    return config.get('type') == 'Pretrained' or any(map(reads_weights, config.values()))


def drop_weights(config: Any) -> None:
    """Take out of a network's config, and its parts', what names weights to begin with."""
    if isinstance(config, list | tuple):
        for part in config:
            drop_weights(part)
    elif isinstance(config, dict):
        for name in _BROUGHT:
            if not isinstance(config.get(name), list | tuple):  # numbers are something else
                config.pop(name, None)
        ways = config.get('init_cfg')
        if isinstance(ways, list | tuple):
            config['init_cfg'] = [way for way in ways if not reads_weights(way)]
        elif reads_weights(ways):
            config.pop('init_cfg')
        for part in config.values():
            drop_weights(part)


def unfit(network: Any, config: Any) -> str:
    """Say which weights of a network that brought its own are random; empty if none is."""
    model: Any = getattr(network, 'model', None)
    if isinstance(network, TimmClassifier) and config.get('pretrained'):
        classes = model.pretrained_cfg.get('num_classes')
        if classes != model.num_classes:
            head = f'a head of {model.num_classes}'
            return f'pretrained=True has {classes} classes, and {head} is random'
    if isinstance(network, HuggingFaceClassifier) and config.get('pretrained'):
        from transformers import AutoConfig

        where = ('revision', 'cache_dir', 'token', 'subfolder', 'trust_remote_code')
        options = {name: config[name] for name in where if name in config}
        saved = AutoConfig.from_pretrained(config['model_name'], **options)
        if saved.num_labels != model.config.num_labels:
            return (
                f'{config["model_name"]} has {saved.num_labels} classes, and a head of '
                f'{model.config.num_labels} is random'
            )
        if not any('ImageClassification' in name for name in saved.architectures or ['Image']):
            return f'{config["model_name"]} is a {saved.architectures[0]}, and any head is random'
    if isinstance(network, ImageClassifier) and isinstance(config.get('pretrained'), str):
        found = find_weights(read_checkpoint(config['pretrained']), config['pretrained'])
        missing = [
            name
            for name, value in network.state_dict().items()
            if name not in found or found[name].shape != value.shape
        ]
        if missing:
            return f'{config["pretrained"]} has no {missing[:3]} that fit, and these are random'
    return ''
