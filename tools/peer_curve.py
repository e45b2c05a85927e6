"""Moved to projects/peer_benchmark/."""

import sys

sys.stderr.write('It has moved: python projects/peer_benchmark/peer_curve.py ...\n')
sys.exit(2)
