import subprocess
import sys

import pytest

CASES = {
    'mmpretrain-model': (
        'from mmpretrain.registry import MODELS as registry',
        "dict(type='mmdfkd.ConditionalGenerator', num_classes=3, base_channels=2)",
        'ConditionalGenerator',
    ),
    'hook': (
        'from mmengine.registry import HOOKS as registry',
        "dict(type='mmdfkd.NonFiniteLossHook')",
        'NonFiniteLossHook',
    ),
    'dataset': (
        'from mmengine.registry import DATASETS as registry',
        "dict(type='mmdfkd.LabelDataset', num_classes=3, length=6)",
        'LabelDataset',
    ),
    'metric': (
        'from mmengine.registry import METRICS as registry',
        "dict(type='mmdfkd.Agreement')",
        'Agreement',
    ),
    'transform': (
        'from mmpretrain.registry import TRANSFORMS as registry',
        "dict(type='mmdfkd.Corrupt', name='fog', severity=3)",
        'Corrupt',
