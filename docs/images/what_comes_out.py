"""The picture at the top of README.md: ``python docs/images/what_comes_out.py WORK_DIR OUT.png``.

WORK_DIR is a finished run of configs/dedfkd_wrn162_wrn161_cifar10.py. Its images are drawn at
random from its memory, each in the row of the class that the teacher sees in it; accuracies are
those of its log.
"""

import argparse
import io
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from PIL import Image

from mmdfkd.checkpoint_files import read_checkpoint
from mmdfkd.engine.work_dir import newest_checkpoint
from mmdfkd.reports.run_logs import read_run

CLASSES = ['plane', 'car', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck']
COLUMNS = 6  # images a class
INK, TEACHER, STUDENT, BOX = '#1f2328', '#8250df', '#0969da', '#eef2f7'


def draw_images(work_dir: Path) -> np.ndarray:
    """Return random images of each class as one picture (H, W, 3) uint8, a row a class."""
    weights = read_checkpoint(str(newest_checkpoint(work_dir)))['state_dict']
    count = int(weights['memory.num_added.count'])
    images = weights['memory.images'][:count].permute(0, 2, 3, 1)
    labels = weights['memory.logits'][:count].float().mean(1).argmax(1)
    draws = torch.Generator().manual_seed(0)
    rows = []
    for label in range(len(CLASSES)):
        of_class = (labels == label).nonzero().flatten()
        chosen = of_class[torch.randperm(len(of_class), generator=draws)[:COLUMNS]]
        edged = np.pad(
            images[chosen].numpy(), ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=255
        )
        rows.append(np.concatenate([*edged], axis=1))
    return np.concatenate(rows)


def write_in(figure: Figure, x: float, y: float, lines: list[str], colour: str) -> None:
    """Draw a box about (x, y), with a title and lines."""
    width, height = 0.19, 0.38
    corner = (x - width / 2, y - height / 2)
    shape = 'round,pad=0,rounding_size=0.012'
    figure.add_artist(
        FancyBboxPatch(corner, width, height, fc=BOX, ec=colour, lw=2, boxstyle=shape)
    )
    for number, line in enumerate(lines):
        y_line = y + 0.115 - 0.09 * number - 0.02 * bool(number)
        style = dict(fontsize=20, weight='bold') if number == 0 else dict(fontsize=18)
        figure.text(x, y_line, line, ha='center', va='center', color=INK, **style)


def draw(work_dir: Path) -> Figure:
    """Draw teacher, images and curve side by side, with an arrow between them."""
    run = read_run(work_dir, '')
    student, teacher = run.val['accuracy/top1'], run.val['teacher/accuracy/top1'][-1][1]
    figure = Figure(figsize=(9.6, 4.9), facecolor='white')
    write_in(figure, 0.105, 0.46, ['teacher', 'WRN-16-2', f'{teacher:.2f} %'], TEACHER)
    arrow = dict(arrowstyle='-|>', mutation_scale=26, lw=3, color=INK)
    for start in (0.207, 0.607):
        figure.add_artist(FancyArrowPatch((start, 0.46), (start + 0.04, 0.46), **arrow))
    grid = figure.add_axes((0.338, 0.03, 0.263, 0.86))
    grid.imshow(draw_images(work_dir), interpolation='nearest')
    grid.set_yticks(
        [17 + 34 * row for row in range(len(CLASSES))], CLASSES, fontsize=16.5, color=INK
    )
    grid.set_xticks([])
    grid.tick_params(length=0)
    grid.set_frame_on(False)
    title = dict(fontsize=18, weight='bold', color=INK)
    grid.set_title('synthetic images', **title)
    axes = figure.add_axes((0.715, 0.16, 0.275, 0.73))
    axes.set_title('student, test %', **title)
    axes.axhline(teacher, color=TEACHER, lw=2.5)
    axes.plot(*zip(*student, strict=True), 'o-', color=STUDENT, lw=2.5)
    rounds, last = student[-1]
    right = dict(fontsize=16.5, ha='right', va='top', weight='bold')
    axes.text(rounds, last - 5, f'WRN-16-1\n{last:.2f}', color=STUDENT, **right)
    axes.text(rounds, 102.5, f'teacher {teacher:.2f}', color=TEACHER, **right)
    axes.set(ylim=(0, 103), xlim=(0, rounds * 1.03), yticks=range(0, 101, 20))
    axes.set_xlabel('rounds', fontsize=16)
    axes.tick_params(labelsize=15)
    axes.spines[['top', 'right']].set_visible(False)
    axes.grid(axis='y', color='#d0d7de')
    return figure


def main() -> None:
    """Draw it with 256 colours: the images are what is large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('work_dir', type=Path)
    parser.add_argument('out', type=Path)
    args = parser.parse_args()
    drawn = io.BytesIO()
    draw(args.work_dir).savefig(drawn, format='png', dpi=165)
    Image.open(drawn).convert('RGB').quantize(256, dither=Image.Dither.NONE).save(
        args.out, optimize=True
    )


if __name__ == '__main__':
    main()
