"""Methods times pairs times seeds, each for the same time on the same machine."""

from .cells import Cell, make_config, note_settings, run_cell
from .compose import compose
from .results import append, finished, plot_curves, read_results, tables

__all__ = [
    'Cell',
    'append',
    'compose',
    'finished',
    'make_config',
    'note_settings',
    'plot_curves',
    'read_results',
    'run_cell',
    'tables',
]
