"""Import mmrazor's models under torch 2: importing this module does it.

mmrazor 1.0.0, of April 2023, asks for torch's version where its quantisation begins, and imports
parts of torch that are gone. Told that torch is 1.12, it leaves that part out, and all else works.
Nothing but mmrazor is told so.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from mmengine.utils import digit_version

#: The last torch for which mmrazor leaves its quantisation out.
_TOLD = '1.12.1'


def import_mmrazor() -> ModuleType:
    """Import mmrazor with its models, data sets and engine; they are registered then.

    Returns:
        The package.

    Raises:
        ImportError: if it, or a package that it needs, is not there.
    """
    try:
        mmrazor: Any = import_module('mmrazor')
    except ImportError as error:
        raise ImportError(
            'mmrazor should be there for this project; pip install mmrazor joblib cloudpickle '
            'pydacefit ordered_set'
        ) from error
    if 'mmrazor.models' not in sys.modules:
        before = mmrazor.digit_version
        mmrazor.digit_version = _older
        try:
            for part in ('models', 'datasets', 'engine'):
                import_module(f'mmrazor.{part}')
        finally:
            mmrazor.digit_version = before
    return mmrazor


def _older(version: str, length: int = 4) -> tuple[int, ...]:
    """Do as MMEngine's ``digit_version``, for mmrazor's modules alone."""
    return digit_version(_TOLD if version == torch.__version__ else version, length)


import_mmrazor()
