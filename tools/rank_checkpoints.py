"""Moved to projects/checkpoint_ranking/."""

import sys

sys.stderr.write('It has moved: python projects/checkpoint_ranking/rank_checkpoints.py ...\n')
sys.exit(2)
