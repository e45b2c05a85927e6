from collections import OrderedDict

from mmdfkd.own_teacher.python_code import Name, code


def test_values_are_written_as_python():
    value = dict(type='a.B', x=[1.5, 'two'], y=dict(z=None), w=(True, 3))
    assert eval(code(value)) == value | dict(w=[True, 3])
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
