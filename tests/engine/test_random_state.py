import random

import numpy as np
import pytest
import torch

from mmdfkd.engine.random_state import random_state, restore_random_state


def draws():
    normal = random.gauss(0, 1), float(np.random.standard_normal())  # each keeps a second one
    return *normal, random.random(), float(np.random.random()), float(torch.rand(()))


def test_draws_go_on_where_they_were(tmp_path):
    draws()
    torch.save(random_state(), tmp_path / 'state.pth')
    expected = draws()
    draws()
    restore_random_state(torch.load(tmp_path / 'state.pth', weights_only=True))
    assert draws() == expected


def changed(name, *value):
    state = random_state()
    state[name] = (*value, *state[name][len(value) :]) if value else None
    return state


@pytest.mark.parametrize(
    'wrong',
    [
        lambda: None,
        lambda: {},
        lambda: changed('python', 3, torch.arange(5)),
        lambda: changed('python', 7),
        lambda: changed('numpy', torch.arange(5)),
        lambda: changed('numpy', torch.arange(624), 1 << 20),  # numpy would read there
        lambda: changed('numpy', torch.arange(624), -5),
        lambda: changed('torch'),
        lambda: random_state() | {'torch': torch.zeros(5, dtype=torch.uint8)},
        lambda: random_state() | {'torch': torch.zeros(5056, dtype=torch.uint8)},
    ],
)
def test_what_is_no_state_is_refused(wrong):
    before = random_state()
    with pytest.raises(ValueError, match='should have the states of random number generators'):
        restore_random_state(wrong())
    restore_random_state(before)
