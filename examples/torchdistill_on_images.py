"""Another toolkit on our images: torchdistill's KD, LeNet-5 -> LeNet-5-half, on a folder.

    python tools/synthesize.py CONFIG CHECKPOINT digits --per-class 2000
    python examples/torchdistill_on_images.py digits TEACHER.pth

``digits`` is an ordinary folder of classes: nothing in it is of this package, and torchdistill
sees a torchvision ``ImageFolder``. student.pth is what ``tools/publish_student.py`` writes, too.
"""

import argparse
from pathlib import Path

import torch
from mmengine.config import Config
from torch import nn
from torch.utils.data import RandomSampler
from torchdistill.core.distillation import get_distillation_box
from torchvision.datasets import ImageFolder
from torchvision.transforms import Compose, Grayscale, PILToTensor, RandomAffine

from mmdfkd.export import PixelClassifier
from mmdfkd.models.classifiers import Classifier
from mmdfkd.registry import MODELS

CONFIG = Path(__file__).parents[1] / 'configs/dedfkd_lenet5_mnist5k.py'


def networks(teacher: str) -> tuple[nn.Module, nn.Module]:
    """Return teacher and student as plain modules: pixels (N, 1, 32, 32) in, logits out."""
    cfg = Config.fromfile(CONFIG)
    mean, std = (list(cfg.model.data_preprocessor[name]) for name in ('mean', 'std'))
    big = Classifier(MODELS.build(cfg.model.teacher.network), checkpoint=teacher)
    small = MODELS.build(cfg.model.student.network)
    return tuple(PixelClassifier(network, mean, std) for network in (big.network, small))


def train_config(epochs: int, batch_size: int) -> dict:
    """Return what torchdistill reads from a YAML file elsewhere."""
    logits = {
        f'{who}_module_{what}': where
        for who in ('student', 'teacher')
        for what, where in (('path', '.'), ('io', 'output'))
    }
    kd = dict(key='KDLoss', kwargs=dict(temperature=4.0, alpha=0.0, **logits))
    part = dict(forward_proc='forward_batch_only', wrapper=None)
    return dict(
        num_epochs=epochs,
        train_data_loader=dict(
            dataset_id='synthetic',
            sampler=dict(class_or_func=RandomSampler),
            kwargs=dict(batch_size=batch_size, num_workers=0, drop_last=True),
        ),
        teacher=part | dict(requires_grad=False),
        student=dict(part),
        optimizer=dict(key='Adam', kwargs=dict(lr=2e-3)),
        scheduler=dict(key='CosineAnnealingLR', kwargs=dict(T_max=epochs)),
        criterion=dict(
            key='WeightedSumLoss', kwargs=dict(sub_terms=dict(kd=dict(criterion=kd, weight=16.0)))
        ),  # of temperature squared, which alpha=0 leaves out
    )


def main() -> None:
    """Distil, and write student.pth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', help='of tools/synthesize.py')
    parser.add_argument('teacher', help='weights of the LeNet-5')
    parser.add_argument('--epochs', type=int, default=10)
    parser.add_argument('--batch-size', type=int, default=128)
    args = parser.parse_args()
    torch.manual_seed(0)
    views = Compose([Grayscale(), RandomAffine(20, (0.15, 0.15), (0.9, 1.1)), PILToTensor()])
    teacher, student = networks(args.teacher)
    box = get_distillation_box(
        teacher.eval(),
        student,
        dict(synthetic=ImageFolder(args.folder, views)),
        train_config(args.epochs, args.batch_size),
        torch.device('cpu'),
        None,
        False,
        1.0,
    )
    for epoch in range(args.epochs):
        box.pre_epoch_process(epoch=epoch)
        total = 0.0
        for batch, targets, _ in box.train_data_loader:
            loss = box.forward_process(batch, targets, None)
            box.post_forward_process(loss=loss)
            total += float(loss)
        box.post_epoch_process()
        print(f'epoch {epoch + 1}: loss {total / len(box.train_data_loader):.4f}', flush=True)
    torch.save({'state_dict': student.network.state_dict()}, 'student.pth')


if __name__ == '__main__':
    main()
