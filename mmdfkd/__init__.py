"""mmdfkd: data-free knowledge distillation for the OpenMMLab stack."""

import importlib.util
import warnings

if importlib.util.find_spec('mmcv') is None:
    # No dependency: the full mmcv, where it was built, would be overwritten by mmcv-lite.
    raise ImportError(
        "mmcv should be installed, but is not; do: pip install 'mmcv-lite>=2.1,<2.2' (it suffices "
        'here; where the full mmcv of other OpenMMLab packages is wanted, build that)'
    )

from mmdfkd.checkpoint_files import make_mmengine_safe
from mmdfkd.packaged import let_mmengine_find_configs
from mmdfkd.safe_load import allow_mmengine_checkpoints
from mmdfkd.version import __version__

# Of mmcv-lite at import: it has no compiled operators, and needs none here.
warnings.filterwarnings('ignore', 'Fail to import ``MultiScaleDeformableAttention``', UserWarning)

allow_mmengine_checkpoints()
make_mmengine_safe()
let_mmengine_find_configs()

__all__ = ['__version__']
