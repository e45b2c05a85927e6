import io
import pickle

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub

import mmdfkd  # noqa: F401  (allow-lists what MMEngine saves)


def saved_and_loaded(content):
    file = io.BytesIO()
    torch.save(content, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def filled_buffer():
    buffer = HistoryBuffer(max_length=5)
    for step in range(8):
        buffer.update(step**2 / 3, count=step + 1)
    return buffer


def test_a_history_buffer_comes_back_equal():
    buffer, loaded = filled_buffer(), saved_and_loaded(filled_buffer())
    assert type(loaded) is HistoryBuffer
    for one, other in zip(buffer.data, loaded.data, strict=True):
        np.testing.assert_array_equal(one, other)
    for name in ('min', 'max', 'mean'):
        assert loaded.statistics(name, 3) == buffer.statistics(name, 3)
    assert loaded.current() == buffer.current()


def test_a_loaded_buffer_goes_on_where_it_was():
    buffer, loaded = filled_buffer(), saved_and_loaded(filled_buffer())
    for history in (buffer, loaded):
        history.update(7.5, count=2)
    np.testing.assert_array_equal(buffer.data[0], loaded.data[0])


def test_the_state_of_a_message_hub_comes_back_equal():
    hub = MessageHub('test_safe_load')
    for step in range(4):
        hub.update_scalar('train/loss', 1 / (step + 1))
        hub.update_scalar('train/lr', np.float32(0.1))
        hub.update_scalar('train/count', np.int64(step))
    hub.update_info('iter', 4)
    hub.update_info('best', np.float64(0.5))
    hub.update_info('flag', np.bool_(True))
    hub.update_info('dataset_meta', {'classes': ('a', 'b')})
    other = MessageHub('test_safe_load_other')
    other.load_state_dict(saved_and_loaded(hub.state_dict()))
    assert set(other.log_scalars) == set(hub.log_scalars)
    for name, buffer in hub.log_scalars.items():
        np.testing.assert_array_equal(buffer.data[0], other.get_scalar(name).data[0])
        np.testing.assert_array_equal(buffer.data[1], other.get_scalar(name).data[1])
    assert other.runtime_info == hub.runtime_info


class ByGetattr:
    """Pickles as ``getattr(owner, name)``."""

    def __init__(self, owner, name):
        self.owner, self.name = owner, name

    def __reduce__(self):
        return getattr, (self.owner, self.name)


@pytest.mark.parametrize(
    ('owner', 'name'),
    [
        (torch.Tensor, 'tolist'),
        (HistoryBuffer, '__init__'),
        (HistoryBuffer, 'register_statistics'),
        (HistoryBuffer, '__subclasses__'),
        (np.ndarray, 'tofile'),
        (np.ndarray, 'min'),
        ({'a': 1}, 'pop'),
    ],
)
def test_getattr_of_anything_else_is_refused(owner, name):
    with pytest.raises(pickle.UnpicklingError):
        saved_and_loaded({'state_dict': ByGetattr(owner, name)})


def test_code_in_a_checkpoint_is_refused(malicious, proves_malice):
    payload, proof = malicious
    proves_malice(payload, proof)
    with pytest.raises(pickle.UnpicklingError):
        saved_and_loaded({'message_hub': payload})
    assert not proof.exists()


def test_arrays_of_objects_are_refused():
    with pytest.raises(pickle.UnpicklingError):
        saved_and_loaded(np.array([ByGetattr(dict, 'fromkeys')], dtype=object))
