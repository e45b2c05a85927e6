"""Several processes, with or without a GPU."""

from typing import Any

import torch
from mmengine.model import MMSeparateDistributedDataParallel
from torch import nn

from mmdfkd.registry import MODEL_WRAPPERS


@MODEL_WRAPPERS.register_module()
class SeparateDataParallel(MMSeparateDistributedDataParallel):
    """MMEngine's wrapper of each trainable part, also where there is no GPU.

    A round is the distiller's own ``train_step``, so generator and student are wrapped
    one by one. Gradients are averaged over the processes; batch norm, the metric loss
    and the bank see the process's own images.

    Args:
        module: the distiller.
        device_ids: the GPU the Runner chose; not used without one.
        **kwargs: of MMEngine's wrapper.
    """

    def __init__(self, module: nn.Module, device_ids: list[int] | None = None, **kwargs: Any):
        if torch.cuda.is_available():
            kwargs['device_ids'] = device_ids
        super().__init__(module, **kwargs)


def init_cpu_processes(launcher: str) -> None:
    """Join the processes of ``torchrun`` over gloo if there is no GPU.

    MMEngine's launchers select a GPU before anything else; a Runner that finds the
    processes joined leaves that out.

    Args:
        launcher: the Runner's: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        ValueError: if another launcher than torchrun's is asked for without a GPU.
    """
    if launcher == 'none' or torch.cuda.is_available():
        return
    if launcher != 'pytorch':
        raise ValueError(
            f"--launcher should be 'pytorch' where torch sees no GPU, but got {launcher!r}; "
            'start with torchrun'
        )
    torch.distributed.init_process_group('gloo')
