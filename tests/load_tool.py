"""Import a script of tools/ or of a project, neither of which is a package."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / 'tools'


def load_tool(name):
    """``name`` of tools/, or of a script of projects/ as ``project/name``."""
    path = (ROOT / 'projects' if '/' in name else TOOLS) / f'{name}.py'
    if '/' in name and str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # as when it is run: files of a project import each other
    spec = importlib.util.spec_from_file_location(f'tools_{path.stem}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
