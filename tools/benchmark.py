"""The script of mmdfkd.cli.benchmark, which says what it does: ``--help``."""

import os
import sys

# Read when torch loads its thread pool: spinning threads of a small machine fight.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

from mmdfkd.cli.benchmark import main

if __name__ == '__main__':
    sys.exit(1 if main() else 0)
