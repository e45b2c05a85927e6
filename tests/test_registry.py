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


@pytest.mark.parametrize('case', CASES)
def test_components_are_found_from_other_registries_without_an_import(case):
    import_line, config, class_name = CASES[case]
    script = '\n'.join(
        [
            'import sys, warnings',
            "warnings.simplefilter('ignore')",
            import_line,
            "assert not any(name.startswith('mmdfkd') for name in sys.modules)",
            f'print(type(registry.build({config})).__name__)',
        ]
    )
    done = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == class_name


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
