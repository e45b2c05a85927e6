"""Run by torchrun: figures of one set of images, dealt to the processes in turn."""

import sys
from pathlib import Path

import torch
from mmengine.dist import get_rank, get_world_size
from mmengine.evaluator import Evaluator
from toy import toy_dedfkd
from toy_images import Pixels, synthetic_batch

from mmdfkd.datasets import LatentDataset
from mmdfkd.engine.distributed import join_processes
from mmdfkd.evaluation import Agreement, ClassBalance, Diversity, Fidelity
from mmdfkd.evaluation.metrics.agreement import CORRUPTIONS
from mmdfkd.evaluation.run import bind, evaluate_synthetic


def figures(cache_dir):
    """What a process reports of its share of 60 images."""
    torch.manual_seed(0)
    distiller = toy_dedfkd().eval()
    real = dict(type=Pixels, number=81)  # one process reads one more
    fidelity = Fidelity(
        real=real,
        extractor='teacher',
        floor=dict(type=Pixels, number=70, seed=3),
        per_class=True,
        max_samples=30,
        batch_size=10,
        cache_dir=cache_dir,
    )
    metrics = [
        fidelity,
        ClassBalance(real=real),
        Diversity(real=real, max_samples=31),
        Agreement(CORRUPTIONS),
    ]
    bind(metrics, distiller)
    images = Pixels(60, seed=5).images[get_rank() :: get_world_size()].float()
    labels = torch.arange(60)[get_rank() :: get_world_size()] // 20
    evaluator = Evaluator(metrics)
    with torch.no_grad():
        for part, own in zip(images.split(7), labels.split(7), strict=True):
            evaluator.process(synthetic_batch(distiller, part, own))
    found = evaluator.evaluate(60)
    live = LatentDataset(3, 15, 5)  # one process has one image more
    balance = evaluate_synthetic(distiller, live, [ClassBalance()])
    return found | {f'live/{name}': value for name, value in balance.items()}


if __name__ == '__main__':
    folder = Path(sys.argv[1])
    join_processes('pytorch')
    found = [figures(str(folder / 'known')) for _ in range(2)]
    torch.save(found, folder / f'rank_{get_rank()}.pth')
