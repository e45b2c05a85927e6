"""Bring the public teachers of the result tables to data/teachers, with the configs' keys."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from mmdfkd.checkpoint_files import read_checkpoint
from mmdfkd.cli.command import Parser, as_command
from mmdfkd.downloads import digest_of
from mmdfkd.outputs import Output
from mmdfkd.weights import find_weights

GITHUB = 'https://raw.githubusercontent.com'
#: WRNs of the NIPS 2019 reproducibility challenge, whose ZSKT figures the tables quote.
WRNS = (
    f'{GITHUB}/AlexandrosFerles/NIPS_2019_Reproducibilty_Challenge_Zero-shot_Knowledge_Transfer_'
    'via_Adversarial_Belief_Matching/5b4f27ad0a31549866b7f53e460ab888956410b9/'
    'src/PyTorch/PreTrainedModels/PreTrainedScratches'
)
RESNETS = f'{GITHUB}/akamaster/pytorch_resnet_cifar10/master/pretrained_models'
KEGNET = f'{GITHUB}/snudatalab/KegNet/5f4e4a172f81c6613b33db0a358a742934e2953e/pretrained'

#: What the keys of a source are to be called: parts of theirs and of ours, in this order.
WRN_KEYS = {
    'nblockLayer': 'layer',
    'batch_norm.': 'bn1.',  # the last one, after the blocks
    'batch_norm': 'bn',
    'conv_inp': 'convShortcut',
}
LENET_KEYS = {
    'conv1': 'backbone.features.0',
    'conv2': 'backbone.features.3',
    'conv3': 'backbone.features.6',
    'fc1': 'backbone.features.9',
    'fc2': 'head.fc',
}


class PublicTeacher(NamedTuple):
    """A public file of weights, and what its keys are to be called."""

    url: str
    sha256: str
    keys: dict[str, str]


#: SHA-256 of the files of ``WRNS``, by network and seed.
WRN_DIGESTS = {
    ('16_2', 0): 'ec18683065810ac52eb9ff73a64b56227dd98db7c2c776754fa0987ea7de07d2',
    ('16_2', 1): '9cf03ae5cb03de5b25023a6ce0166a31a9115cd9ead5010c4c1c79615e8837f1',
    ('16_2', 2): 'cf9b708fb5bf9be54d7991847574d62acf5d8d20566fba74480619fdf49d8140',
    ('40_1', 0): '78f70f23781c55c480e8be050312782955a55f62fe66f608e0caf54c05bedc1e',
    ('40_1', 1): 'd5fb5608e99378ed3e8b2b24ca8444aead25c241c03f575fb45fcc9680c8aff1',
    ('40_1', 2): 'e1c2df3159c0adfd41326693b1e09e3ce908fc56f8d3b49cedd87c9a23983351',
    ('16_1', 0): 'cd70082fcf228c225b91aac9acec38558fcabb19eb925ed911c2fd4ad074184e',
}
#: By the names that the configs look for in data/teachers.
TEACHERS = {
    f'wrn{network}_cifar10_seed{seed}.pth': PublicTeacher(
        f'{WRNS}/wrn-{network.replace("_", "-")}-seed-{seed}-dict.pth', digest, WRN_KEYS
    )
    for (network, seed), digest in WRN_DIGESTS.items()
} | {
    'resnet20_cifar10.th': PublicTeacher(
        f'{RESNETS}/resnet20-12fca82f.th',
        '12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8',
        {},
    ),
    'resnet56_cifar10.th': PublicTeacher(
        f'{RESNETS}/resnet56-4bfd9763.th',
        '4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367',
        {},
    ),
    'lenet5_mnist_9891.pth': PublicTeacher(
        f'{KEGNET}/mnist.pth.tar',
        '0f244a658a7e50f9931e04392e7c03346551cea009f120cff01d83990ad4a39a',
        LENET_KEYS,
    ),
}


def renamed(key: str, names: dict[str, str]) -> str:
    """Return ``key`` with each part that is in ``names`` replaced by ours."""
    for theirs, ours in names.items():
        key = key.replace(theirs, ours)
    return key


def find_file(teacher: PublicTeacher, folder: Path) -> Path:
    """Find a teacher's file below ``folder``, as a clone of its repository has it.

    Raises:
        FileNotFoundError: if no file of its name has its digest; the repository has others of
            the same name.
    """
    name = Path(teacher.url).name
    for path in sorted(folder.rglob(name)):
        if digest_of(path) == teacher.sha256:
            return path
    raise FileNotFoundError(
        f'{name} with the SHA-256 {teacher.sha256} should be below {folder}, but is not; bring '
        f'{teacher.url} there'
    )


def read_teacher(teacher: PublicTeacher, folder: Path | None) -> dict[str, Tensor]:
    """Read the weights of a public teacher, with our keys; without ``folder`` download them."""
    source = teacher.url if folder is None else find_file(teacher, folder)
    advice = 'with this command: put it into a folder, and give --from FOLDER'
    weights = find_weights(read_checkpoint(source, advice, teacher.sha256), source)
    return {renamed(name, teacher.keys): value for name, value in weights.items()}


def main() -> None:
    """Run."""
    parser = Parser(description=__doc__)
    parser.add_argument(
        'names', nargs='*', metavar='NAME', help=f'by default all: {", ".join(TEACHERS)}'
    )
    parser.add_argument('--out', type=Path, default=Path('data/teachers'))
    parser.add_argument(
        '--from', dest='folder', type=Path, metavar='FOLDER', help='has the files; no download'
    )
    parser.add_argument('--force', action='store_true', help='replace what is there')
    args = parser.parse_args()
    unknown = [name for name in args.names if name not in TEACHERS]
    if unknown:
        raise ValueError(
            f'NAME should be one of {", ".join(TEACHERS)}, but got {", ".join(unknown)}'
        )
    for name in args.names or TEACHERS:
        place = args.out / name
        if place.is_file() and not args.force:
            print(f'{place} is there already')
            continue
        output = Output(place, args.force, option='another --out')
        weights = read_teacher(TEACHERS[name], args.folder)
        output.save(partial(torch.save, weights))
        print(f'{place}: {len(weights)} tensors of {Path(TEACHERS[name].url).name}')


command = as_command(main)

if __name__ == '__main__':
    command()
