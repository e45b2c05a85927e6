"""Code and machine of a training that went on elsewhere."""

import pytest

from mmdfkd.benchmark import origin as module
from mmdfkd.benchmark.origin import note_origin, origin


def test_all_that_a_cell_was_trained_on_is_named(tmp_path, monkeypatch):
    """It was what wrote the line."""
    monkeypatch.setattr(module, 'commit', lambda: 'a1')
    monkeypatch.setattr(module, 'device_name', lambda: 'one CPU')
    assert origin(tmp_path / 'cell')['commit'] == 'a1'  # trained before this was noted
    note_origin(tmp_path / 'cell')
    note_origin(tmp_path / 'cell')
    assert origin(tmp_path / 'cell')['commit'] == 'a1'
    monkeypatch.setattr(module, 'commit', lambda: 'b2')
    note_origin(tmp_path / 'cell')
    found = origin(tmp_path / 'cell')
    assert (found['commit'], found['hardware']) == ('a1, then b2', 'one CPU')
    assert {'threads', 'versions'} <= set(found)


def test_other_threads_are_refused_without_a_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr(module.torch.cuda, 'is_available', lambda: False)
    note_origin(tmp_path)
    monkeypatch.setattr(module.torch, 'get_num_threads', lambda: 77)
    with pytest.raises(ValueError, match=r'OMP_NUM_THREADS should be .* but got 77'):
        note_origin(tmp_path)
    monkeypatch.setattr(module.torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(module, 'device_name', lambda: 'one GPU')
    note_origin(tmp_path)  # minutes are of the wall clock there
