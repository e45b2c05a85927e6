"""A Runner around the toy distiller, with a labelled toy set to validate on."""

import uuid

import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler, default_collate, pseudo_collate
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop, Runner
from mmpretrain.evaluation import Accuracy
from mmpretrain.structures import DataSample
from torch.utils.data import Dataset
from toy import NUM_CLASSES, toy_dedfkd

from mmdfkd.datasets import LabelDataset
from mmdfkd.engine.hooks import (
    AtomicCheckpointHook,
    DistillationSummaryHook,
    IterationSeedHook,
    NonFiniteLossHook,
    SyntheticGridHook,
)
from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor


class Digits(Dataset):
    """Twelve random 8-pixel images with labels."""

    def __init__(self, classes=NUM_CLASSES):
        self.metainfo = {'classes': [str(i) for i in range(classes)]}
        self.images = torch.randint(
            256, (12, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
        )

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        sample = DataSample().set_gt_label(index % NUM_CLASSES)
        return {'inputs': self.images[index], 'data_samples': sample}


def toy_runner(
    work_dir,
    max_iters,
    checkpoint_interval=100,
    grid_interval=100,
    train_dataset=None,
    val_dataset=None,
    batch_size=6,
    model=None,
    param_scheduler=None,
    **kwargs,
):
    torch.manual_seed(0)
    model = model or toy_dedfkd()
    sgd = dict(type=OptimWrapper, optimizer=dict(type=torch.optim.SGD, lr=0.05, momentum=0.9))
    defaults = dict(
        model=model,
        work_dir=str(work_dir),
        experiment_name=uuid.uuid4().hex,
        default_scope=None,
        train_dataloader=dict(
            batch_size=batch_size,
            num_workers=0,
            dataset=train_dataset or LabelDataset(NUM_CLASSES, 60),
            sampler=dict(type=InfiniteSampler, shuffle=False),
            collate_fn=dict(type=default_collate),
        ),
        train_cfg=dict(type=IterBasedTrainLoop, max_iters=max_iters, val_interval=max_iters),
        val_dataloader=dict(
            batch_size=5,
            num_workers=0,
            dataset=val_dataset or Digits(),
            sampler=dict(type=DefaultSampler, shuffle=False),
            collate_fn=dict(type=pseudo_collate),
        ),
        val_cfg=dict(),
        val_evaluator=dict(type=Accuracy),
        optim_wrapper=dict(
            constructor=MultiOptimWrapperConstructor,
            **{key: dict(sgd) for key in getattr(model, 'optimised', ('generator', 'student'))},
        ),
        param_scheduler=param_scheduler
        or dict(
            generator=[], student=[dict(type=CosineAnnealingLR, T_max=max_iters, by_epoch=False)]
        ),
        default_hooks=dict(
            checkpoint=dict(
                type=AtomicCheckpointHook,
                by_epoch=False,
                interval=checkpoint_interval,
                max_keep_ckpts=2,
            )
        ),
        custom_hooks=[
            dict(type=IterationSeedHook),
            dict(type=NonFiniteLossHook),
            dict(type=SyntheticGridHook, interval=grid_interval),
            dict(type=DistillationSummaryHook),
        ],
        randomness=dict(seed=0),
    )
    return Runner(**(defaults | kwargs))
