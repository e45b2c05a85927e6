"""Hand-made batches as ``val_step`` gives them."""

import torch

NAMES = ('images', 'labels', 'logits', 'features', 'student_logits')


def samples(num=24, classes=4, dim=6, **overrides):
    logits = 2 * torch.randn(num, classes)
    sample = dict(
        images=torch.randint(256, (num, 3, 8, 8)).float(),
        labels=torch.arange(num) % classes,
        logits=logits,
        features=torch.rand(num, dim),
        student_logits=logits + 2 * torch.randn(num, classes),
    )
    return sample | overrides


def part(sample, start, stop):
    return {name: None if v is None else v[start:stop] for name, v in sample.items()}


def evaluate(metric, *batches):
    """The figures without their prefix."""
    for batch in batches:
        metric.process(None, [batch])
    figures = metric.evaluate(sum(len(batch['images']) for batch in batches))
    assert all(isinstance(value, float) for value in figures.values())
    return {name.removeprefix(f'{metric.default_prefix}/'): v for name, v in figures.items()}
