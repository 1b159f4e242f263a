"""Find the line of the user's code at which a coroutine waits, for messages."""

import gc
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import AsyncGeneratorType, FrameType
from typing import Any, Final

import twisted

from ropewalk.errors import relative

DRIVEN: Final = "driven"
"""The local variable with which a generator of this package names the coroutine that it drives without `yield from`."""

_PACKAGE: Final = f"{Path(__file__).parent}{os.sep}"
_INVOLVED: Final = (_PACKAGE, f"{Path(twisted.__file__).parent}{os.sep}")
"""Packages whose code waits on behalf of other code."""
_LIBRARIES: Final = (
    *(_PACKAGE, "<"),
    *(f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "purelib", "platlib")),
)


def is_users(filename: str) -> bool:
    """Whether a file contains the user's code: it does not belong to Python or an installed package, and was not made
    at run time."""
    return not filename.startswith(_LIBRARIES)


def waiting_place(coroutine: Any) -> str | None:
    """The innermost line of the user's code at which a suspended coroutine waits, such as `users.py:12`.

    If there is no such line, return the innermost line of an installed package. None if only Python, Twisted and
    Ropewalk wait.
    """
    lines = [(frame.f_code.co_filename, frame.f_lineno) for frame in _frames(coroutine)]
    found = [line for line in lines if is_users(line[0])]
    if not found:
        found = [line for line in lines if "site-packages" in line[0] and not line[0].startswith((*_INVOLVED, "<"))]
    return relative(*found[-1]) if found else None


def _frames(waiting: Any) -> Iterator[FrameType]:
    """The frames of a suspended coroutine, outermost first."""
    while waiting is not None:
        frame = next(
            (found for name in ("cr_frame", "gi_frame", "ag_frame") if (found := getattr(waiting, name, None))), None
        )
        if frame is None:
            waiting = _generator_of(waiting)
            continue
        yield frame
        following = (getattr(waiting, name, None) for name in ("cr_await", "gi_yieldfrom", "ag_await"))
        waiting = next((each for each in following if each is not None), None)
        if waiting is None and frame.f_code.co_filename.startswith(_PACKAGE):
            waiting = frame.f_locals.get(DRIVEN)


def _generator_of(step: Any) -> AsyncGeneratorType[Any, Any] | None:
    """Return the async generator of a step, which is an object that `anext`, `asend` or `athrow` returns. A step has no
    attribute for its generator."""
    if type(step).__name__.startswith("async_generator_"):
        return next((each for each in gc.get_referents(step) if isinstance(each, AsyncGeneratorType)), None)
    return None
