#!/usr/bin/env bash
# Install what the site of the docs needs, and build it to docs/_build/html; a warning is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
VENV="${VENV:-.venv}"
[ -x "$VENV/bin/python" ] || python3 -m venv "$VENV"
"$VENV/bin/python" -m pip install --quiet -e '.[lite,docs]'
exec "$VENV/bin/python" -m sphinx --fail-on-warning --keep-going --fresh-env -b html docs docs/_build/html "$@"
