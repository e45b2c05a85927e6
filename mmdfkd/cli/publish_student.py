"""Write the student alone: ``mmdfkd publish CONFIG CHECKPOINT OUT.pth``.

OUT.pth holds ``{'state_dict': ..., 'meta': ...}``, and OUT.py, beside it, the student's config.
Of mmpretrain's classifiers, timm's and Hugging Face's among them, they are what

    mmpretrain.ImageClassificationInferencer('OUT.py', 'OUT.pth')('image.png')

takes. A timm student, with the arguments that OUT.py has, is also

    timm.create_model(NAME, num_classes=K, checkpoint_path='OUT.pth')

Any other module loads it itself, as does timm's:

    model.load_state_dict(torch.load('OUT.pth')['state_dict'])

mmdfkd export takes the two files, and writes ONNX and other forms.
"""

from functools import partial
from pathlib import Path

from mmdfkd.cli.command import Parser, as_command
from mmdfkd.config_tools import config_file, read_distillation
from mmdfkd.export import load_student, write_mmpretrain
from mmdfkd.export.images import find_classes
from mmdfkd.outputs import Output


def publish(config: str, checkpoint: str, out: Path, force: bool = False) -> None:
    """Extract the student of ``checkpoint`` to ``out`` and its config, after a strict test load.

    Raises:
        ValueError: if the checkpoint holds no student, or another one; or if one of the two
            files is there already, unless ``force`` replaces it.
    """
    if out.suffix == '.py':
        raise ValueError(f'OUT should be the file of the weights, OUT.pth, but got {out}')
    reserve = partial(Output, force=force, inputs=[config, checkpoint], option='another OUT')
    file, described_in = reserve(out), reserve(out.with_suffix('.py'))
    cfg = read_distillation(config)
    student = load_student(cfg, checkpoint)
    student.classes = student.classes or find_classes(cfg, student)
    write_mmpretrain(student, file, described_in)
    print(
        f'{sum(v.numel() for v in student.state.values()):,} values in {out}, config in '
        f'{out.with_suffix(".py")}'
    )


def main() -> None:
    """Run."""
    parser = Parser(description=__doc__)
    parser.add_argument('config', type=config_file, help='the config of its run')
    parser.add_argument('checkpoint', help='a checkpoint of that run')
    parser.add_argument(
        'out', type=Path, metavar='OUT.pth', help='the file to write; OUT.py is, too'
    )
    parser.add_argument('--force', action='store_true', help='replace what is there')
    args = parser.parse_args()
    publish(args.config, args.checkpoint, args.out, args.force)


command = as_command(main)

if __name__ == '__main__':
    command()
