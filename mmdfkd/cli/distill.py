"""Distil your own teacher: ``mmdfkd distill TEACHER --weights FILE``.

TEACHER is a name of timm, torchvision or mmpretrain (timm/NAME says which), a config file of
mmpretrain's form, or module:function for a function of yours that returns the network. Classes
and channels are read from the weights, image size, mean and std from the network's library;
where that has others, give them. It writes the config that it runs, WORK_DIR.py, for you to
edit and to run again with mmdfkd train, and leaves the student and a report in WORK_DIR; with
--export also what mmdfkd export writes, in WORK_DIR/export.
"""

import argparse
import io
import logging
import sys
import tempfile
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

import torch

from mmdfkd.cli import export, report, train
from mmdfkd.cli.command import Parser, above_zero, as_command, command_line, positive
from mmdfkd.cli.publish_student import publish
from mmdfkd.config_tools import DictAction, read_config
from mmdfkd.datasets.labels import check_dataset
from mmdfkd.engine.length import rounds_within
from mmdfkd.engine.throughput import seconds_a_round
from mmdfkd.engine.work_dir import claim, newest_checkpoint
from mmdfkd.outputs import Output
from mmdfkd.own_teacher import (
    NARROWER,
    SHALLOWER,
    Pair,
    config_text,
    describe,
    find_pair,
    is_written,
    make_recipe,
)
from mmdfkd.registry import DATASETS, MODELS


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    add = parser.add_argument
    add('teacher', metavar='TEACHER', help='the name of its network')
    add('--weights', metavar='FILE', help="of the teacher; without it, its library's own")
    add('--key', help='the entry of that file with the weights, where it has several')
    add('--prefix', help='what stands before their keys, where several such networks are there')
    add('--student', metavar='STUDENT', help=f'likewise; or {SHALLOWER}: the teacher without every '
        f'second block, or {NARROWER}: with half its channels, from its weights; by default the '
        'first, unless there are no such blocks, or the rest is almost as large')  # fmt: skip
    add('--image-size', type=positive, help='side of an image in pixels')
    add('--mean', type=float, nargs='+', help='a value a channel, RGB, in pixels of 0 to 255')
    add('--std', type=float, nargs='+', help='likewise')
    add('--dark', action=argparse.BooleanOptionalAction, help='most pixels are black, as those '
        'of digits; by default where std is over the mean; of a teacher without batch norms '
        'alone')  # fmt: skip
    for name in ('teacher', 'student'):
        add(f'--{name}-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
            help=f'arguments of the {name}’s network')  # fmt: skip
    add('--test', metavar='DIR', help='test images, a folder a class; none is trained on')
    length = parser.add_mutually_exclusive_group()
    length.add_argument('--rounds', type=positive, help='how long')
    length.add_argument('--minutes', type=above_zero, help='as many rounds as fill them, as '
        'timed at the start')  # fmt: skip
    add('--export', nargs='*', choices=list(export.FORMATS), metavar='FORMAT',
        help=f'write the student as others load it, as mmdfkd export does: '
        f'{", ".join(export.FORMATS)}; all that it can be where none is named')  # fmt: skip
    add('--int8', action='store_true', help='with onnx: in 8 bits, too, calibrated on the '
        'run’s own images')  # fmt: skip
    add('--work-dir', type=Path, help='by default work_dirs/distill_TEACHER')
    add('--resume', action='store_true', help='go on with the run in the work dir')
    add('--force', action='store_true', help='begin anew where a run is: that is moved aside')
    args = parser.parse_args(arguments)
    if args.work_dir is None:
        words = ''.join(c if c.isalnum() else '_' for c in args.teacher)
        args.work_dir = Path('work_dirs') / f'distill_{words.strip("_")}'
    return args


def write_config(args: argparse.Namespace, file: Path) -> None:
    """Find out what the config needs, say so, write it, and try what it says."""
    test = str(Path(args.test).resolve()) if args.test else None
    local = args.weights and '://' not in args.weights
    pair = find_pair(
        args.teacher,
        str(Path(args.weights).expanduser().resolve()) if local else args.weights,
        args.student,
        args.image_size,
        args.mean,
        args.std,
        args.teacher_options,
        args.student_options,
        key=args.key,
        prefix=args.prefix,
        dark=args.dark,
    )
    print(describe(pair, args.teacher, args.student, args.test, args.image_size), flush=True)
    recipe = make_recipe(pair, args.rounds)
    text = partial(config_text, pair, command=_command(), test=test)
    file.write_text(text(recipe), encoding='utf-8')
    if test:
        try_images(file, pair)
    if args.minutes:
        wait, train = seconds_a_round(read_config(file))
        rounds = rounds_within(60 * args.minutes, make_recipe(pair).warmup, wait, train)
        recipe = make_recipe(pair, max(1, rounds))
        waits = f', and of {wait:.1f} s while the student waits,' if recipe.warmup else ''
        print(f'{recipe.rounds} rounds of {train:.1f} s{waits} fill {args.minutes:g} minutes')
        file.write_text(text(recipe), encoding='utf-8')
    else:
        try_model(file)
    if args.export is not None:
        try_export(file, args.export or ['onnx'] * args.int8)


