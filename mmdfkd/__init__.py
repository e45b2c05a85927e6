"""mmdfkd: data-free knowledge distillation for the OpenMMLab stack."""

import warnings

from mmdfkd.checkpoint_files import make_mmengine_safe
from mmdfkd.safe_load import allow_mmengine_checkpoints
from mmdfkd.version import __version__

# Of mmcv-lite at import: it has no compiled operators, and needs none here.
warnings.filterwarnings('ignore', 'Fail to import ``MultiScaleDeformableAttention``', UserWarning)

allow_mmengine_checkpoints()
make_mmengine_safe()

__all__ = ['__version__']
