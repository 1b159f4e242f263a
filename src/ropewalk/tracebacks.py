"""Tracebacks for users: they have the frames of users' code, without Ropewalk's frames around them."""

import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from traceback import StackSummary, TracebackException, format_tb, walk_tb
from types import CodeType, GetSetDescriptorType, MemberDescriptorType
from typing import Any, Final

from twisted.python.failure import Failure

from ropewalk.errors import HTTPError, RopewalkError, full_name, shown, visible
from ropewalk.waiting_places import is_users

PACKAGE: Final = f"{Path(__file__).parent}{os.sep}"
"""The prefix of the paths of Ropewalk's own files."""

MOST_TRACED: Final = 1 << 15
"""The maximum length in characters of a traceback. The length is limited, because an error may quote a whole body or
have thousands of causes."""


def format_error(error: BaseException) -> str:
    """Format an exception like Python, with its causes, contexts and notes, but without Ropewalk's frames.

    Frames after the last frame of users' code stay, because they explain the error. If there is no frame of users'
    code, all frames stay. The errors of Ropewalk explain themselves, so their tracebacks have no frames of Ropewalk.
    The length is limited. If a method of the exception, such as `__str__`, raises an exception, this is caught.
    """
    try:
        text = _format(error)
    except Exception as raised:  # noqa: BLE001 - the error must be logged nevertheless
        frames = "".join(format_tb(error.__traceback__))
        text = f"{frames}{full_name(type(error))}, whose traceback cannot be formatted: {shown(raised)}\n"
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


def code_that_raised(error: BaseException) -> list[CodeType]:
    """The functions of the user's code in the traceback of an exception, the outermost first."""
    codes = (frame.f_code for frame, _ in walk_tb(error.__traceback__))
    return [code for code in codes if is_users(code.co_filename)]


def shown_error(error: BaseException) -> str:
    """The last line of an exception's traceback: its type and message, without notes."""
    whole = TracebackException.from_exception(error)
    whole.__notes__ = []
    (*_, line) = whole.format_exception_only()
    return line.strip().partition("\n")[0]


def _without_ours(stack: StackSummary, *, keep_end: bool) -> StackSummary:
    others = [number for number, frame in enumerate(stack) if not frame.filename.startswith(PACKAGE)]
    if not others:
        return stack if keep_end else StackSummary()
    frames = [stack[number] for number in others]
    return StackSummary.from_list([*frames, *stack[others[-1] + 1 :]] if keep_end else frames)


class ShownFailure(Failure):
    """A failure whose traceback in the log has Python's format: with causes, contexts and notes, without Ropewalk's
    frames."""

    def getTraceback(self, *args: Any, **options: Any) -> str:
        """Return the traceback. Called by Twisted's logger."""
        del args, options
        # The text of an exception may come from a client, and have control characters that would affect the terminal.
        assert isinstance(self.value, BaseException)
        return visible(format_error(self.value))


def shown_failure(error: BaseException | None) -> Failure:
    """Make a failure for `Logger.failure`. None stands for the exception that is being handled."""
    return ShownFailure(error)  # type: ignore[no-untyped-call]


def without_frames(error: BaseException) -> BaseException:
    """A copy of an exception, of the same type, without its traceback, cause and context, because these would keep
    frames alive.

    `__init__` is not called, because a user's `__init__` may take other arguments than `args`, or have side effects. If
    an object of the type cannot be created without calling `__init__`, the copy is a RuntimeError with the repr of the
    exception.
    """
    try:
        return _copy(error)
    except Exception:  # noqa: BLE001 - a user's __new__ or __setattr__ may raise any exception
        return RuntimeError(shown(error))


def _copy(error: BaseException) -> BaseException:
    kind: Any = type(error)
    arguments = error.args
    if isinstance(error, BaseExceptionGroup):
        arguments = (error.message, [without_frames(inner) for inner in error.exceptions])
    copied: BaseException = kind.__new__(kind, *arguments)
    vars(copied).update(vars(error))
    for name in _fields(kind):
        with suppress(AttributeError, TypeError):  # the attribute is unset or read-only
            value = getattr(error, name)
            if value is not getattr(copied, name, copied):  # setting filename2 to None changes the text of an OSError
                setattr(copied, name, value)
    return copied


@lru_cache(maxsize=128)
def _fields(kind: type) -> tuple[str, ...]:
    """The names of the attributes of an exception type that are not in `__dict__`: slots, and fields of built-in
    types."""
    return tuple(
        name
        for each in kind.__mro__
        for name, value in vars(each).items()
        if isinstance(value, GetSetDescriptorType | MemberDescriptorType) and not name.startswith("__")
    )
