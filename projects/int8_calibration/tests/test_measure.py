import re

import pytest
import torch
from load_tool import load_tool
from toy_export import untrained_run

pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')
pytest.importorskip('mlxtend')


def test_a_table_of_all_that_it_is_calibrated_on(tmp_path, monkeypatch, capsys):
    _, config, checkpoint = untrained_run(tmp_path, held=50)
    tool = load_tool('int8_calibration/measure')
    monkeypatch.setattr(tool, 'HELD_OUT', 20)
    arguments = [str(config), str(checkpoint), '--num', '10', '--draws', '2']
    options = ['--cfg-options', 'test_dataloader.dataset.indices=50']
    tool.main([*arguments, *options])
    said = capsys.readouterr().out
    for name in ('synthetic', 'real', 'noise'):
        assert re.search(
            rf'\| {name} \| MinMax \| 10 \| [\d.]+ ± [\d.]+ \| [\d.]+ ± [\d.]+ \|', said
        )
    assert re.search(r'\| as it is, float32 \|  \|  \| [\d.]+ \| 100 \|', said)
    assert '50 images of MNIST5k; n = 2 draws' in said
    assert re.search(r'8 bits: [\d,]+ bytes, [\d.]+ ms an image', said)
    with pytest.raises(ValueError, match='at least 100 images in its memory, but has 50'):
        tool.main([*arguments[:2], '--num', '40'])


def test_noise_has_the_real_pixels_mean_and_std(tmp_path):
    tool = load_tool('int8_calibration/measure')
    student = tool.TrainedStudent(
        None, None, {}, [100.0, 120.0, 140.0], [10.0, 20.0, 30.0], (3, 32, 32), [], None
    )
    noise = tool.noise_like(student, 50).float()
    torch.testing.assert_close(noise.mean((0, 2, 3)), torch.tensor(student.mean), atol=0.5, rtol=0)
    torch.testing.assert_close(noise.std((0, 2, 3)), torch.tensor(student.std), atol=0.5, rtol=0)
