#!/usr/bin/env bash
# Evaluate in several processes, one a GPU: tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of test.py]
# On several machines, start it on each, with NNODES, NODE_RANK, MASTER_ADDR and PORT set.
# Without a GPU the processes share the CPU.
set -euo pipefail
USAGE='usage: dist_test.sh CONFIG CHECKPOINT GPUS [arguments of test.py]'
CONFIG=${1:?$USAGE}
CHECKPOINT=${2:?$USAGE}
GPUS=${3:?$USAGE}

[[ $GPUS =~ ^[0-9]+$ ]] || { echo "GPUS should be a number, but got $GPUS; $USAGE" >&2; exit 2; }

export PYTHONPATH="$(dirname "$0")/..${PYTHONPATH:+:$PYTHONPATH}"
exec python -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$GPUS" \
    "$(dirname "$0")/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "${@:4}"
