import pytest
import torch
from toy_run import toy_runner

from mmdfkd.engine.hooks import StrictLoadHook


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp('run')
    toy_runner(folder, 1, checkpoint_interval=1).train()
    return folder / 'iter_1.pth'


def strict(folder, checkpoint, **kwargs):
    runner = toy_runner(folder, 2, load_from=str(checkpoint), **kwargs)
    runner.register_hook(StrictLoadHook())
    return runner


def test_a_checkpoint_that_fits_is_loaded(checkpoint, tmp_path):
    runner = strict(tmp_path, checkpoint, resume=True)
    runner.train()
    assert runner.iter == 2


@pytest.mark.parametrize('resume', [True, False])
def test_another_network_s_is_an_error(checkpoint, tmp_path, resume):
    content = torch.load(checkpoint, weights_only=True)
    name, weight = next((k, v) for k, v in content['state_dict'].items() if 'generator' in k)
    content['state_dict'][name] = weight[:1]
    torch.save(content, tmp_path / 'other.pth')
    with pytest.raises(ValueError, match=rf'(?s)the config’s DEDFKD, but got .*{name}'):
        strict(tmp_path, tmp_path / 'other.pth', resume=resume).train()


def test_a_part_s_is_an_error(checkpoint, tmp_path):
    content = torch.load(checkpoint, weights_only=True)
    kept = {k: v for k, v in content['state_dict'].items() if not k.startswith('student.')}
    torch.save(content | {'state_dict': kept}, tmp_path / 'part.pth')
    with pytest.raises(ValueError, match=r'(?s)missing keys.*student\.'):
        strict(tmp_path, tmp_path / 'part.pth').train()
