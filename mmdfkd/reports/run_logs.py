"""What a run has left in its work dir, read without running anything of it."""

import itertools
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmdfkd.config_tools.dumped_config import flatten, parse_config
from mmdfkd.engine.class_grid import CLASS_NAMES
from mmdfkd.engine.work_dir import IMAGE_COUNTS, REPLACED, in_order

#: Files of figures that other tools leave in a work dir.
FIGURES = ('figures.json', 'robustness.json')
SCALARS = '*/vis_data/scalars.json'  # of each session in a work dir
_ENVIRONMENT = re.compile(
    r'^    (Python|PyTorch|TorchVision|OpenCV|MMEngine|CUDA available|CPU|GPU [\d,]+|seed|'
    r'GPU number): (.*?)(?: \(main.*)?$',
    re.MULTILINE,
)
_PNG_END = b'IEND\xaeB`\x82'

Curve = list[tuple[int, float]]


@dataclass
class Run:
    """One run.

    Args:
        name: what the report calls it.
        config_file: name of its config.
        config_text: the whole config as MMEngine dumped it.
        config: the config's values by dotted key.
        train: (round, value) of what training logged, by name.
        val: (round, value) of what validation logged, by name.
        pictures: PNG files by name and round.
        environment: versions and hardware, as the log has them.
        checkpoint: name of the last checkpoint, or None.
        sessions: how often it was started or resumed.
        figures: the content of the files of figures, by file.
        class_names: of the teacher or the validation set; none if a run did not leave them.
        image_counts: (round, images of the student), between which the count grows evenly; none
            if a run did not leave them.
    """

    name: str
    config_file: str
    config_text: str
    config: dict[str, Any]
    train: dict[str, Curve]
    val: dict[str, Curve]
    pictures: dict[str, dict[int, bytes]]
    environment: dict[str, str]
    checkpoint: str | None
    sessions: int
    figures: dict[str, dict]
    class_names: list[str]
    image_counts: list[tuple[int, int]]

    @property
    def rounds(self) -> int:
        """The last round that was logged."""
        return max(
            (curve[-1][0] for curve in [*self.train.values(), *self.val.values()]), default=0
        )

    @property
    def metric(self) -> str | None:
        """The figure that teacher and student share, or an accuracy, or None."""
        shared = [name for name in self.val if f'teacher/{name}' in self.val]
        return next(iter(shared or [name for name in self.val if 'accuracy' in name]), None)

    @property
    def is_distillation(self) -> bool:
        """Whether it has a student; without one it is a plain classifier's, as a teacher's."""
        parts = ('generator/', 'synthesis/', 'student/', 'teacher/')
        logged = [*self.train, *self.val]
        return 'model.teacher.type' in self.config or any(n.startswith(parts) for n in logged)

    @property
    def minutes(self) -> float:
        """About the minutes of training; evaluation is not in the logged times."""
        return minutes_of(self.train.get('time', []))

    @property
    def images(self) -> int | None:
        """Different images that the student had until the last round, or None: not known."""
        if not self.image_counts:
            return None
        rounds = [number for number, _ in self.image_counts]
        images = [count for _, count in self.image_counts]
        return round(float(np.interp(self.rounds, rounds, images)))


def minutes_of(times: Curve) -> float:
    """Return the minutes of training of (round, seconds a round since the one before)."""
    seconds, before = 0.0, 0
    for step, time in times:
        seconds += time * (step - before)
        before = step
    return seconds / 60


def read_run(work_dir: Path, name: str) -> Run:
    """Read a work dir; a run may be going on, or have been killed and resumed.

    Raises:
        FileNotFoundError: if no run has logged anything there.
    """
    logs = in_order(work_dir, SCALARS)
    records = merge(read_sessions(work_dir))
    if not records:
        inside = sorted({p.parents[2].name for p in work_dir.glob(f'*/{SCALARS}')})
        raise FileNotFoundError(
            f'{work_dir} should be a work dir with TIME/vis_data/scalars.json, but no run has '
            'logged anything there' + (f'; give one of the folders in it: {inside}' * bool(inside))
        )
    # A session with another config leaves that beside the earlier one's.
    configs = [file for file in work_dir.glob('*.py') if not file.name.startswith(REPLACED)]
    configs.sort(key=lambda file: file.stat().st_mtime)
    config = logs[-1].with_name('config.py')
    text = config.read_text() if config.is_file() else ''
    log = logs[-1].parents[1] / f'{logs[-1].parents[1].name}.log'
    marker = work_dir / 'last_checkpoint'
    header = log.read_text(errors='replace') if log.is_file() else ''
    return Run(
        name=name,
        config_file=configs[-1].stem if configs else 'config',
        config_text=text,
        config=flatten(parse_config(text)),
        train=curves(records, validation=False),
        val=curves(records, validation=True),
        pictures=read_pictures(work_dir),
        environment={
            'processes' if name == 'GPU number' else name: value  # MMEngine's name, on a CPU too
            for name, value in _ENVIRONMENT.findall(header)
        },
        checkpoint=Path(marker.read_text().strip()).name if marker.is_file() else None,
        sessions=len(logs),
        figures=read_figures(work_dir),
        class_names=[*map(str, read_list(logs[-1].parents[1] / CLASS_NAMES))],
        image_counts=read_list(logs[-1].parents[1] / IMAGE_COUNTS),
    )


