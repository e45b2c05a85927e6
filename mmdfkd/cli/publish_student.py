"""Write the student alone: ``python tools/publish_student.py CONFIG CHECKPOINT OUT.pth``.

OUT.pth holds ``{'state_dict': ..., 'meta': ...}``, and OUT.py, beside it, the student's config.
Use an mmpretrain student as

    mmpretrain.get_model(Config.fromfile('OUT.py'), pretrained='OUT.pth')

where Config is mmengine.config's, and a timm student, with the arguments that OUT.py has, as

    timm.create_model(NAME, num_classes=K, checkpoint_path='OUT.pth')

Any other module loads it itself, as does timm's:

    model.load_state_dict(torch.load('OUT.pth')['state_dict'])
"""

from functools import partial
from pathlib import Path

import torch
from mmengine.config import Config

import mmdfkd
from mmdfkd.checkpoint_files import read_checkpoint
from mmdfkd.cli import config_file, read_distillation
from mmdfkd.cli.command import Parser, as_command
from mmdfkd.models.classifiers.classifier import WRAPPERS
from mmdfkd.outputs import Output
from mmdfkd.registry import MODELS
from mmdfkd.weights import check_finite, find_weights

PREFIX = 'student.network.'


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
    weights = find_weights(read_checkpoint(checkpoint), checkpoint)
    student = {k.removeprefix(PREFIX): v for k, v in weights.items() if k.startswith(PREFIX)}
    if not student:
        raise ValueError(
            f'{checkpoint} should hold keys that begin with {PREFIX!r}, but got '
            f'{list(weights)[:3]}; give a checkpoint that tools/train.py wrote for a distiller'
        )
    check_finite(student, checkpoint, 'the run had diverged; give an earlier checkpoint')
    network = MODELS.build(cfg.model.student.network)
    if isinstance(network, WRAPPERS):
        student = {key.removeprefix('model.'): value for key, value in student.items()}
    network.load_state_dict(student)
    content = {'state_dict': student, 'meta': {'mmdfkd_version': mmdfkd.__version__}}
    file.save(lambda part: torch.save(content, part))
    described = Config({'model': cfg.model.student.network})
    described.model.data_preprocessor = cfg.model.data_preprocessor
    described_in.save(described.dump)
    print(
        f'{sum(v.numel() for v in student.values()):,} values in {out}, config in '
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
