"""mmdfkd.cli.prepare_teachers: the public files become those that the configs look for."""

import hashlib
import sys
from pathlib import Path

import pytest
import torch
from load_tool import load_tool
from mmengine.config import Config

tool = load_tool('prepare_teachers')
ROOT = Path(__file__).parents[2]


def prepare(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['prepare_teachers.py', *map(str, arguments)])
    tool.main()


def write(path, content):
    """Write a file as a repository has it, and return its digest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def public(monkeypatch, tmp_path):
    """Make a clone that has a WRN, and list it alone."""
    theirs = [
        'conv1.weight',
        'block1.nblockLayer.0.batch_norm1.weight',
        'block1.nblockLayer.0.conv_inp.weight',
        'block3.nblockLayer.1.batch_norm2.running_var',
        'batch_norm.bias',
        'fc.weight',
    ]
    weights = {name: torch.rand(2) for name in theirs}
    write(tmp_path / 'clone/CIFAR10/wrn.pth', {'fc.weight': torch.rand(2)})  # of the same name
    digest = write(tmp_path / 'clone/wrn.pth', weights)
    teacher = tool.PublicTeacher('https://nowhere.invalid/wrn.pth', digest, tool.WRN_KEYS)
    monkeypatch.setattr(tool, 'TEACHERS', {'wrn_seed0.pth': teacher})
    return weights


def test_the_file_of_the_right_digest_gets_our_keys(public, monkeypatch, tmp_path):
    prepare(monkeypatch, '--from', tmp_path / 'clone', '--out', tmp_path / 'out')
    made = torch.load(tmp_path / 'out/wrn_seed0.pth', weights_only=True)
    assert [*made] == [
        'conv1.weight',
        'block1.layer.0.bn1.weight',
        'block1.layer.0.convShortcut.weight',
        'block3.layer.1.bn2.running_var',
        'bn1.bias',
        'fc.weight',
    ]
    assert all(torch.equal(a, b) for a, b in zip(made.values(), public.values(), strict=True))


def test_what_is_there_stays(public, monkeypatch, capsys, tmp_path):
    (tmp_path / 'wrn_seed0.pth').write_text('mine')
    prepare(monkeypatch, '--from', tmp_path / 'nowhere', '--out', tmp_path)
    assert 'there already' in capsys.readouterr().out
    assert (tmp_path / 'wrn_seed0.pth').read_text() == 'mine'
    prepare(monkeypatch, '--from', tmp_path / 'clone', '--out', tmp_path, '--force')
    assert torch.load(tmp_path / 'wrn_seed0.pth', weights_only=True)


def test_a_file_of_another_digest_is_refused(public, monkeypatch, tmp_path):
    (tmp_path / 'clone/wrn.pth').write_bytes(b'something else')
    with pytest.raises(FileNotFoundError, match=r'wrn\.pth with the SHA-256 .* should be below'):
        prepare(monkeypatch, '--from', tmp_path / 'clone', '--out', tmp_path / 'out')
    assert not [*(tmp_path / 'out').iterdir()]


def test_an_unknown_name_is_refused(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match=r'NAME should be one of wrn16_2_cifar10_seed0\.pth'):
        prepare(monkeypatch, 'wrn16_2', '--out', tmp_path)


@pytest.mark.parametrize(
    ('name', 'config'),
    [
        ('wrn16_2_cifar10_seed0.pth', 'dedfkd_wrn162_wrn161_cifar10.py'),
        ('wrn40_1_cifar10_seed0.pth', 'dedfkd_wrn401_wrn161_cifar10.py'),
        ('lenet5_mnist_9891.pth', 'dedfkd_lenet5_mnist9891.py'),
        ('resnet20_cifar10.th', 'dedfkd_resnet20_resnet8_cifar10.py'),
        ('resnet56_cifar10.th', 'dedfkd_resnet56_resnet20_cifar10.py'),
    ],
)
def test_the_configs_look_for_these_names(name, config):
    assert name in tool.TEACHERS
    teacher = Config.fromfile(ROOT / 'configs' / config).model.teacher
    assert teacher.checkpoint == f'data/teachers/{name}'
    assert teacher.how_to_get == 'bring it: mmdfkd prepare-teachers'


def test_downloads_are_pinned():
    for teacher in tool.TEACHERS.values():
        assert len(teacher.sha256) == 64
        assert teacher.url.startswith('https://raw.githubusercontent.com/')
