"""Formats the names of functions and classes, places in the user's code, and values, for messages."""

import inspect
import re
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any, Final

from ropewalk.errors.interrupts import interrupts

MOST_SHOWN: Final = 200
"""The maximum length in characters of a value that a message shows."""

_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that move a terminal's cursor, change its state or writing direction, or cannot be encoded."""


def place(function: Any) -> str:
    """The place where a callable or coroutine is defined, such as `users.py:12`, relative to the working directory."""
    target = _unwrapped(function)
    if isinstance(target, type):
        return _class_place(target)
    code = getattr(target, "__code__", None) or getattr(target, "cr_code", None)
    if code is None:
        code = getattr(type(target).__call__, "__code__", None) if callable(target) else None
    if code is None:
        return describe(target)
    return code_place(code)


def code_place(code: CodeType) -> str:
    """The place where a code object is defined, such as `users.py:12`."""
    return relative(code.co_filename, code.co_firstlineno)


def _class_place(kind: type[Any]) -> str:
    """The place where a class is defined; the name of its module if its source cannot be read."""
    try:
        return relative(inspect.getfile(kind), inspect.getsourcelines(kind)[1])
    except (OSError, TypeError):
        return kind.__module__


def relative(name: str, line: int | None) -> str:
    """A line of a file, as `path:line`. The path is relative if the file is below the working directory."""
    return f"{_relative_to(str(Path.cwd()), name)}:{line}"


@lru_cache(maxsize=256)
def _relative_to(working: str, name: str) -> str:
    path = Path(name)
    return str(path.relative_to(working) if path.is_relative_to(working) else path)


def describe(function: Any) -> str:
    """The qualified name of a callable or coroutine, for messages."""
    target = _unwrapped(function)
    return getattr(target, "__qualname__", None) or type(target).__qualname__


class Named:
    """Wraps a function. `str()` of this object finds and returns the name and place of the function, as `named`
    does."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def __str__(self) -> str:
        return named(self._function)


def named(function: Any) -> str:
    """The name and place of a callable or coroutine: `greet at users.py:12`."""
    return f"{describe(function)} at {place(function)}"


def full_name(kind: type[Any]) -> str:
    """The name of a class, with its module, unless it is a built-in class."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def shown(value: object) -> str:
    """The repr of a value for a message: one line of limited length. Exceptions that `__repr__` raises are caught."""
    try:
        text = repr(value)
    except BaseException as error:  # the caller reports another error, and this exception must not replace it
        if interrupts(error):
            raise
        return f"<{full_name(type(value))} that has no repr>"
    text = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def visible(text: str) -> str:
    """Text for the log. Control characters are escaped, except line feeds and tabs."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def _unwrapped(function: Any) -> Any:
    """The user's function, without the wrappers and `functools.partial` objects around it."""
    target = inspect.unwrap(function)
    while hasattr(target, "func"):
        target = inspect.unwrap(target.func)
    return target
