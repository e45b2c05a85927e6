"""What every command has in common: how it ends, and how it reads its arguments."""

import argparse
import difflib
import math
import os
import shlex
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext, suppress
from logging import FileHandler
from pathlib import Path
from typing import Any, NoReturn

from mmengine.logging import MMLogger

from mmdfkd.config_tools.describe import describe, one_line

LONGEST = 600  # characters of a message that is not --verbose


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, with the nearest option of a misspelt one."""

    def __init__(self, **options: Any) -> None:
        options.setdefault('formatter_class', argparse.RawDescriptionHelpFormatter)
        super().__init__(**options)
        # Read from sys.argv where an error is told: it is no setting of what is measured.
        self.add_argument(
            '--verbose', action=_Noted, help='where an error came from, not its message alone'
        )

    def parse_args(self, *args: Any, **kwargs: Any) -> Any:
        """Parse; MMEngine's ``DictAction`` raises what it meets."""
        try:
            return super().parse_args(*args, **kwargs)
        except ValueError as error:
            if 'unpack' not in str(error):
                raise
            self.error('options of a config should be KEY=VALUE, but one has no =')

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        known = [name for name in self._option_string_actions if name.startswith('--')]
        told = one_line(message)
        if told.startswith('unrecognized arguments:'):
            for word in told.split()[2:]:
                close = difflib.get_close_matches(word.split('=')[0], known, 1, 0.5)
                if word.startswith('-') and close:
                    told += f'; did you mean {close[0]}?'
                    break
        self.exit(2, f'{self.prog}: {told} (--help lists all)\n')


def positive(text: str) -> int:
    """Read a whole number over 0; a type of argparse."""
    if not (text.strip().isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f'should be a whole number over 0, but got {text!r}')
    return int(text)


def not_negative(text: str) -> int:
    """Read a whole number from 0 on; a type of argparse."""
    if not text.strip().isdecimal():
        raise argparse.ArgumentTypeError(f'should be a whole number from 0 on, but got {text!r}')
    return int(text)


def above_zero(text: str) -> float:
    """Read a finite number over 0; a type of argparse."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f'should be a number over 0, but got {text!r}')
    return number


class _Noted(argparse.Action):
    def __init__(self, option_strings: list[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, *_: Any) -> None:
        """Leave no trace."""


def as_command(main: Callable[[], Any]) -> Callable[[], NoReturn]:
    """Return what a script calls: ``main``, which ends in one line where it fails.

    The exit status is 0, or 1 where ``main`` fails or returns a number of failures; of wrong
    usage it is 2. With ``--verbose`` the traceback comes as well; the log of a run has it always.
    """

    def command() -> NoReturn:
        try:
            failed = main()
        except (Exception, KeyboardInterrupt) as error:
            end(error)
        sys.exit(1 if failed else 0)

    return command


def end(error: BaseException) -> NoReturn:
    """End the process, with status 1 and one line that tells the error that is being handled."""
    if isinstance(error, BrokenPipeError):  # of `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    go_on = _how_to_go_on()
    if isinstance(error, KeyboardInterrupt):  # with words where there is nothing to go on with
        sys.exit(_say(f'stopped {error.args[0]}' if error.args else f'stopped{go_on}'))
    sys.exit(_say(describe(error, go_on)))


def _say(message: str) -> int:
    """Write a message to stderr alone, and the traceback to the logs; returns the exit status."""
    trace = traceback.format_exc()
    for logger in list(MMLogger._instance_dict.values()):
        for handler in logger.handlers:
            if isinstance(handler, FileHandler) and handler.stream:
                with handler.lock or nullcontext(), suppress(OSError):  # the disk may be full
                    handler.stream.write(trace)
                    handler.flush()
    if '--verbose' in sys.argv[1:]:
        sys.stderr.write(trace)
    elif len(message) > LONGEST:
        message = f'{message[:LONGEST]} ... (--verbose has the rest)'
    sys.stdout.flush()
    print(f'{Path(sys.argv[0]).stem}: {message}', file=sys.stderr, flush=True)
    return 1


def typed() -> str:
    """Return what was typed before the arguments: ``mmdfkd train``, or ``python`` and a script."""
    return sys.argv[0] if sys.argv[0].startswith('mmdfkd ') else f'python {sys.argv[0]}'


def command_line(*left_out: str) -> str:
    """Return what was typed, in one line, but for the switches that are left out."""
    given = [word for word in sys.argv[1:] if word not in left_out]
    return one_line(f'{typed()} {shlex.join(given)}')


def _how_to_go_on() -> str:
    """Say how to resume, where this command can."""
    name, given = Path(sys.argv[0]).stem.removeprefix('mmdfkd '), sys.argv[1:]
    if 'LOCAL_RANK' in os.environ or any(word.startswith('--launcher') for word in given):
        return ''  # a launcher's command is to be typed again, not this process's
    if name == 'train':
        if '--resume' in given:
            place = given.index('--resume') + 1
            named = given[place : place + 1]
            taken = 1 if named and (named[0] in ('auto', 'newest') or '.pth' in named[0]) else 0
            given = given[: place - 1] + given[place + taken :]
        given = [*(word for word in given if word != '--force'), '--resume', 'auto']
    elif name == 'distill':
        given = [*(word for word in given if word not in ('--force', '--resume')), '--resume']
    elif name not in ('reproduce', 'benchmark', 'synthesize'):
        return ''
    return f'; go on with: {typed()} {shlex.join(given)}'
