"""No file and no URL runs code, whichever way it comes in."""

import pickle
import re

import pytest
import torch
from load_tool import load_tool
from mmengine.config import Config
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader, load_checkpoint
from torch import nn
from toy import toy_dedfkd, toy_network
from toy_run import toy_runner

from mmdfkd.checkpoint_files import read_checkpoint
from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.distillers import load_distiller
from mmdfkd.registry import MODELS


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp('run')
    toy_runner(folder, 2, checkpoint_interval=2).train()
    return folder / 'iter_2.pth'


@pytest.fixture
def evil(malicious, served):
    """The URL of a checkpoint whose plain loading creates the folder ``proof``."""
    torch.save({'state_dict': {}, 'meta': malicious[0]}, served.folder / 'evil.pth')
    return f'{served.url}/evil.pth'


@pytest.fixture(autouse=True)
def _nothing_runs(tmp_path):
    yield
    assert not (tmp_path / 'proof').exists()


def test_the_config_in_a_checkpoint_is_not_run(checkpoint, tmp_path):
    content = torch.load(checkpoint, weights_only=True)
    content['meta']['config'] = f'import os; os.mkdir({str(tmp_path / "proof")!r})'
    torch.save(content, tmp_path / 'evil.pth')
    runner = toy_runner(tmp_path, 3, resume=True, load_from=str(tmp_path / 'evil.pth'))
    runner.train()
    assert runner.iter == 3


def test_a_resume_is_as_exact_as_before(checkpoint, tmp_path):
    """Numbers of the log's history, too: what was loaded is saved as it was."""
    runner = toy_runner(tmp_path, 2, resume=True, load_from=str(checkpoint))
    runner.load_or_resume()
    before = torch.load(checkpoint, weights_only=True)['message_hub']
    after = runner.message_hub.state_dict()
    assert before['log_scalars'].keys() == after['log_scalars'].keys()
    for name, buffer in before['log_scalars'].items():
        assert pickle.dumps(buffer.data) == pickle.dumps(after['log_scalars'][name].data)


@pytest.mark.parametrize('resume', [True, False])
def test_a_url_given_to_a_run_is_read_safely(resume, evil, tmp_path):
    with pytest.raises(pickle.UnpicklingError, match='could run code'):
        toy_runner(tmp_path, 2, resume=resume, load_from=evil).train()


def test_a_url_in_the_name_of_the_newest_checkpoint_is_read_safely(evil, tmp_path):
    """A downloaded work dir."""
    (tmp_path / 'last_checkpoint').write_text(evil)
    with pytest.raises(pickle.UnpicklingError, match='could run code'):
        toy_runner(tmp_path, 2, resume=True).train()


def test_tools_read_a_url_safely(evil, tmp_path):
    cfg = Config({'model': dict(type='x', teacher={}, student={})})
    with pytest.raises(pickle.UnpicklingError, match='could run code'):
        load_distiller(cfg, evil)
    cfg.dump(tmp_path / 'config.py')
    with pytest.raises(pickle.UnpicklingError, match='could run code'):
        load_tool('publish_student').publish(
            str(tmp_path / 'config.py'), evil, tmp_path / 'student.pth'
        )


def test_networks_read_a_url_safely(evil):
    backbone = dict(type='mmpretrain.ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4)
    network = dict(
        type='mmpretrain.ImageClassifier',
        backbone=backbone,
        neck=dict(type='mmpretrain.GlobalAveragePooling'),
        head=dict(type='mmpretrain.LinearClsHead', num_classes=7, in_channels=32),
    )
    with pytest.raises(pickle.UnpicklingError, match='could run code'):
        Classifier(network | {'pretrained': evil})
    backbone['init_cfg'] = dict(type='Pretrained', checkpoint=evil)
    with pytest.raises(pickle.UnpicklingError, match='could run code'):
        Classifier(network).init_weights()


def loads_carelessly(path):
    network = nn.Linear(2, 2)
    torch.load(path, weights_only=False)
    return network


def test_a_builder_that_loads_without_care_is_made_careful(malicious, monkeypatch, tmp_path):
    """torchvision's and timm's load weights on their own."""
    torch.save(malicious[0], tmp_path / 'evil.pth')
    monkeypatch.setitem(MODELS.module_dict, 'loads_carelessly', loads_carelessly)
    with pytest.raises(pickle.UnpicklingError):
        Classifier(dict(type='loads_carelessly', path=str(tmp_path / 'evil.pth')))


@pytest.mark.parametrize('scheme', [*CheckpointLoader._schemes, 'HTTPS://', 's4://'])
def test_no_loader_of_mmengine_s_own_is_left(scheme):
    path = re.sub(r'\(.*?\)\?', '', scheme) + 'file'
    loader = CheckpointLoader._get_checkpoint_loader(path)
    assert loader.__module__ == 'mmdfkd.checkpoint_files'


def test_mmengine_reads_a_file_as_before(checkpoint, tmp_path):
    module = BaseModule(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'a.pth')))
    module.layer = toy_network()
    torch.save(module.state_dict(), tmp_path / 'a.pth')
    weight = module.layer[0].weight.clone()
    nn.init.zeros_(module.layer[0].weight)
    module.init_weights()
    assert module.layer[0].weight.equal(weight)
    assert load_checkpoint(toy_dedfkd(), str(checkpoint))['meta']['iter'] == 2


def test_what_mmengine_cannot_load_is_named(tmp_path):
    torch.save([1], tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'a\.pth should hold a checkpoint or .*got a list'):
        load_checkpoint(nn.Linear(1, 1), str(tmp_path / 'a.pth'))


@pytest.mark.filterwarnings('ignore:.torch.jit.trace')
def test_a_torchscript_archive_is_named_as_what_it_is(tmp_path):
    torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)).save(str(tmp_path / 'net.pt'))
    with pytest.raises(ValueError, match='is a TorchScript archive; save the weights alone'):
        read_checkpoint(tmp_path / 'net.pt')
