#!/usr/bin/env bash
# Train in several processes, one a GPU: tools/dist_train.sh CONFIG GPUS [arguments of train.py]
# On several machines, start it on each, with NNODES, NODE_RANK, MASTER_ADDR and PORT set.
# Without a GPU the processes share the CPU.
set -euo pipefail
CONFIG=${1:?'usage: dist_train.sh CONFIG GPUS [arguments of train.py]'}
GPUS=${2:?'usage: dist_train.sh CONFIG GPUS [arguments of train.py]'}

[[ $GPUS =~ ^[0-9]+$ ]] || { echo "GPUS should be a number, but got $GPUS; usage: dist_train.sh CONFIG GPUS [...]" >&2; exit 2; }

export PYTHONPATH="$(dirname "$0")/..${PYTHONPATH:+:$PYTHONPATH}"
exec python -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$GPUS" \
    "$(dirname "$0")/train.py" "$CONFIG" --launcher pytorch "${@:3}"
