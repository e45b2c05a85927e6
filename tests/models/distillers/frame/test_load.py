from pickle import UnpicklingError

import pytest
import torch
from mmengine.config import Config
from toy import toy_dedfkd

from mmdfkd.models.distillers import load_distiller
from mmdfkd.registry import MODELS


@pytest.fixture(scope='module', autouse=True)
def _registered():
    MODELS.register_module(name='toy_dedfkd', module=toy_dedfkd)
    yield
    MODELS._module_dict.pop('toy_dedfkd')


@pytest.fixture
def saved(tmp_path):
    model = toy_dedfkd()
    model.memory.add(torch.rand(4, 3, 8, 8) * 255)
    file = tmp_path / 'iter_1.pth'
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, file)
    return model, file


def config(**model):
    return Config(dict(model=dict(type='toy_dedfkd', **model)))


def test_weights_and_memory_are_the_checkpoint_s(saved):
    model, file = saved
    loaded = load_distiller(config(), file)
    state = loaded.state_dict()
    for key, value in model.state_dict().items():
        assert torch.equal(value, state[key])
    assert len(loaded.memory) == 4
    assert not loaded.training


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match='the checkpoint should be at'):
        load_distiller(config(), tmp_path / 'iter_2.pth')


def test_another_config(saved):
    with pytest.raises(ValueError, match='should be a checkpoint of the config’s DEDFKD'):
        load_distiller(config(capacity=21), saved[1])


def test_a_file_that_would_run_code_is_refused(tmp_path, malicious, proves_malice):
    payload, proof = malicious
    proves_malice(payload, proof)
    torch.save(payload, tmp_path / 'bad.pth')
    with pytest.raises(UnpicklingError, match='could run code'):
        load_distiller(config(), tmp_path / 'bad.pth')
    assert not proof.exists()


def test_a_student_that_diverged_is_refused(saved, tmp_path):
    """Test, robustness and figures took it."""
    content = torch.load(saved[1], weights_only=True)
    name = next(k for k in content['state_dict'] if k.startswith('student.'))
    content['state_dict'][name].view(-1)[0] = float('inf')
    torch.save(content, tmp_path / 'inf.pth')
    with pytest.raises(ValueError, match=rf'inf\.pth should be finite, but {name} hold'):
        load_distiller(config(), tmp_path / 'inf.pth')
