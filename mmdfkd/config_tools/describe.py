"""An error in one line: what was given, and what to do."""

import difflib
import errno
import inspect
import re
from collections.abc import Iterator
from types import FrameType
from typing import Any

#: Errors whose message says it all; the name of any other goes before its message.
_PLAIN = (ValueError, OSError, FloatingPointError, ImportError, EOFError)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_LONGEST = 150  # characters of the arguments that are told


def describe(error: BaseException, how_to_go_on: str = '') -> str:
    """Tell an error in one line.

    Args:
        error: as it was caught; where another package raised it, its traceback says what was
            being built.
        how_to_go_on: what to do where the disk was full.
    """
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f' of {error.filename}' if error.filename else ''
        return f'the disk{where} should have room, but is full; make some{how_to_go_on}'
    if isinstance(error, OSError) and error.errno and error.strerror:
        place = f'{error.filename}: ' if error.filename else ''
        return f'{place}{error.strerror}'
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    text = one_line(_of_worker(text))
    if not isinstance(error, _PLAIN) or not text:
        text = f'{type(error).__name__}: {text}' if text else type(error).__name__
    frames = list(_frames(error))
    building = [frame for frame in frames if frame.f_code.co_name == 'build_from_cfg']
    own = bool(frames) and str(frames[-1].f_globals.get('__name__')).startswith('mmdfkd')
    if building and not (own and isinstance(error, _PLAIN)):
        return _of_build(building[-1].f_locals, text)
    return text


def _of_worker(text: str) -> str:
    """Return the message of an error that a worker of a data loader raised, without its trace."""
    if not re.match(r'Caught \w+ in DataLoader worker', text):
        return text
    return re.split(r'^[\w.]+: ', text, flags=re.M)[-1]


def one_line(text: str) -> str:
    """Return ``text`` with single spaces, and no line breaks."""
    return ' '.join(text.split())


def nearest(name: str, known: Any) -> str:
    """Ask whether the nearest of the ``known`` names was meant, if one is near."""
    close = difflib.get_close_matches(name, [*known], 1, 0.6)
    return f'did you mean {close[0]}?' if close else ''


def _frames(error: BaseException) -> Iterator[FrameType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _of_build(found: dict[str, Any], text: str) -> str:
    """Tell what MMEngine's registry was building, of its ``build_from_cfg``'s variables.

    MMEngine's own messages name neither what the config has there nor what to do.
    """
    registry, given = found.get('registry'), found.get('args')
    kind, built = found.get('obj_type'), found.get('obj_cls')
    what = getattr(registry, 'name', 'part')
    if given is None:  # not even a dict with a type
        return (
            f'a {what} should be a dict with a type, but got {_short(found.get("cfg"))}; give one'
        )
    if built is None:
        return (
            f'the type of a {what} should be the name of a registered class, but got {kind!r}; '
            f'{_of_type(str(kind), list(_all_of(registry)))}'
        )
    name = getattr(built, '__name__', str(built))
    if unknown := re.search(r"unexpected keyword argument '(\w+)'|takes no arguments", text):
        word = unknown[1] if unknown[1] in given else next(iter(given), '')
        own = _arguments(built) - {'self'}
        advice = nearest(word, own) or f'its own are {", ".join(sorted(own)) or "none"}'
        got = f'{word}={_short(given.get(word))}'
        return f'{name} should get arguments that it has, but got {got}; {advice}'
    if missing := re.search(r'missing \d+ required [\w-]+ arguments?: (.+)', text):
        return f'{name} should get {missing[1]}, but got {list(given) or "nothing"}; give all'
    plain = ', '.join(f'{key}={value!r}' for key, value in given.items() if _is_plain(value))
    got = _short(plain, str)
    return f'{name} should be built of its config, but of ({got}) it raised {text}; mend that'


def _of_type(kind: str, registries: list[Any]) -> str:
    """Say what to do about a type that is not found: a dotted one is likely the user's own."""
    scope, dot, _ = kind.partition('.')
    if dot and scope not in {each.scope for each in registries}:
        return (
            f'to have it imported, run from the folder of {scope} or add that to PYTHONPATH, and '
            f'mind its spelling: python -c "import {kind.rpartition(".")[0]}" tells what is wrong'
        )
    known = {name for each in registries for name in each.module_dict}
    advice = nearest(kind.split('.')[-1], known)
    return advice or 'mind its spelling, or have custom_imports import its module'


def _arguments(built: Any) -> set[str]:
    """Return the names that a class or function takes, its bases' with ``**kwargs`` included."""
    names: set[str] = set()
    for call in built.__mro__ if inspect.isclass(built) else [built]:
        function = call.__dict__.get('__init__') if inspect.isclass(call) else call
        if function is None or function is object.__init__:
            continue
        try:
            parameters = inspect.signature(function).parameters.values()
        except ValueError:  # one in C
            break
        names |= {each.name for each in parameters if each.kind in _NAMED}
        if not any(each.kind is each.VAR_KEYWORD for each in parameters):
            break
    return names


def _all_of(registry: Any) -> Iterator[Any]:
    """Yield a registry's whole tree."""
    root = registry
    while getattr(root, 'parent', None) is not None:
        root = root.parent
    todo = [root]
    while todo:
        each = todo.pop()
        yield each
        todo += each.children.values()


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float | bool)


def _short(value: Any, tell: Any = repr) -> str:
    told = one_line(tell(value))
    return told if len(told) <= _LONGEST else f'{told[:_LONGEST]} ...'
