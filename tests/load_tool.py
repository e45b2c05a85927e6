"""Import a command anew, or the script of a project, which is no package."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMANDS = ROOT / 'mmdfkd/cli'


def load_tool(name):
    """``name`` of a command of mmdfkd.cli, or of a script of projects/ as ``project/name``."""
    path = (ROOT / 'projects' if '/' in name else COMMANDS) / f'{name}.py'
    if '/' in name and str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # as when it is run: files of a project import each other
    spec = importlib.util.spec_from_file_location(f'tools_{path.stem}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
