"""Import a file of tools/, which is no package."""

import importlib.util
import sys
from pathlib import Path

TOOLS = Path(__file__).parents[1] / 'tools'


def load_tool(name):
    if str(TOOLS) not in sys.path:
        sys.path.append(str(TOOLS))  # as when it is run: tools import each other
    spec = importlib.util.spec_from_file_location(f'tools_{name}', TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
