import json

import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.visualization import MLflowVisBackend
from mmpretrain.datasets import CustomDataset
from PIL import Image
from toy import toy_dedfkd
from toy_methods import toy_nayer
from toy_run import Digits, toy_runner

from mmdfkd.datasets import LabelDataset


class Odd(BaseMetric):
    """Figures that are numbers, and others."""

    default_prefix = 'odd'

    def process(self, data_batch, data_samples):
        self.results.append(len(data_samples))

    def compute_metrics(self, results):
        return {'matrix': torch.eye(2), 'each': [1.0, 2.0], 'name': 'x', 'one': np.float32(3)}


def test_metrics_that_are_no_numbers_are_left_out_of_the_summary(tmp_path, capfd):
    runner = toy_runner(
        tmp_path,
        2,
        val_evaluator=[dict(type='mmpretrain.Accuracy'), dict(type=Odd)],
        test_dataloader=None,
    )
    runner.train()
    told = capfd.readouterr().out
    summary = told[told.index('Distillation summary') :]
    assert 'odd/one' in summary
    assert 'odd/matrix' not in summary


def test_the_images_of_the_student_are_counted_for_the_report(tmp_path):
    """It took a batch a round, whatever the method does in one."""
    model = toy_nayer(warmup_rounds=1, warmup_inversions=1, inversions=2)
    schedules = {key: [] for key in model.optimised}
    toy_runner(tmp_path, 3, model=model, param_scheduler=schedules).train()
    [file] = tmp_path.glob('*/image_counts.json')
    assert json.loads(file.read_text()) == [[0, 0], [1, 6], [3, 30]]
    assert int(model.memory.num_added) == 30


@pytest.mark.parametrize(('samples', 'batch'), [(1, 2), (1, 3), (1, 4), (2, 2)])
def test_a_batch_without_a_pair_is_told(tmp_path, caplog, capfd, samples, batch):
    toy_runner(tmp_path, 1, train_dataset=LabelDataset(3, 60, samples), batch_size=batch).train()
    warned = 'images of the same class, but a batch of' in capfd.readouterr().out
    assert warned == (samples == 1 and batch < 4)


def test_without_a_metric_loss_any_batch_will_do(tmp_path, capfd):
    model = toy_dedfkd(loss_metric=None)
    toy_runner(tmp_path, 1, batch_size=2, model=model).train()
    assert 'images of the same class' not in capfd.readouterr().out


@pytest.mark.parametrize(('rounds', 'shown'), [(2, [1, 2]), (5, [2, 4, 5]), (8, [2, 4, 6, 8])])
def test_a_short_run_has_four_grids_at_most(tmp_path, rounds, shown):
    toy_runner(tmp_path, rounds, grid_interval=500).train()
    names = {path.stem for path in tmp_path.glob('*/vis_data/vis_image/synthetic_*.png')}
    assert names == {f'synthetic_{step}' for step in shown}


def test_mlflow_gets_a_file_name(tmp_path, monkeypatch):
    runner, given = toy_runner(tmp_path, 1, grid_interval=1), []
    backend = object.__new__(MLflowVisBackend)
    backend.add_image = lambda name, image, step: given.append((name, step))
    monkeypatch.setattr(backend, 'add_scalars', lambda *_, **__: None)
    monkeypatch.setattr(backend, 'add_config', lambda *_: None)
    runner.visualizer._vis_backends['mlflow'] = backend
    try:
        [hook] = [h for h in runner.hooks if type(h).__name__ == 'SyntheticGridHook']
        hook.before_train(runner)
        hook.after_train_iter(runner, 0)
    finally:
        del runner.visualizer._vis_backends['mlflow']
    assert given == [('real_0.png', 0), ('synthetic_1.png', 1)]


def test_pictures_are_rgb_where_the_networks_take_bgr(tmp_path):
    model = toy_dedfkd()
    model.data_preprocessor.to_rgb = True
    toy_runner(tmp_path, 1, grid_interval=1, model=model).train()
    [real] = tmp_path.glob('*/vis_data/vis_image/real_0.png')
    picture = np.array(Image.open(real).convert('RGB'))
    of_class_0 = Digits().images[::3]  # 4 of 10 columns, 8 pixels a side, each 4 x 4 here
    left = picture.shape[1] - 10 * 34
    for column, image in enumerate(of_class_0.permute(0, 2, 3, 1).numpy()):
        cell = picture[2:34, left + 34 * column : left + 34 * column + 32]
        np.testing.assert_array_equal(cell[::4, ::4], image)


@pytest.mark.parametrize('turned', [False, True])
def test_validation_images_in_bgr_are_told(tmp_path, capfd, turned):
    for label in range(3):
        (tmp_path / f'set/{label}').mkdir(parents=True)
        Image.new('RGB', (8, 8), (label, 0, 200)).save(tmp_path / f'set/{label}/a.png')
    steps = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
    if turned:
        steps[1:1] = [dict(type='NumpyToPIL', to_rgb=True), dict(type='PILToNumpy')]
    steps = [step | dict(type=f'mmpretrain.{step["type"]}') for step in steps]
    dataset = CustomDataset(data_root=str(tmp_path / 'set'), pipeline=steps)
    toy_runner(tmp_path / 'run', 1, val_dataset=dataset).train()
    told = capfd.readouterr().out
    assert ('images of the val data set should be RGB' in told) == (not turned)
