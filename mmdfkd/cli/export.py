"""Write a student as others load it: ``mmdfkd export CONFIG CHECKPOINT OUT``.

CONFIG and CHECKPOINT are of a run, or the two files of ``mmdfkd publish``. The folder OUT
gets

    model.onnx          pixels (N, C, H, W) in 0 to 255 to logits, normalised inside
    model.pt2           the same for torch.export.load
    model.safetensors   the weights; of a timm or transformers student with config.json,
                        so that timm.create_model('local-dir:OUT') builds it
    mmpretrain.py, mmpretrain.pth   for mmpretrain's ImageClassificationInferencer
    README.md           a model card
    model.int8.onnx     with --int8: the ONNX file in 8 bits, calibrated on the run's own images

ONNX and torch.export are compared with torch. Where the config's test set is on this machine,
the accuracy of the ONNX files is measured; nothing is downloaded.
"""

import argparse
from functools import partial
from pathlib import Path

import torch
from mmengine.config import Config
from mmpretrain.models import TimmClassifier

from mmdfkd.cli.command import Parser, as_command, not_negative
from mmdfkd.config_tools import DictAction, config_file, merge_options, read_config
from mmdfkd.export import (
    TrainedStudent,
    library_of,
    load_student,
    write_mmpretrain,
    write_onnx,
    write_pt2,
    write_safetensors,
)
from mmdfkd.export.card import Written, card
from mmdfkd.export.figures import measure, write_int8
from mmdfkd.export.forms import check_mmpretrain
from mmdfkd.export.images import LabelledImages, draw_images, find_classes
from mmdfkd.export.int8 import CALIBRATION, HELD_OUT
from mmdfkd.export.onnx_file import require_onnx
from mmdfkd.outputs import Output
from mmdfkd.reports.tables import markdown

FORMATS = {
    'onnx': ['model.onnx'],
    'pt2': ['model.pt2'],
    'safetensors': ['model.safetensors'],
    'mmpretrain': ['mmpretrain.pth', 'mmpretrain.py'],
}


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument(
        'config', type=config_file, help='the config of the run, or OUT.py of a published student'
    )
    parser.add_argument('checkpoint', help='a checkpoint of that run, or OUT.pth')
    parser.add_argument('out', type=Path, help='the folder to write to')
    parser.add_argument(
        '--formats',
        nargs='+',
        choices=list(FORMATS),
        help='what to write (default: all that the student can be)',
    )
    parser.add_argument('--int8', action='store_true', help='also write the ONNX file in 8 bits')
    parser.add_argument(
        '--calibrate-on',
        type=Path,
        metavar='DATA',
        help='of --int8: a folder of images, or OUT.npz of mmdfkd synthesize, rather than the '
        'run’s own images',
    )
    parser.add_argument(
        '--uint8', action='store_true', help='ONNX and torch.export take uint8, not float32'
    )
    parser.add_argument(
        '--classes', type=Path, metavar='FILE', help='the names of the classes, one a line'
    )
    parser.add_argument(
        '--test-images',
        type=not_negative,
        metavar='N',
        help='measure accuracy on N of the test images (default: all; 0: do not)',
    )
    parser.add_argument('--force', action='store_true', help='replace what is there')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='override the config, as KEY=VALUE'
    )
    return parser.parse_args(arguments)


def check_formats(formats: list[str], int8: bool) -> None:
    """Raise an error if no student could be written so.

    Raises:
        ImportError: if ONNX is wanted and its packages are not there.
        ValueError: if ``int8`` has no ONNX file.
    """
    if 'onnx' in formats:
        require_onnx()
    elif int8:
        raise ValueError('--int8 should be with onnx among the formats, which it is made of')


def choose_formats(student: TrainedStudent, args: argparse.Namespace) -> list[str]:
    """Return what to write.

    Raises:
        ImportError: if ONNX is wanted and its packages are not there.
        ValueError: if the student cannot be what was asked, or an option is of no format.
    """
    chosen = args.formats or list(FORMATS)
    check_formats(chosen, args.int8)
    if 'mmpretrain' in chosen:
        try:
            check_mmpretrain(student)
        except ValueError as error:
            if args.formats:
                raise
            chosen.remove('mmpretrain')
            print(f'not written: {error}')
    if args.calibrate_on and not args.int8:
        raise ValueError('--calibrate-on should be with --int8, which it is for')
    if args.uint8 and not {'onnx', 'pt2'} & {*chosen}:
        raise ValueError('--uint8 should be with onnx or pt2 among the formats, whose input it is')
    if args.test_images and 'onnx' not in chosen:
        raise ValueError('--test-images should be with onnx among the formats, which it measures')
    return chosen


