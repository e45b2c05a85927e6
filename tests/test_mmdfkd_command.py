"""The console command: a table of what mmdfkd.cli has, that loads nothing by itself."""

import subprocess
import sys
from pathlib import Path

import pytest

import mmdfkd_command
from mmdfkd_command import COMMANDS, main

ROOT = Path(__file__).parents[1]


def run(*arguments, **options):
    code = 'import sys, mmdfkd_command\n'
    code += 'try: mmdfkd_command.main()\nfinally: print("torch" in sys.modules, file=sys.stderr)'
    return subprocess.run(
        [sys.executable, '-c', code, *arguments], capture_output=True, text=True, **options
    )


def test_every_command_of_the_package_is_in_the_table():
    files = (ROOT / 'mmdfkd/cli').glob('*.py')
    modules = {file.stem for file in files if '\ncommand = as_command(main)' in file.read_text()}
    assert {module for module, _ in COMMANDS.values()} == modules
    assert all(len(what) < 70 for _, what in COMMANDS.values())


def test_help_lists_all_without_torch():
    done = run('--help')
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if line.startswith('  ')] == [*COMMANDS]
    assert done.stderr == 'False\n'
    assert run().stdout == done.stdout


def test_a_misspelt_command_is_one_line_with_the_nearest():
    done = run('publis')
    assert done.returncode == 2
    told, torch_is_loaded = done.stderr.splitlines()
    assert told == ('mmdfkd: no such command: publis; did you mean publish? (--help lists all)')
    assert torch_is_loaded == 'False'


def test_a_command_gets_its_arguments_and_its_name(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['/somewhere/mmdfkd', 'report', 'nowhere'])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith('mmdfkd report: nowhere should be a work dir')


def test_the_version(monkeypatch, capsys):
    monkeypatch.setattr(mmdfkd_command, 'version', {'mmdfkd': '1.2.3'}.get)
    monkeypatch.setattr(sys, 'argv', ['mmdfkd', '--version'])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert capsys.readouterr().out == '1.2.3\n'


def test_without_mmcv_it_says_what_to_install():
    hidden = 'import importlib.util as u; find = u.find_spec\n'
    hidden += 'u.find_spec = lambda name, *a: None if name == "mmcv" else find(name, *a)\n'
    code = f'{hidden}import sys, mmdfkd_command; mmdfkd_command.main()'
    done = subprocess.run(
        [sys.executable, '-c', code, 'train', 'x.py'], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith('mmdfkd: mmcv should be installed')
    assert 'pip install' in done.stderr
    assert done.stderr.count('\n') == 1
