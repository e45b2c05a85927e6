"""Children of MMEngine's registries.

A component of mmdfkd resolves as ``mmdfkd.X`` from any other OpenMMLab
package's registry: MMEngine imports the module of that name and the
``locations`` below, so no ``custom_imports`` is needed.
"""

from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODEL_WRAPPERS as MMENGINE_MODEL_WRAPPERS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import (
    OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS,
)
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import PARAM_SCHEDULERS as MMENGINE_PARAM_SCHEDULERS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import Registry

DATASETS = Registry(
    'dataset', parent=MMENGINE_DATASETS, scope='mmdfkd', locations=['mmdfkd.datasets']
)
HOOKS = Registry('hook', parent=MMENGINE_HOOKS, scope='mmdfkd', locations=['mmdfkd.engine'])
METRICS = Registry(
    'metric', parent=MMENGINE_METRICS, scope='mmdfkd', locations=['mmdfkd.evaluation']
)
MODELS = Registry('model', parent=MMENGINE_MODELS, scope='mmdfkd', locations=['mmdfkd.models'])
MODEL_WRAPPERS = Registry(
    'model_wrapper', parent=MMENGINE_MODEL_WRAPPERS, scope='mmdfkd', locations=['mmdfkd.engine']
)
OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    'optimizer wrapper constructor',
    parent=MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS,
    scope='mmdfkd',
    locations=['mmdfkd.engine'],
)
OPTIM_WRAPPERS = Registry(
    'optim_wrapper',
    parent=MMENGINE_OPTIM_WRAPPERS,
    scope='mmdfkd',
    locations=['mmdfkd.engine'],
)
PARAM_SCHEDULERS = Registry(
    'parameter scheduler',
    parent=MMENGINE_PARAM_SCHEDULERS,
    scope='mmdfkd',
    locations=['mmdfkd.engine'],
)
TRANSFORMS = Registry(
    'transform', parent=MMENGINE_TRANSFORMS, scope='mmdfkd', locations=['mmdfkd.datasets']
)
