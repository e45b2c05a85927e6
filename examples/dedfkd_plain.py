"""DE-DFKD as one plain training loop: no Runner, no hooks, no config files.

    python examples/dedfkd_plain.py work_dirs/teachers/lenet5_mnist5k/epoch_40.pth

Everything comes from mmdfkd's losses, generator and memory; what the loop does is the
method. It distils the quickstart's LeNet-5 into one of half the width, and writes the student
as an ordinary state dict. No image is read.
"""

import argparse

import torch
from mmpretrain.models import ImageClassifier, LinearClsHead
from rich.progress import track

from mmdfkd.models.backbones import DAFLLeNet5
from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.generators import ConditionalGenerator
from mmdfkd.models.losses import (
    ActivationLoss,
    AdversarialLoss,
    ClassConditionLoss,
    KDLoss,
    MetricLearningLoss,
    PixelStatisticsLoss,
    TotalVariationLoss,
)
from mmdfkd.models.memories import ImageMemory
from mmdfkd.models.utils import Compose, RandomAffine, RandomErase, frozen

CLASSES, BATCH = 10, 128
MEAN, STD = 33.46, 78.87  # the teacher's own, in pixels of 0 to 255


def lenet5(width: float) -> dict:
    """Config of a LeNet-5 of ``width`` times the channels."""
    head = dict(type=LinearClsHead, num_classes=CLASSES, in_channels=int(84 * width))
    return dict(type=ImageClassifier, backbone=dict(type=DAFLLeNet5, width=width), head=head)


def main() -> None:
    """Distil."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('teacher', help='weights of a LeNet-5, a state dict or a checkpoint')
    parser.add_argument('--rounds', type=int, default=500)
    parser.add_argument('--kd-steps', type=int, default=10, help='student steps a round')
    parser.add_argument('--out', default='student.pth')
    args = parser.parse_args()
    torch.manual_seed(0)

    teacher = Classifier(lenet5(1.0), checkpoint=args.teacher).requires_grad_(False).eval()
    student = Classifier(lenet5(0.5))
    student.init_weights()
    generator = ConditionalGenerator(
        CLASSES, latent_dim=100, out_channels=1, base_channels=16, subpixel=True, median_pixel=8.0
    )
    condition = ClassConditionLoss(loss_weight=0.2)
    adversary = AdversarialLoss(divergence='relative_l1', agreement_mask=False)
    metric = MetricLearningLoss('M4', loss_weight=3.0, gate=0.0, spread=0.3, separation=0.1)
    activation = ActivationLoss(loss_weight=0.5, logarithmic=True)
    pixel, variation = PixelStatisticsLoss(1.0), TotalVariationLoss(0.3)
    kd = KDLoss('l1')

    augment = Compose([RandomAffine(shift=6.0, degrees=20.0, scale=0.1), RandomErase(0.5)])
    memory = ImageMemory(args.rounds * BATCH).allocate((1, 32, 32))
    generator_optimizer = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    student_optimizer = torch.optim.Adam(student.parameters(), lr=4e-3)
    schedules = [
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.rounds)
        for optimizer in (generator_optimizer, student_optimizer)
    ]
    labels = torch.arange(BATCH) % CLASSES

    for _ in track(range(args.rounds), 'rounds'):
        # The generator: images of the asked classes, diverse, and hard for the student.
        latents = torch.randn(BATCH, generator.latent_dim)
        images = generator(latents, labels)
        inputs = (images - MEAN) / STD
        logits, features = teacher(inputs)
        with frozen(student):
            student_logits = student(inputs).logits
        loss = (
            condition(logits, labels)
            + adversary(student_logits, logits)
            + metric(features, logits, labels, latents)
            + activation(features)
            + pixel(inputs)
            + variation(inputs)
        )
        generator_optimizer.zero_grad()
        loss.backward()
        generator_optimizer.step()
        memory.add(images)

        # The student: what the teacher says of these images and of earlier ones.
        for _ in range(args.kd_steps):
            views = memory.recall(memory.draw(BATCH), augment).images
            inputs = (views - MEAN) / STD
            with torch.no_grad():
                target = teacher(inputs).logits
            loss = kd(student(inputs).logits, target)
            student_optimizer.zero_grad()
            loss.backward()
            student_optimizer.step()
        for schedule in schedules:
            schedule.step()

    torch.save(student.network.state_dict(), args.out)
    print(f'the student is in {args.out}')


if __name__ == '__main__':
    main()
