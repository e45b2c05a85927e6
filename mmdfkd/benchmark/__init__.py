"""Methods times pairs times seeds, each for the same time on the same machine."""

from .cells import Cell, make_config, run_cell
from .compose import compose
from .results import append, finished, plot_curves, read_results, tables
from .settings import digest_of, note_settings, settings_of

__all__ = [
    'Cell',
    'append',
    'compose',
    'digest_of',
    'finished',
    'make_config',
    'note_settings',
    'plot_curves',
    'read_results',
    'run_cell',
    'settings_of',
    'tables',
]
