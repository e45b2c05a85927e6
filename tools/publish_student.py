"""The script of mmdfkd.cli.publish_student, which says what it does: ``--help``."""

import os

# Read when torch loads its thread pool: spinning threads of a small machine fight.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

from mmdfkd.cli.publish_student import command

if __name__ == '__main__':
    command()
