"""Scripts are thin: what they share is in the package, and what has moved says where."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / 'tools').glob('*.py'))
MODULES = sorted((ROOT / 'mmdfkd').rglob('*.py'))
OF_PROJECTS = sorted((ROOT / 'projects').glob('*/*.py'))


def name(path):
    return str(path.relative_to(ROOT))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


@pytest.mark.parametrize('path', SCRIPTS, ids=name)
def test_a_script_is_a_command_of_the_package_or_says_where_it_is(path):
    assert len(path.read_text().splitlines()) <= 12
    command = f'mmdfkd.cli.{path.stem}'
    assert {*imported(path)} in ({'os', command}, {'os', 'sys', command}, {'sys'})


@pytest.mark.parametrize(
    'path', sorted((ROOT / 'mmdfkd').rglob('*.py')), ids=lambda path: path.name
)
def test_the_package_imports_no_script_and_no_project(path):
    assert not {script.stem for script in [*SCRIPTS, *OF_PROJECTS]} & {*imported(path)}


@pytest.mark.parametrize('command', ['benchmark_peer', 'peer_curve', 'rank_checkpoints'])
def test_a_moved_command_says_where_it_is(command):
    done = subprocess.run([sys.executable, f'tools/{command}.py'], cwd=ROOT, capture_output=True)
    assert done.returncode == 2
    (place,) = re.findall(r'python (projects/\S+\.py)', done.stderr.decode())
    assert (ROOT / place).is_file()


@pytest.mark.parametrize('project', sorted({path.parent for path in OF_PROJECTS}), ids=name)
def test_a_project_has_a_readme_and_tests(project):
    assert (project / 'README.md').is_file()
    assert list(project.glob('tests/test_*.py'))