def try_images(config: Path, pair: Pair) -> None:
    """Look at the folders of test images: what the run would refuse is told before it is timed."""
    dataset = DATASETS.build(read_config(config).val_dataloader.dataset)
    check_dataset(dataset, pair.num_classes, 'val', pair.class_names)


def try_model(config: Path) -> None:
    """Build the distiller: what cannot be is told now. What it warns of the run tells, too."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        MODELS.build(read_config(config).model)
    finally:
        logging.disable(before)


def _command() -> str:
    return command_line('--resume', '--force', '--verbose')


def check_work_dir(work_dir: Path) -> None:
    """Raise an error if the config can have no name beside the work dir."""
    if work_dir.name in ('', '..'):
        raise ValueError(
            f'--work-dir should be a folder with a name, as its config is written beside it, but '
            f"got '{work_dir}'; give --work-dir {work_dir / 'NAME'}"
        )


def check_export(args: argparse.Namespace) -> None:
    """Raise an error if the options, or the packages that they want, are not right."""
    if args.export is not None:
        export.check_formats(args.export or list(export.FORMATS), args.int8)
    elif args.int8:
        raise ValueError('--int8 should be with --export, which it is a form of; add --export onnx')


def try_export(config: Path, formats: list[str]) -> None:
    """Export the student untrained: what it cannot be is told before it is trained.

    Raises:
        ValueError: if it cannot be one of the formats.
    """
    network = MODELS.build(read_config(config).model.student)
    weights = {f'student.{name}': value for name, value in network.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        checkpoint = f'{folder}/iter_0.pth'
        torch.save({'state_dict': weights}, checkpoint)
        write_export(config, checkpoint, Path(folder) / 'export', formats, '--test-images', '0')


def write_export(
    config: Path, checkpoint: str, out: Path, formats: list[str], *options: str
) -> None:
    """Write what ``mmdfkd export`` does; no format is all that the student can be."""
    chosen = ['--formats', *formats] if formats else []
    export.main([str(config), checkpoint, str(out), *chosen, *options])


def finish(config: Path, args: argparse.Namespace) -> None:
    """Leave the student, the report, and what --export names in the work dir."""
    work_dir = args.work_dir
    checkpoint = newest_checkpoint(work_dir)
    assert checkpoint is not None  # the run has just ended
    student, page = work_dir / 'student' / 'student.pth', work_dir / 'report.html'
    publish(str(config), checkpoint, student, force=True)
    report.main([str(work_dir), '--out', str(page)])
    print(f'student  {student}\nreport   {page}\nconfig   {config}')
    if args.export is not None:
        options = ['--force', *(['--int8'] * args.int8)]
        write_export(config, checkpoint, work_dir / 'export', args.export, *options)


def begin(config: Path, args: argparse.Namespace) -> None:
    """Write the config of a new run; before that nothing of another run is touched.

    Raises:
        ValueError: if a run is there, and no --force, or something cannot be.
    """
    claim(args.work_dir, force=args.force, move=False)
    if config.is_file() and not is_written(config):  # --force would move my_net.py of my_net:build
        raise ValueError(
            f'{config} should be a new file, or a config that this command wrote, but is another; '
            'give another --work-dir'
        )
    file = Output(config, args.force, option='--resume, or another --work-dir')
    sys.path.append(str(Path.cwd()))  # of module:function
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / config.name
        write_config(args, draft)
        claim(args.work_dir, force=args.force, config=config)
        file.write(draft.read_text(encoding='utf-8'))


def go_on(config: Path, args: argparse.Namespace) -> None:
    """Check that there is a run of this command; say so if it has no checkpoint yet.

    Raises:
        ValueError: if there is none, or one of another command.
    """
    if not config.is_file():
        raise ValueError(
            f'--resume should find the config of a run, but {config} is not there; leave it out '
            'to begin one'
        )
    if f'# {_command()}\n' not in config.read_text(encoding='utf-8'):
        raise ValueError(
            f'--resume should go on with the command that wrote {config}, but that is another; '
            f'go on with: mmdfkd train {config} --work-dir {args.work_dir} --resume'
        )
    if newest_checkpoint(args.work_dir) is None:
        print(f'{args.work_dir} has no checkpoint yet: the run begins with its first round')


def main(arguments: list[str] | None = None) -> None:
    """Run."""
    args = parse_args(arguments)
    check_work_dir(args.work_dir)
    check_export(args)
    config = args.work_dir.with_name(f'{args.work_dir.name}.py')
    try:
        (go_on if args.resume else begin)(config, args)
    except KeyboardInterrupt:
        raise KeyboardInterrupt('before the run began; start it again') from None
    resumed = ['--resume', 'auto'] if args.resume else []
    try:
        train.main([str(config), '--work-dir', str(args.work_dir), *resumed])
    except Exception:
        if not args.resume and newest_checkpoint(args.work_dir) is None:
            config.unlink()  # or it would be in the way of the next try
        raise
    finish(config, args)


command = as_command(main)

if __name__ == '__main__':
    command()
