"""The console command ``mmdfkd``: ``mmdfkd train CONFIG`` is ``python tools/train.py CONFIG``.

A module beside the package, for ``mmdfkd --help`` should not wait until torch is loaded.
"""

import difflib
import importlib
import os
import sys
from importlib.metadata import version

#: The module of mmdfkd.cli and what it does, by subcommand.
COMMANDS = {
    'distill': ('distill', 'distil your own teacher: names and a file in, a student out'),
    'train': ('train', 'train a teacher or distil a student, by a config'),
    'test': ('test', 'evaluate a student beside its teacher'),
    'publish': ('publish_student', 'write the student alone, for mmpretrain, timm or torch'),
    'export': ('export', 'write the student as ONNX (in 8 bits, too), torch.export, safetensors'),
    'synthesize': ('synthesize', 'write synthetic images as a folder or an .npz file'),
    'figures': ('figures', 'measure synthetic images: FID and company, balance, diversity'),
    'robustness': ('robustness', 'corrupt and attack student and teacher'),
    'report': ('report', 'show runs side by side on one page'),
    'reproduce': ('reproduce', 'run whole tables: teachers, students, seeds'),
    'benchmark': ('benchmark', 'compare methods on pairs for equal time'),
    'benchmark-throughput': ('benchmark_throughput', 'tell where time and memory of a run go'),
    'prepare-mnist': ('prepare_mnist', "bring MNIST's four files to data/mnist"),
    'prepare-teachers': ('prepare_teachers', 'bring the public teachers to data/teachers'),
}


def usage() -> str:
    """List the subcommands, a line each."""
    width = max(map(len, COMMANDS))
    lines = [f'  {name:{width}}  {what}' for name, (_, what) in COMMANDS.items()]
    return '\n'.join(
        [
            'usage: mmdfkd COMMAND ...',
            '',
            'Distil a trained classifier into a smaller one without any of its data.',
            '',
            *lines,
            '',
            'mmdfkd COMMAND --help tells the rest, mmdfkd --version the version. A CONFIG that is',
            'not in the current folder is looked for among those that are installed.',
        ]
    )


def main() -> None:
    """Run the command that the first argument names."""
    name = sys.argv[1] if len(sys.argv) > 1 else '--help'
    if name in ('-h', '--help', '--version'):
        print(version('mmdfkd') if name == '--version' else usage())
        sys.exit()
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, 1, 0.5)
        nearest = f'; did you mean {close[0]}?' if close else ''
        print(f'mmdfkd: no such command: {name}{nearest} (--help lists all)', file=sys.stderr)
        sys.exit(2)
    # Read when torch loads its thread pool: spinning threads of a small machine fight.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    sys.argv[:2] = [f'mmdfkd {name}']
    try:
        module = importlib.import_module(f'mmdfkd.cli.{COMMANDS[name][0]}')
    except ImportError as error:
        if 'mmcv should be installed' not in str(error):
            raise
        sys.exit(f'mmdfkd: {error}')
    sys.exit(module.command())


if __name__ == '__main__':
    main()
