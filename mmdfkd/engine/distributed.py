"""Several processes, with or without a GPU."""

import os
from typing import Any

import torch
from mmengine.model import MMSeparateDistributedDataParallel, is_model_wrapper
from torch import nn

from mmdfkd.registry import MODEL_WRAPPERS

#: What the processes of a launcher find in their environment.
_VARIABLES = {
    'pytorch': ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
}


@MODEL_WRAPPERS.register_module()
class SeparateDataParallel(MMSeparateDistributedDataParallel):
    """MMEngine's wrapper of each trainable part, also where there is no GPU.

    A round is the distiller's own ``train_step``, so generator and student are wrapped
    one by one. Gradients are averaged over the processes, and the generator's losses are
    of all processes' images: N processes with a batch of B each do what one with N * B
    does. So do their batch norms with ``sync_bn='torch'`` in the config, which torch has
    for GPUs only; otherwise a batch norm normalises by its own process's images, and its
    running statistics are averaged at the end of a round. Latents, augmentation and draws
    from the memory are each process's own. After a round, weights, running statistics and
    the memory are the same in all processes, so that the one checkpoint resumes them all.

    Args:
        module: the distiller.
        device_ids: the GPU the Runner chose; not used without one.
        **kwargs: of MMEngine's wrapper.
    """

    def __init__(self, module: nn.Module, device_ids: list[int] | None = None, **kwargs: Any):
        if torch.cuda.is_available():
            kwargs['device_ids'] = device_ids
        super().__init__(module, **kwargs)
        # Keys are those of a distiller without wrappers, by which MMEngine resumes a run, and
        # its EMAHook the averages of a copy that has the wrappers, too.
        for child in filter(is_model_wrapper, module.children()):
            child.register_state_dict_post_hook(_leave_wrapper_out)
            child.register_load_state_dict_pre_hook(_put_wrapper_in)


def _leave_wrapper_out(_: nn.Module, state: dict, prefix: str, *__: object) -> None:
    for key in [key for key in state if key.startswith(f'{prefix}module.')]:
        state[prefix + key.removeprefix(f'{prefix}module.')] = state.pop(key)


def _put_wrapper_in(_: nn.Module, state: dict, prefix: str, *__: object) -> None:
    for key in [key for key in state if key.startswith(prefix)]:
        state[f'{prefix}module.{key.removeprefix(prefix)}'] = state.pop(key)


def join_processes(launcher: str) -> None:
    """Tell the Runner this process's place, and without a GPU join the others over gloo.

    MMEngine's launchers select a GPU before anything else; a Runner that finds the
    processes joined leaves that out. With a GPU the Runner joins them.

    Args:
        launcher: the Runner's: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        ValueError: if the environment is not that of the launcher's processes.
    """
    if launcher == 'none':
        return
    on_cpu = not torch.cuda.is_available()
    wanted = [*_VARIABLES[launcher], *(['MASTER_ADDR'] if on_cpu else [])]
    missing = [name for name in wanted if name not in os.environ]
    if missing:
        raise ValueError(
            f'--launcher {launcher} should find {wanted} in the environment, but got no '
            f'{missing}; start with torchrun (pytorch), srun (slurm) or Open MPI’s mpirun (mpi), '
            'and set MASTER_ADDR to the host of rank 0'
        )
    # MMEngine's mpi launcher leaves LOCAL_RANK out, by which its Runner chooses a GPU.
    for name, variable in zip(_VARIABLES['pytorch'], _VARIABLES[launcher], strict=True):
        os.environ[name] = os.environ[variable]
    if on_cpu:
        os.environ.setdefault('MASTER_PORT', '29500')  # torch's and MMEngine's default
        torch.distributed.init_process_group('gloo')
