"""The script of mmdfkd.cli.prepare_teachers, which says what it does: ``--help``."""

import os

# Read when torch loads its thread pool: spinning threads of a small machine fight.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

from mmdfkd.cli.prepare_teachers import command

if __name__ == '__main__':
    command()
