#!/usr/bin/env bash
# CIFAR's comparisons from teachers to a table, to go on with where it was stopped (docs/results/cifar.md).
# SEEDS="0 1 2" takes other seeds; arguments go to reproduce.py: --toy tries all of it in minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' && set -- --amp "$@"
# shellcheck disable=SC2086
exec python tools/reproduce.py configs/dedfkd_{wrn402_wrn162,r34_r18}_cifar10.py \
  configs/dedfkd_{wrn402_wrn162,r34_r18}_cifar100.py \
  --work-dir work_dirs/cifar --seeds ${SEEDS:-0} "$@"
