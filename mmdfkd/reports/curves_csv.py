"""What runs logged as one table, a row a value, for a spreadsheet or pandas."""

import csv
import io
from pathlib import Path

from .run_logs import Run

HEAD = ['run', 'phase', 'name', 'round', 'value']


def write_csv(runs: list[Run]) -> str:
    """Return the table: run, phase (train or val), name, round and value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator='\n')
    writer.writerow(HEAD)
    for run in runs:
        for phase, curves in (('train', run.train), ('val', run.val)):
            for name, curve in curves.items():
                writer.writerows([run.name, phase, name, *point] for point in curve)
    return out.getvalue()


def is_csv(file: Path) -> bool:
    """Tell whether a file is of :func:`write_csv`, which a newer one may replace."""
    with file.open(errors='replace') as content:
        return content.readline().strip() == ','.join(HEAD)
