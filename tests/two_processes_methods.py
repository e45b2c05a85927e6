"""Run by torchrun: a few rounds of every method through the Runner, one batch a process."""

import sys
from pathlib import Path

import torch
from mmengine.dist import get_rank
from toy_methods import METHODS
from toy_run import toy_runner

from mmdfkd.engine.distributed import join_processes

ROUNDS = 3
#: What a method does now and then, within these rounds.
RARE = dict(fast_datafree=dict(layer_restart=1), nayer=dict(inversions=2, generator_life=2))


def run(name, work_dir):
    torch.manual_seed(0)
    model = METHODS[name](**RARE.get(name, {}))
    runner = toy_runner(
        work_dir,
        max_iters=ROUNDS,
        model=model,
        launcher='pytorch',
        param_scheduler={key: [] for key in model.optimised},
        cfg=dict(model_wrapper_cfg=dict(type='mmdfkd.SeparateDataParallel')),
    )
    before = {name: weight.clone() for name, weight in model.student.state_dict().items()}
    runner.train()
    scalars = runner.message_hub.log_scalars
    return {
        'state': runner.model.module.state_dict(),
        'student_before': before,
        'figures': {name: scalars[name].data[0][-1] for name in scalars if 'time' not in name},
    }


if __name__ == '__main__':
    folder = Path(sys.argv[1])
    join_processes('pytorch')
    results = {name: run(name, folder / name) for name in METHODS}
    torch.save(results, folder / f'rank_{get_rank()}.pth')
