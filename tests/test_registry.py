import json
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
    ),
    'optim-wrapper-constructor': (
        'from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS as registry',
        "dict(type='mmdfkd.MultiOptimWrapperConstructor', optim_wrapper_cfg={})",
        'MultiOptimWrapperConstructor',
    ),
    'param-scheduler': (
        'import torch; from mmengine.registry import PARAM_SCHEDULERS as registry',
        "dict(type='mmdfkd.CosinePeriodLR', period=3, optimizer=torch.optim.SGD([torch.zeros(1)]))",
        'CosinePeriodLR',
    ),
    'model-wrapper': (
        'from mmengine.registry import MODEL_WRAPPERS as registry',
        "dict(type='mmdfkd.SeparateDataParallel', module=__import__('torch').nn.Identity())",
        'SeparateDataParallel',
    ),
}


#: Each case in a fork of a process that has third parties imported, which take seconds, and
#: nothing of mmdfkd.
SCRIPT = """
import json, os, sys, warnings
warnings.simplefilter('ignore')
import mmpretrain.datasets, mmpretrain.evaluation, mmpretrain.models, timm, torch
assert not any(name.startswith('mmdfkd') for name in sys.modules)
for case, (import_line, config, _) in json.loads(sys.argv[1]).items():
    if not os.fork():
        exec(import_line)
        assert not any(name.startswith('mmdfkd') for name in sys.modules)
        print('BUILT', case, type(registry.build(eval(config))).__name__, flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope='module')
def built():
    """The names of the classes built, by case, and what was printed."""
    command = [sys.executable, '-c', SCRIPT, json.dumps(CASES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith('BUILT')]
    return {case: class_name for _, case, class_name in lines}, done.stderr


@pytest.mark.parametrize('case', CASES)
def test_components_are_found_from_other_registries_without_an_import(case, built):
    names, errors = built
    assert names.get(case) == CASES[case][2], errors


@pytest.mark.parametrize(
    'name',
    [
        'DATASETS',
        'HOOKS',
        'METRICS',
        'MODELS',
        'MODEL_WRAPPERS',
        'OPTIM_WRAPPER_CONSTRUCTORS',
        'PARAM_SCHEDULERS',
        'TRANSFORMS',
    ],
)
def test_registries_hold_only_what_mmdfkd_defines(name):
    import mmdfkd.datasets
    import mmdfkd.engine
    import mmdfkd.evaluation
    import mmdfkd.models  # noqa: F401
    import mmdfkd.registry as registries

    registry = getattr(registries, name)
    assert len(registry.module_dict)
    for component in registry.module_dict.values():
        assert component.__module__.startswith('mmdfkd.')
        assert registry.get(component.__name__) is component


def test_an_unknown_component_is_not_found():
    from mmdfkd.registry import MODELS

    with pytest.raises(KeyError, match='NoSuchGenerator'):
        MODELS.build(dict(type='NoSuchGenerator'))
