"""mmdfkd: data-free knowledge distillation for the OpenMMLab stack."""

from mmdfkd.checkpoint_files import make_mmengine_safe
from mmdfkd.safe_load import allow_mmengine_checkpoints
from mmdfkd.version import __version__

allow_mmengine_checkpoints()
make_mmengine_safe()

__all__ = ['__version__']