def read_classes(
    args: argparse.Namespace, cfg: Config, student: TrainedStudent
) -> tuple[str, ...] | None:
    """Return the names of the classes that the user gave, or else those already known.

    Raises:
        ValueError: if there are more or fewer than logits, or the file is no text in UTF-8.
    """
    if args.classes is None:
        return student.classes or find_classes(cfg, student)
    try:
        lines = args.classes.read_text(encoding='utf-8-sig').split('\n')  # Windows marks UTF-8
    except UnicodeDecodeError as error:
        raise ValueError(
            f'{args.classes} should be a text in UTF-8, but: {error}; save it as that'
        ) from error
    names = tuple(line.strip() for line in lines if line.strip())
    if len(names) != student.num_classes():
        raise ValueError(
            f'{args.classes} should have {student.num_classes()} lines, one a class, but got '
            f'{len(names)}'
        )
    return names


def find_test_images(
    cfg: Config, student: TrainedStudent, args: argparse.Namespace
) -> LabelledImages | str:
    """Return the test images, or why there are none."""
    if args.test_images == 0:
        return 'Its accuracy was not asked for (--test-images 0).'
    try:
        return LabelledImages(cfg, student, args.test_images)
    except (FileNotFoundError, ImportError) as error:
        return f'Its accuracy was not measured here: {" ".join(str(error).split())}.'


def reserve(student: TrainedStudent, formats: list[str], args: argparse.Namespace) -> dict:
    """Reserve the files, by name."""
    names = [name for form in formats for name in FORMATS[form]]
    if 'safetensors' in formats and library_of(student):
        names.append('config.json')
    elif 'safetensors' in formats and student.swap and isinstance(student.network, TimmClassifier):
        print('not written: config.json, for timm’s networks take RGB and this student takes BGR')
    names += ['model.int8.onnx'] * args.int8
    inputs = [args.config, args.checkpoint]
    return {
        name: Output(args.out / name, args.force, inputs=inputs, option='another OUT')
        for name in [*names, 'README.md']
    }


def tell_of_others(files: dict[str, Output], out: Path) -> None:
    """Print which files of OUT readers would take for a part of this export, and are not."""
    pairs = {'model.safetensors': 'config.json', 'model.onnx': 'model.int8.onnx'}
    for name, part in pairs.items():
        if name in files and part not in files and (out / part).exists():
            print(f'{out / part} is not of this export; remove it if it is not of {name}')


def write_forms(
    student: TrainedStudent, files: dict[str, Output], dtype: torch.dtype, asked: bool
) -> dict[str, float]:
    """Write the forms; returns how far those that compute differ from torch, by file.

    Args:
        student: what to write.
        files: by name; unless they were ``asked`` for, one that cannot be is taken out.
        dtype: of the pixels.
        asked: whether the user named the formats, or --int8, which is made of one.

    Raises:
        ValueError: if the student cannot be what was asked.
    """
    differences = {}
    for name, write in (('model.onnx', write_onnx), ('model.pt2', write_pt2)):
        if name not in files:
            continue
        try:
            differences[name] = files[name].save(partial(write, student, dtype=dtype))
        except ValueError as error:
            if asked:
                raise
            print(f'not written: {error}')
            del files[name]
    if 'model.safetensors' in files:
        write_safetensors(student, files['model.safetensors'], files.get('config.json'))
    if 'mmpretrain.pth' in files:
        write_mmpretrain(student, files['mmpretrain.pth'], files['mmpretrain.py'])
    return differences


def main(arguments: list[str] | None = None) -> None:
    """Run."""
    args = parse_args(arguments)
    cfg = read_config(args.config)
    merge_options(cfg, args.cfg_options or {})
    student = load_student(cfg, args.checkpoint)
    formats = choose_formats(student, args)
    student.classes = read_classes(args, cfg, student)
    test = find_test_images(cfg, student, args)
    if 'onnx' in formats and isinstance(test, LabelledImages):
        test.check_first()  # before anything is written
    wanted = CALIBRATION + HELD_OUT
    source = (cfg, args.checkpoint, args.calibrate_on, wanted)
    drawn = draw_images(student, *source) if args.int8 else None
    files = reserve(student, formats, args)
    dtype = torch.uint8 if args.uint8 else torch.float32
    asked = bool(args.formats or args.int8)
    differences = write_forms(student, files, dtype, asked)
    written = Written([*files], 'uint8' if args.uint8 else 'float32', differences)
    if drawn:
        written.figures = write_int8(files, *drawn)
    if isinstance(test, str):
        written.missing.append(test)
    elif 'model.onnx' in files:
        written.figures = measure(files, test) + written.figures
    files['README.md'].write(card(student, written))
    if written.figures:
        print(markdown(['figure', 'value', 'images', 'hardware'], written.figures))
    print(*written.missing, sep='\n')
    print(f'{", ".join(files)} are in {args.out}')
    tell_of_others(files, args.out)


command = as_command(main)

if __name__ == '__main__':
    command()
