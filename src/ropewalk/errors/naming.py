"""How a message names a place in the user's code, a class and a value."""

import inspect
import os
import re
from pathlib import Path
from types import CodeType
from typing import Any, Final

from ropewalk.errors.interrupts import interrupts

MOST_SHOWN: Final = 200
"""Characters that a message shows of a value."""

_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What moves a terminal's cursor, changes its state or its order of writing, or fits no encoding."""


def place(function: Any) -> str:
    """Where a callable or coroutine is written, as `users.py:12`, the path relative to the working directory."""
    target = _innermost(function)
    if isinstance(target, type):
        return _class_place(target)
    code = getattr(target, "__code__", None) or getattr(target, "cr_code", None)
    if code is None:
        code = getattr(type(target).__call__, "__code__", None) if callable(target) else None
    if code is None:
        return describe(target)
    return code_place(code)


def code_place(code: CodeType) -> str:
    """As `place`, for compiled code."""
    return relative(code.co_filename, code.co_firstlineno)


def _class_place(kind: type[Any]) -> str:
    """Its module where it has no source, or that cannot be read."""
    try:
        return relative(inspect.getfile(kind), inspect.getsourcelines(kind)[1])
    except (OSError, TypeError):
        return kind.__module__


def relative(name: str, line: int | None) -> str:
    """A line of a file as messages name it: the path from the working directory, where it is below that."""
    path = Path(name)
    working = Path(os.curdir).absolute()
    return f"{path.relative_to(working) if path.is_relative_to(working) else path}:{line}"


def describe(function: Any) -> str:
    """The qualified name of a callable or coroutine."""
    target = _innermost(function)
    return getattr(target, "__qualname__", None) or type(target).__qualname__


def named(function: Any) -> str:
    """A callable or coroutine as messages name it: `greet at users.py:12`."""
    return f"{describe(function)} at {place(function)}"


def full_name(kind: type[Any]) -> str:
    """The name of a class with its module, unless it is built in."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def shown(value: object) -> str:
    """What `repr` gives, on one line and not too long, for a message. It raises nothing, whatever the value does."""
    try:
        text = repr(value)
    except BaseException as error:  # who reports a mistake has to report this one too
        if interrupts(error):
            raise
        return f"<{full_name(type(value))} that has no repr>"
    text = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def visible(text: str) -> str:
    """A text for the log, in which control characters are escapes: all but the line feed and the tab."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def _innermost(function: Any) -> Any:
    """What stands inside of wrappers and partials."""
    target = inspect.unwrap(function)
    while hasattr(target, "func"):
        target = inspect.unwrap(target.func)
    return target
