#!/usr/bin/env bash
# Install what the tests need, then lint, check types and docstrings, and run the tests.
# Arguments go to pytest. Data and teachers in $MMDFKD_TEST_DATA switch more tests on;
# TEST_PROCESSES=4 takes more cores than two.
set -euo pipefail
cd "$(dirname "$0")/.."
VENV="${VENV:-.venv}"
[ -x "$VENV/bin/python" ] || python3 -m venv "$VENV"
"$VENV/bin/python" -m pip install --quiet -e '.[test]'
. tools/cpu_env.sh
PATH="$(cd "$VENV" && pwd)/bin:$PATH"
ruff check .
ruff format --check .
mypy
interrogate mmdfkd mmdfkd_command.py tools projects
codespell
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"  # a test process a core is faster than threads in one
exec python -m pytest -q -n "${TEST_PROCESSES:-2}" --dist worksteal "$@"
