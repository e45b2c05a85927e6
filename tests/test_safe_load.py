import io
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub

import mmdfkd  # noqa: F401  (allow-lists what MMEngine saves)
from mmdfkd.safe_load import only_safe_loads


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


class Calls:
    """Pickles as a call of ``function`` with ``arguments``, then a ``state``."""

    def __init__(self, function, arguments=(), state=None):
        self.call = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.call


def bad_buffer():
    buffer = HistoryBuffer()
    buffer._log_history = 'a'
    return buffer


F8, POINTERS = np.dtype('f8'), b'\1\2\3\4\5\6\7\0'
rebuild, scalar = np._core.multiarray._reconstruct, np._core.multiarray.scalar
# What a file can make of the names that the allow-list has: numpy's own took some of the bytes
# for pointers (SIGSEGV), and others for an array without numbers.
GADGETS = {
    'array of objects from bytes': Calls(np.ndarray, ((1,), 'O', bytearray(POINTERS))),
    'array beyond its bytes': Calls(np.ndarray, ((1 << 20,), 'f8', POINTERS)),
    'array by strides': Calls(np.ndarray, ((9,), 'f8', POINTERS, 0, (1 << 40,))),
    'state of objects': Calls(
        rebuild, (np.ndarray, (0,), b'b'), (1, (1,), np.dtype('O'), False, POINTERS)
    ),
    'state of a list': Calls(rebuild, (np.ndarray, (0,), b'b'), (1, (1,), F8, False, [1.0])),
    'state beyond its bytes': Calls(
        rebuild, (np.ndarray, (0,), b'b'), (1, (9,), F8, False, POINTERS)
    ),
    'state of a negative shape': Calls(
        rebuild, (np.ndarray, (0,), b'b'), (1, (-1,), F8, False, POINTERS)
    ),
    'short state': Calls(rebuild, (np.ndarray, (0,), b'b'), (1, (1,))),
    'rebuilt as something else': Calls(rebuild, (np.dtype, (0,), b'b')),
    'structured type': Calls(np.dtype, ([('a', 'O')],)),
    'type of objects': Calls(np.dtype, ('O', False, True)),
    'type of raw memory': Calls(np.dtype, ('V8', False, True)),
    'type with fields': Calls(
        np.dtype, ('f8', False, True), (3, '<', None, ('a',), {'a': (F8, 0)}, 8, 8, 0)
    ),
    'scalar of objects': Calls(scalar, (np.dtype('O'), POINTERS)),
    'scalar of few bytes': Calls(scalar, (F8, b'1')),
    'scalar of many bytes': Calls(scalar, (F8, POINTERS * 9)),
    'buffer of what it likes': Calls(HistoryBuffer, ([1.0], [1])),
    'buffer without numbers': bad_buffer(),
    'numpy loads': Calls(np.load, ('file.npy',)),
    'eval': Calls(eval, ('1 + 1',)),
}


@pytest.mark.parametrize('name', GADGETS)
def test_numbers_are_all_that_numpy_s_names_can_make(name):
    with pytest.raises(pickle.UnpicklingError):
        saved_and_loaded({'message_hub': GADGETS[name]})


@pytest.mark.parametrize('code', ['<f8', '>f4', '<i8', '>i4', '?'])
def test_numbers_come_back_equal(code):
    for values in (np.arange(6).astype(code), np.arange(6).astype(code).reshape(2, 3).T):
        loaded = saved_and_loaded({'a': values, 'b': values[0]})
        np.testing.assert_array_equal(loaded['a'], values)
        np.testing.assert_array_equal(loaded['b'], values[0])
        np.testing.assert_array_equal(saved_and_loaded(loaded)['a'], values)  # and once more
        assert type(pickle.loads(pickle.dumps(loaded['a']))) is np.ndarray


def test_a_buffer_keeps_no_methods_of_a_file():
    buffer, before = filled_buffer(), dict(HistoryBuffer._statistics_methods)
    buffer._statistics_methods = before | {'mean': HistoryBuffer.max}
    loaded = saved_and_loaded(buffer)
    assert HistoryBuffer._statistics_methods == before
    assert vars(loaded).keys() == vars(HistoryBuffer()).keys()


def test_other_packages_loaders_are_safe_inside(malicious, tmp_path, monkeypatch):
    payload, proof = malicious
    torch.save({'weight': payload}, tmp_path / 'a.pth')
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    with only_safe_loads(), pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / 'a.pth', weights_only=False)
    assert not proof.exists()
    torch.load(tmp_path / 'a.pth', weights_only=False)  # outside it is as it was
    assert proof.exists()
    assert os.environ['TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'] == '1'
    assert 'TORCH_FORCE_WEIGHTS_ONLY_LOAD' not in os.environ


def test_threads_leave_each_others_loads_safe():
    inside, entered, left = (threading.Event() for _ in range(3))

    def first():
        with only_safe_loads():
            inside.set()
            entered.wait(0.2)  # the second would be inside, too
        left.set()

    def second():
        inside.wait(9)
        with only_safe_loads():
            entered.set()
            left.wait(9)
            with only_safe_loads():
                pass
            assert os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] == '1'

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(first), pool.submit(second)]:
            done.result()
    assert 'TORCH_FORCE_WEIGHTS_ONLY_LOAD' not in os.environ
