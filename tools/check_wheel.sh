#!/usr/bin/env bash
# Build the source archive and, of it, the wheel; install that in a new virtual environment, and train
# with the console command in an empty folder: a teacher, two rounds of a packaged config, and
# two of mmdfkd distill. Torch and company are those of $VENV, where the tests have installed them:
# that pip finds these itself is not tried here.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONPATH  # pip would find this folder there, and install nothing
VENV="$(cd "${VENV:-.venv}" && pwd)"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$VENV/bin/python" -m build --outdir "$folder/dist" . > "$folder/build.txt" 2>&1 \
  || { tail "$folder/build.txt"; exit 1; }
if git rev-parse --is-inside-work-tree > /dev/null 2>&1; then
  tar -tzf "$folder"/dist/*.tar.gz | sed 's#^[^/]*/##' | sort > "$folder/archived"
  missing=$(git ls-files | grep -v '^mmdfkd/\.mim/' | sort | comm -13 "$folder/archived" -)
  [ -z "$missing" ] || { echo "The source archive lacks: $missing"; exit 1; }
fi
"$VENV/bin/python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps "$folder"/dist/*.whl
"$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
  > "$("$folder/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/of_tests.pth"

mkdir "$folder/empty" && cd "$folder/empty"
PATH="$folder/venv/bin:$PATH"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
short='model.kd_steps=2 model.kd_batch_size=16 train_dataloader.batch_size=16 model.memory.capacity=64'
run() {
  echo "$ $*"
  "$@" > "$folder/log.txt" 2>&1 || { tail -20 "$folder/log.txt"; exit 1; }
}
run python -c "import mmdfkd; assert mmdfkd.__file__.startswith('$folder/venv/'), mmdfkd.__file__"
run mmdfkd --help
run mmdfkd train configs/teachers/lenet5_mnist5k.py --cfg-options train_cfg.max_epochs=1
# shellcheck disable=SC2086
run mmdfkd train dedfkd_lenet5_mnist5k.py --rounds 2 --cfg-options $short \
  model.teacher.checkpoint=work_dirs/teachers/lenet5_mnist5k/epoch_1.pth
config=$(python -c 'from mmdfkd.packaged import CONFIGS; print(CONFIGS / "teachers/lenet5_mnist5k.py")')
run mmdfkd distill "$config" --weights work_dirs/teachers/lenet5_mnist5k/epoch_1.pth \
  --student test_vit --student-options patch_size=8 --rounds 2 --work-dir distilled
run mmdfkd report distilled work_dirs/dedfkd_lenet5_mnist5k --out report.html
ls distilled/iter_2.pth distilled/student/student.pth work_dirs/dedfkd_lenet5_mnist5k/iter_2.pth > /dev/null
echo 'The wheel installs and trains.'
