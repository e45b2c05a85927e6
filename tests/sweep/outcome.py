"""How a command ends: with a line of its own, with another's, or with hours of work ahead."""

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

from mmdfkd.models.distillers import generative

#: What each command does for hours: it is not done here, and a wrong input should not get there.
WORK = [
    'mmengine.model.BaseModel.train_step',
    'mmdfkd.models.distillers.DataFreeDistiller.train_step',
    'mmdfkd.models.distillers.frame.interface.ToolInterface.test_step',
    'mmdfkd.models.distillers.frame.interface.ToolInterface.val_step',
    'mmdfkd.cli.robustness.accuracy',
    'mmdfkd.cli.reproduce.train',
    'mmdfkd.benchmark.cells._train',
    'mmdfkd.cli.distill.seconds_a_round',
    'torchvision.datasets.MNIST',
]
ROOT = Path(__file__).parents[2]


@contextmanager
def chdir(folder: Path) -> Iterator[None]:
    """Be in a folder; contextlib's is of Python 3.11 on."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


class ReachedWorkError(BaseException):
    """The work begins."""


class End(NamedTuple):
    """The exit status (None: the work began; -1: a traceback), stderr, and all that was told."""

    status: int | None
    line: str
    text: str


def command_of(name):
    """The command, and how its script is called."""
    if '/' in name:
        sys.path[:0] = [str(ROOT / 'projects' / name.split('/')[0])]
        module = import_module(name.split('/')[1])
        return getattr(module, 'command', None) or module.main
    return import_module(f'mmdfkd.cli.{name}').command


def _raise(*_, **__):
    raise ReachedWorkError


def _forget():
    """Loggers and the like live as long as a process, which is one command's elsewhere."""
    for kind in (MMLogger, MessageHub, Visualizer, DefaultScope):
        for instance in kind._instance_dict.values():
            for handler in getattr(instance, 'handlers', ()):
                handler.close()
        kind._instance_dict.clear()


def run(name, arguments, folder='.', watch=True):
    """Run a command in ``folder``; with ``watch`` it stops where its work would begin."""
    told, err = io.StringIO(), io.StringIO()
    script = f'tools/{name}.py' if '/' not in name else f'projects/{name}.py'
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(chdir(folder))
        enter(mock.patch.dict(os.environ))
        enter(mock.patch.object(sys, 'argv', [script, *arguments]))
        enter(mock.patch.object(sys, 'path', [*sys.path]))
        enter(mock.patch('time.sleep', return_value=None))  # MMEngine waits between epochs
        enter(mock.patch('gc.collect', return_value=0))  # once a data set
        # Compilers and drivers are asked for their versions, and yapf formats for a second.
        enter(mock.patch('mmengine.runner.runner.collect_env', dict))
        enter(mock.patch('mmengine.config.config.FormatCode', lambda text, **_: (text, True)))
        # A parity script leaves the generator's trial out, in a process of its own.
        enter(mock.patch.object(generative, 'try_generator', generative.try_generator))
        for place in WORK if watch else ():
            enter(mock.patch(place, _raise))
        enter(redirect_stdout(told))
        enter(redirect_stderr(err))
        enter(warnings.catch_warnings())
        warnings.simplefilter('default')
        try:
            command_of(name)()
            status = 0
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 0 if not ended.code else 1
            if isinstance(ended.code, str):
                print(ended.code, file=err)
        except ReachedWorkError:
            status = None
        except Exception as error:
            status = -1
            print(f'{type(error).__name__}: {error}', file=err)
        finally:
            _forget()
    return End(status, err.getvalue(), told.getvalue() + err.getvalue())
