"""Imports of the package go downwards only."""

import ast
from pathlib import Path

import pytest

import mmdfkd

PACKAGE = Path(mmdfkd.__file__).parent
#: From the bottom up; modules beside the packages are below all of them.
LAYERS = [
    ['config_tools', 'datasets'],
    ['models'],
    ['evaluation'],
    ['engine'],
    ['reports'],
    ['own_teacher', 'export', 'benchmark'],
    ['cli'],
]
HEIGHT = {name: height for height, names in enumerate(LAYERS) for name in names}


def test_all_packages_have_a_layer():
    assert {path.parent.name for path in PACKAGE.glob('*/__init__.py')} == set(HEIGHT)


@pytest.mark.parametrize('name', HEIGHT)
def test_imports_go_downwards(name):
    upwards = []
    for file in (PACKAGE / name).rglob('*.py'):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or '').startswith('mmdfkd.'):
                other = node.module.split('.')[1]
                if other != name and HEIGHT.get(other, -1) >= HEIGHT[name]:
                    upwards.append(f'{file.relative_to(PACKAGE)}: {node.module}')
    assert not upwards
