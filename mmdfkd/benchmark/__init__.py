"""Methods times pairs times seeds, each for the same time on the same machine."""

from .cells import Cell, make_config, run_cell
from .compose import compose
from .results import append, check_settings, finished, plot_curves, read_results, tables
from .settings import note_settings, settings_digest

__all__ = [
    'Cell',
    'append',
    'check_settings',
    'compose',
    'finished',
    'make_config',
    'note_settings',
    'plot_curves',
    'read_results',
    'run_cell',
    'settings_digest',
    'tables',
]