def read_runs(work_dirs: list[Path]) -> list[Run]:
    """Read work dirs; those with the same last name are called by their paths."""
    places = [work_dir.resolve() for work_dir in work_dirs]
    if len(set(places)) < len(places):
        raise ValueError(
            f'WORK_DIRs should differ, but got {[*map(str, work_dirs)]}; give each once'
        )
    names = [place.name for place in places]
    return [
        read_run(work_dir, name if names.count(name) == 1 else str(work_dir))
        for work_dir, name in zip(work_dirs, names, strict=True)
    ]


def read_sessions(work_dir: Path) -> list[list[dict]]:
    """Read what each session of a run logged, the earliest first."""
    return [read_scalars(log) for log in in_order(work_dir, SCALARS)]


def read_scalars(log: Path) -> list[dict]:
    """Read one session's records, each with its ``round``; a half written line is left out."""
    records, before, by_epoch = [], 0, False
    for line in log.read_text(errors='replace').splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if 'iter' in record:
            before, by_epoch = record['iter'], 'epoch' in record
            record['round'] = before
        else:  # MMEngine may count a validation's step in epochs
            record['round'] = before if by_epoch or not record['step'] else record['step']
        records.append(record)
    return records


def merge(sessions: list[list[dict]]) -> list[dict]:
    """Join the sessions of a run; what a later one did again replaces the earlier one's.

    A session may begin with a validation that a kill had prevented: the training that it is of
    stays the earlier session's.
    """
    by_epoch = any('epoch' in record for session in sessions for record in session)
    merged: list[dict] = []
    for session in sessions:
        for record in itertools.takewhile(lambda record: 'iter' not in record, session):
            if by_epoch and record['step']:  # it counts epochs, of which only training tells
                before = [r['round'] for r in merged if r.get('epoch', math.inf) <= record['step']]
                record['round'] = max(before, default=0)
        first = min((record['round'] for record in session), default=math.inf)
        trained = min((r['round'] for r in session if 'iter' in r), default=math.inf)
        kept = [
            record
            for record in merged
            if record['round'] < first or ('iter' in record and record['round'] == first < trained)
        ]
        merged = kept + session
    return merged


def curves(records: list[dict], validation: bool) -> dict[str, Curve]:
    """Sort the records of training, or of validation, into curves by name."""
    found: dict[str, dict[int, float]] = {}
    left_out = {'round', 'iter', 'step', 'epoch', 'data_time'} | ({'time'} if validation else set())
    for record in records:
        if ('iter' in record) != validation:
            for name in record.keys() - left_out:
                found.setdefault(name, {})[record['round']] = record[name]
    return {name: sorted(found[name].items()) for name in sorted(found)}


def read_pictures(work_dir: Path) -> dict[str, dict[int, bytes]]:
    """Read the visualizer's whole PNG files, NAME_ROUND.png, by name and round."""
    pictures: dict[str, dict[int, bytes]] = {}
    for file in in_order(work_dir, '*/vis_data/vis_image/*.png'):
        name, _, step = file.stem.rpartition('_')
        content = file.read_bytes()
        if step.isdigit() and content.endswith(_PNG_END):
            pictures.setdefault(name, {})[int(step)] = content
    return {name: dict(sorted(found.items())) for name, found in pictures.items()}


def read_figures(work_dir: Path) -> dict[str, dict]:
    """Read the files of figures that are there, whole and of our tools: these have settings."""
    found = {}
    for name in FIGURES:
        try:
            content = json.loads((work_dir / name).read_text())
        except (FileNotFoundError, ValueError):
            continue
        if isinstance(content, dict) and isinstance(content.get('settings'), dict):
            found[name.removesuffix('.json')] = content
    return found


def read_list(file: Path) -> list:
    """Read the list in a JSON file, if it is there and whole; or else an empty one."""
    try:
        found = json.loads(file.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return []
    return found if isinstance(found, list) else []
