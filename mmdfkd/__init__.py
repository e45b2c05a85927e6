"""mmdfkd: data-free knowledge distillation for the OpenMMLab stack."""

from mmdfkd.safe_load import allow_mmengine_checkpoints
from mmdfkd.version import __version__

allow_mmengine_checkpoints()

__all__ = ['__version__']
