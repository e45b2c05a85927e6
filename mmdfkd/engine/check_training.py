"""What a training's config says of lengths, batches, rates and schedules."""

import logging
from typing import Any

from mmengine.config import Config

from mmdfkd.checks import check_not_negative, check_positive, check_range, check_switch
from mmdfkd.engine.schedulers.checks import check_schedules
from mmdfkd.optimizer_checks import check_wrapper


def check_training(cfg: Config) -> None:
    """Raise a ValueError naming the first setting of a training that cannot be right.

    MMEngine takes many of them, and misbehaves in the first round, in the first evaluation, or
    in silence. A length, an interval or a batch of none is among them.
    """
    check_is_training(cfg)
    check_switch(resume=cfg.get('resume', False))
    by_epoch = 'max_iters' not in cfg.train_cfg
    unit = 'max_epochs' if by_epoch else 'max_iters'
    length = cfg.train_cfg.get(unit)
    check_positive(**{f'train_cfg.{unit}': length})
    check_positive(**{'train_cfg.val_interval': cfg.train_cfg.get('val_interval', 1)})
    _check_warmup(cfg, length)
    check_loaders(cfg)
    for name in ('randomness', 'log_processor'):
        if not isinstance(cfg.get(name, {}), dict):
            raise ValueError(f'{name} should be a dict, but got {cfg[name]!r}; leave it out')
    level = cfg.get('log_level', 'INFO')
    if not (isinstance(level, str) and isinstance(logging.getLevelName(level), int)):
        raise ValueError(f'log_level should be as INFO or WARNING, but got {level!r}')
    window = (cfg.get('log_processor') or {}).get('window_size', 1)
    check_positive(**{'log_processor.window_size': window})
    seed = (cfg.get('randomness') or {}).get('seed')
    if seed is not None:
        check_not_negative(**{'randomness.seed': seed})
    wrappers = _wrappers(cfg)
    rates = {}
    for key, wrapper in wrappers.items():
        name = f'optim_wrapper.{key}' if key else 'optim_wrapper'
        check_wrapper(name, wrapper)
        rates[key] = wrapper.optimizer.get('lr')
        if rates[key] is not None:  # with 0 nothing would be learned
            check_range('(0, inf)', **{f'the lr of {name}': rates[key]})
    check_schedules(cfg.get('param_scheduler'), rates, length, by_epoch)


def check_is_training(cfg: Config) -> None:
    """Raise a ValueError if the config is not of a training."""
    for name in ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'):
        if not isinstance(cfg.get(name), dict):
            raise ValueError(
                f'{name} should be a dict, for a training, but got {cfg.get(name)!r}; give the '
                'config of a training'
            )


def check_accuracy(config: str, cfg: Config) -> None:
    """Raise a ValueError if the config does not evaluate an accuracy, which a table is of."""
    evaluators = cfg.get('val_evaluator') or []
    of = evaluators if isinstance(evaluators, list) else [evaluators]
    if not any('Accuracy' in str(evaluator['type']) for evaluator in of):
        raise ValueError(
            f'{config} should have an Accuracy in its val_evaluator, but got '
            f'{[str(evaluator["type"]) for evaluator in of]}; evaluate it on labelled images'
        )


def check_loaders(cfg: Config) -> None:
    """Raise a ValueError naming a batch or number of workers out of range."""
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader: Any = cfg.get(name)
        if isinstance(loader, dict):
            check_positive(**{f'{name}.batch_size': loader.get('batch_size', 1)})
            check_not_negative(**{f'{name}.num_workers': loader.get('num_workers', 0)})
            sampler = loader.get('sampler')
            if isinstance(sampler, dict) and 'shuffle' in sampler:
                check_switch(**{f'{name}.sampler.shuffle': sampler['shuffle']})


def _check_warmup(cfg: Config, length: int) -> None:
    """Raise a ValueError if a distillation is over before its student is trained."""
    warmup = cfg.model.get('warmup_rounds', 0)
    check_not_negative(**{'model.warmup_rounds': warmup})
    if 'max_iters' in cfg.train_cfg and length <= warmup:
        raise ValueError(
            f'train_cfg.max_iters should be more than the {warmup} rounds of '
            f'model.warmup_rounds, in which the student waits, but got {length}; train for '
            'longer, or shorten the warm-up, too, as --rounds does'
        )


def _wrappers(cfg: Config) -> dict[str, Any]:
    """Return the configs of the optimisers' wrappers by key; a single one's is ''."""
    given = cfg.optim_wrapper
    if 'optimizer' in given:
        return {'': given}
    if not given.get('constructor'):
        raise ValueError(
            'optim_wrapper should have an optimizer, or one a key and the constructor '
            f'MultiOptimWrapperConstructor, but got {sorted(given)}; give the constructor'
        )
    others = ('type', 'constructor', 'paramwise_cfg')
    return {key: part for key, part in given.items() if key not in others}
