"""Tracebacks as users read them: their own code, without the frames of Ropewalk by which a request came to it."""

import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from traceback import StackSummary, TracebackException, format_tb
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, Final

from twisted.python.failure import Failure

from ropewalk.errors import HTTPError, RopewalkError, full_name, shown, visible

PACKAGE: Final = f"{Path(__file__).parent}{os.sep}"
"""What the paths of our own files begin with."""

MOST_TRACED: Final = 1 << 15
"""Characters of a traceback: an error may quote a whole body, or come of thousands of others."""


def format_error(error: BaseException) -> str:
    """An exception with its causes, contexts and notes, as Python shows it, without our frames.

    Those in which an error of Python's was raised stay, since they say what was wrong with the call. An error that has
    passed through no other code than ours is shown whole. The length is bounded, and nothing is raised, whatever the
    methods of the error do.
    """
    try:
        text = _format(error)
    except Exception as raised:  # noqa: BLE001 - the error is to be logged all the same
        frames = "".join(format_tb(error.__traceback__))
        text = f"{frames}{full_name(type(error))}, whose traceback cannot be shown: {shown(raised)}\n"
    half = MOST_TRACED // 2
    if len(text) <= MOST_TRACED:
        return text
    return f"{text[:half]}\n... {len(text) - 2 * half} characters are left out ...\n{text[-half:]}"


def _format(error: BaseException) -> str:
    whole = TracebackException.from_exception(error)
    waiting: list[tuple[TracebackException, BaseException | None]] = [(whole, error)]
    while waiting:
        each, its = waiting.pop()
        each.stack = _without_ours(each.stack, keep_end=not isinstance(its, RopewalkError | HTTPError))
        waiting += [
            (inner, getattr(its, name, None))
            for name in ("__cause__", "__context__")
            if (inner := getattr(each, name)) is not None
        ]
        members = getattr(its, "exceptions", None)
        for number, inner in enumerate(each.exceptions or ()):
            waiting.append((inner, members[number] if isinstance(members, tuple) and number < len(members) else None))
    return "".join(whole.format())


def shown_error(error: BaseException) -> str:
    """The line of an exception, as Python ends a traceback with it, without notes."""
    whole = TracebackException.from_exception(error)
    whole.__notes__ = []
    (*_, line) = whole.format_exception_only()
    return line.strip().partition("\n")[0]


def _without_ours(stack: StackSummary, *, keep_end: bool) -> StackSummary:
    others = [number for number, frame in enumerate(stack) if not frame.filename.startswith(PACKAGE)]
    if not others:
        return stack
    frames = [stack[number] for number in others]
    return StackSummary.from_list([*frames, *stack[others[-1] + 1 :]] if keep_end else frames)


class ShownFailure(Failure):
    """A failure whose traceback in the log is Python's own, without our frames: with causes, contexts and notes."""

    def getTraceback(self, *args: Any, **options: Any) -> str:
        """As Twisted's logger asks for it."""
        del args, options
        # What an exception says of itself may be a client's words, with whatever a terminal does at control characters.
        assert isinstance(self.value, BaseException)
        return visible(format_error(self.value))


def shown_failure(error: BaseException | None) -> Failure:
    """An error for `Logger.failure`; None stands for the one that is being handled."""
    return ShownFailure(error)  # type: ignore[no-untyped-call]


def without_frames(error: BaseException) -> BaseException:
    """A copy of an exception, of the same type, that keeps no frame alive: no traceback, cause or context.

    `__init__` is not called, as that of a user may take other arguments than `args`, or do something. Where the type
    cannot be made without it, the copy is a RuntimeError that shows the exception.
    """
    try:
        return _copy(error)
    except Exception:  # noqa: BLE001 - whatever a __new__ or __setattr__ of the user's raises
        return RuntimeError(shown(error))


def _copy(error: BaseException) -> BaseException:
    kind: Any = type(error)
    arguments = error.args
    if isinstance(error, BaseExceptionGroup):
        arguments = (error.message, [without_frames(inner) for inner in error.exceptions])
    copied: BaseException = kind.__new__(kind, *arguments)
    vars(copied).update(vars(error))
    for name in _fields(kind):
        with suppress(AttributeError, TypeError):  # not set, or not to be set
            value = getattr(error, name)
            if value is not getattr(copied, name, copied):  # an OSError shows a second file name of None
                setattr(copied, name, value)
    return copied


@lru_cache(maxsize=128)
def _fields(kind: type) -> tuple[str, ...]:
    """What exceptions of a type keep elsewhere than in `__dict__`: slots, and the fields of Python's own types."""
    return tuple(
        name
        for each in kind.__mro__
        for name, value in vars(each).items()
        if isinstance(value, GetSetDescriptorType | MemberDescriptorType) and not name.startswith("__")
    )
