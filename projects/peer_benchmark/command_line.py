"""The command line of scripts that start measuring processes.

It imports no torch, as ``mmdfkd.cli.command`` does: Linux counts the memory of the process that
starts another in the other's peak.
"""

import argparse
from collections.abc import Callable
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(2, f'{self.prog}: {" ".join(message.split())} (--help lists all)\n')


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


def as_command(main: Callable[[], Any]) -> Callable[[], None]:
    """Return what a script calls: ``main``, which ends in one line where it fails."""

    def command() -> None:
        try:
            main()
        except (Exception, KeyboardInterrupt) as error:
            from mmdfkd.cli.command import end

            end(error)

    return command
