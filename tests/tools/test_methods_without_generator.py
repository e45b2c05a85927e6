"""Figures, synthetic sets and the report of a method that has no generator: of its memory."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from load_tool import load_tool
from mmengine.config import Config
from mmengine.runner import Runner
from short_config import shorten

from mmdfkd.registry import MODELS

CONFIG = 'configs/deepinversion/deepinversion_resnet20_resnet8_cifar10.py'
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """The work dir and the config of two rounds on a random teacher."""
    folder = tmp_path_factory.mktemp('run')
    torch.manual_seed(0)
    network = MODELS.build(Config.fromfile(ROOT / CONFIG).model.teacher.network)
    torch.save(network.state_dict(), folder / 'teacher.pth')
    cfg = shorten(ROOT / CONFIG, folder / 'teacher.pth', rounds=2, batch_size=20)
    cfg.default_hooks.logger.interval = 1
    cfg.work_dir = str(folder / 'run')
    Runner.from_cfg(cfg).train()
    cfg.dump(folder / 'config.py')
    return folder


def test_figures_are_of_the_memory(run, capsys):
    checkpoint = run / 'run/iter_2.pth'
    arguments = [str(run / 'config.py'), str(checkpoint), '--no-real', '--num', '40']
    load_tool('figures').main(arguments)
    assert '40 images of the memory' in capsys.readouterr().out
    found = json.loads((run / 'run/figures.json').read_text())
    assert found['settings']['source'] == 'memory'
    assert {'agreement/kl', 'memory/duplicates', 'diversity/intra'} <= set(found['figures'])
    with pytest.raises(ValueError, match=r"--source should be one of \('memory',\).*leave it out"):
        load_tool('figures').main([*arguments, '--source', 'generator'])


def test_a_synthetic_set_is_of_the_memory(run, monkeypatch, tmp_path):
    out = tmp_path / 'set.npz'
    distiller = MODELS.build(Config.fromfile(run / 'config.py').model)
    distiller.load_state_dict(torch.load(run / 'run/iter_2.pth', weights_only=True)['state_dict'])
    inputs = distiller.normalize(distiller.memory.images[:40].float())
    seen = distiller.teacher(inputs).logits.argmax(1).bincount(minlength=10)
    arguments = [str(run / 'config.py'), str(run / 'run/iter_2.pth'), str(out), '--num', '10']
    monkeypatch.setattr(sys, 'argv', ['synthesize.py', *arguments])
    tool = load_tool('synthesize')
    if seen.min():
        tool.main()
        assert np.load(out)['images'].shape == (10, 32, 32, 3)
    else:  # a random teacher may never see a class: that is said
        with pytest.raises(ValueError, match='the memory should give 1 images of each class'):
            tool.main()


def test_the_report_has_its_curves_and_pictures(run, monkeypatch, tmp_path):
    out = tmp_path / 'report.html'
    monkeypatch.setattr(sys, 'argv', ['report.py', str(run / 'run'), '--out', str(out)])
    load_tool('report').main()
    page = out.read_text()
    assert 'synthesis/loss_bn' in page
    assert 'data:image/png' in page
