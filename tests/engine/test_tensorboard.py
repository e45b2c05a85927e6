"""MMEngine's own TensorBoard backend shows a run of ours."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image
from toy_run import toy_runner

from mmdfkd.models.utils import frozen

ROOT = Path(__file__).parents[2]
BOTH = """
from mmengine.config import read_base
from mmengine.visualization import TensorboardVisBackend

with read_base():
    from .dedfkd_lenet5_mnist5k import *

visualizer['vis_backends'].append(dict(type=TensorboardVisBackend))
"""
INSTEAD = {'visualizer.vis_backends.0.type': 'TensorboardVisBackend'}  # of --cfg-options


def visualizer_of(way, folder):
    if way == 'instead':
        cfg = Config.fromfile(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
        cfg.merge_from_dict(INSTEAD)
    else:
        shutil.copytree(ROOT / 'configs', folder / 'configs')
        (folder / 'configs/mine.py').write_text(BOTH)
        cfg = Config.fromfile(folder / 'configs/mine.py')
    return cfg.visualizer


@pytest.mark.parametrize('way', ['both', 'instead'])
def test_tensorboard_has_the_scalars_and_the_synthetic_images(tmp_path, way):
    reader = pytest.importorskip(
        'tensorboard.backend.event_processing.event_accumulator', reason='pip install tensorboard'
    )
    visualizer = visualizer_of(way, tmp_path)
    runner = toy_runner(tmp_path / 'run', 4, grid_interval=2, visualizer=visualizer)
    runner.train()
    runner.visualizer.close()
    [folder] = (tmp_path / 'run').glob('*/vis_data')
    events = reader.EventAccumulator(str(folder), size_guidance=dict(images=0)).Reload()

    [accuracy] = events.Scalars('accuracy/top1')
    assert accuracy.value == pytest.approx(
        runner.message_hub.get_scalar('val/accuracy/top1').current()
    )
    assert {'teacher/accuracy/top1', 'data_time', 'time'} <= set(events.Tags()['scalars'])
    pictures = events.Images('synthetic')
    assert [picture.step for picture in pictures] == [2, 4]
    shown = np.array(Image.open(io.BytesIO(pictures[-1].encoded_image_string)))
    latents = torch.randn(10, 5, generator=torch.Generator().manual_seed(0))[:1]
    with frozen(runner.model.generator) as generator, torch.no_grad():
        first = generator(latents, torch.tensor([0]))[0]
    left = shown.shape[1] - 10 * 34  # of the names; 8-pixel images are four times as large
    assert (
        np.abs(shown[2:34:4, left : left + 32 : 4] - first.permute(1, 2, 0).numpy()).max() <= 0.51
    )

    local = folder / 'scalars.json'
    assert local.exists() == (way == 'both')  # what tools/report.py reads
    if way == 'both':
        lines = [json.loads(line) for line in local.read_text().splitlines()]
        assert [line['accuracy/top1'] for line in lines if 'accuracy/top1' in line] == [
            pytest.approx(accuracy.value)
        ]
