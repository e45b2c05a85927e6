from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torchvision

from mmdfkd.config_tools.python_code import Name, code


def test_values_are_written_as_python():
    value = dict(type='a.B', x=[1.5, 'two'], y=dict(z=None), w=(True, 3))
    assert eval(code(value)) == value
    long = dict(a='x' * 60, b=dict(c='y' * 60, d=['z' * 60, 1]))
    assert eval(code(long)) == long
    assert code(long).splitlines() == [
        'dict(',
        f"    a='{'x' * 60}',",
        '    b=dict(',
        f"        c='{'y' * 60}',",
        f"        d=['{'z' * 60}', 1],",
        '    ),',
        ')',
    ]
    assert code(dict(type=Name('B'))) == 'dict(type=B)'
    assert code(dict(type=OrderedDict)) == "dict(type='collections.OrderedDict')"


@pytest.mark.parametrize(
    'value',
    [
        None,
        (),
        (1,),
        [(1, 2), ()],
        dict(a=dict(b=dict(), c=[]), d=None),
        {'a-b': 1, 'c': dict(d=2)},
        {1: 'one', 'class': 2, (3, 4): None},
        {'a-b': 'x' * 60, 'c': ('y' * 60,)},
        float('inf'),
        [-float('inf'), -0.0, 1e-300],
        'it\'s "so"\n',
    ],
    ids=str,
)
def test_what_is_written_is_the_value(value):
    assert eval(code(value)) == value


def test_numbers_of_numpy_paths_and_functions_are_plain():
    numbers = dict(a=np.float64(1.5), b=np.int64(2), c=np.bool_(True), d=np.array([[1, 2]]))
    assert code(numbers) == 'dict(a=1.5, b=2, c=True, d=[[1, 2]])'
    assert code(Path('a') / 'b') == "'a/b'"
    assert code(dict(type=torchvision.models.resnet18)) == (
        "dict(type='torchvision.models.resnet.resnet18')"
    )
    assert eval(code(float('nan'))) != eval(code(float('nan')))
