"""Run by torchrun: trains the toy distiller and writes each rank's weights to a folder."""

import sys
from pathlib import Path

import torch
from toy import toy_dedfkd
from toy_run import toy_runner

from mmdfkd.engine.distributed import join_processes
from mmdfkd.engine.hooks import GeneratorRestartHook
from mmdfkd.models.generators import ConditionalGenerator

if __name__ == '__main__':
    folder = Path(sys.argv[1])
    join_processes('pytorch')
    generator = dict(
        type=ConditionalGenerator, num_classes=3, latent_dim=5, image_size=8, base_channels=2
    )
    runner = toy_runner(
        folder / 'work',
        max_iters=4,
        model=toy_dedfkd(generator=generator),
        launcher='pytorch',
        cfg=dict(model_wrapper_cfg=dict(type='mmdfkd.SeparateDataParallel')),
    )
    runner.register_hook(GeneratorRestartHook(interval=3))
    runner.train()
    torch.save(runner.model.module.state_dict(), folder / f'rank_{runner.rank}.pth')
