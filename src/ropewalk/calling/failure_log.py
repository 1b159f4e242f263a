"""What the log says of errors: who raised them, where, and what to do."""

import sys
from collections.abc import Callable
from inspect import unwrap
from traceback import walk_tb
from typing import Any, Final, NoReturn

from twisted.logger import Logger

from ropewalk.calling.shortages import INTERVAL, Shortage, shortage_in
from ropewalk.errors import (
    CATALOGUE,
    RopewalkError,
    WrongReturn,
    code_place,
    full_name,
    interrupts,
    named,
    shown,
    visible,
)
from ropewalk.request import Request
from ropewalk.tracebacks import PACKAGE, shown_failure

log = Logger(namespace="ropewalk.handlers")

_BLAME: Final = "Raised by the "
"""How a note begins on an exception of an error handler or a middleware."""
_CALLED_FOR: Final = ", called for "
_ON_THE_WAY: Final = "what leads to it"
"""Who has failed where no handler was found yet, nor any code of the user's."""


class Unreached:
    """Stands for a handler where an error was met on the way to it, and raises that."""

    __slots__ = ("_error",)

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __call__(self, request: Request) -> NoReturn:
        del request
        try:
            raise self._error
        finally:
            del self._error  # whose traceback leads here


def blame_middleware(error: BaseException, middleware: Callable[..., Any]) -> None:
    """Have the log name the middleware that raised an error."""
    who = named(middleware)
    if not (isinstance(error, RopewalkError) and who in error.message):
        error.add_note(f"{_BLAME}middleware {who}.")


def blame_error_handler(raised: BaseException, handler: Callable[..., Any], error: BaseException) -> None:
    """Have the log name the error handler that raised an error, when it was called for another one."""
    raised.add_note(f"{_BLAME}error handler {named(handler)}{_CALLED_FOR}{shown(error)}.")


def log_error(request: Request, error: BaseException, advice: str | None = None) -> None:
    """A line for an error, with the place in the user's code. It raises nothing but Ctrl-C.

    `advice` is the remedy for an exception of the user's, where that is not to register an error handler.
    """
    try:
        shortage = shortage_in(error)
        code, what, remedy = ("", "", "") if shortage is not None else _line(request, error, advice)
        failure = shown_failure(error)
    except BaseException as raised:  # by a method of the error
        if interrupts(raised):
            raise
        shortage, code, remedy = None, "RW208", CATALOGUE["RW208"].remedy
        what = f"{_who(request, error)} raised {full_name(type(error))}, of which this was raised: {shown(raised)}."
        failure = shown_failure(raised)
    try:
        if shortage is not None:
            log_shortage(request, error, shortage)
            return
        log.failure(
            "{code} {method} {path}: {what} {remedy}",
            failure,
            code=code,
            method=request.method,
            path=request.raw_path.decode("ascii"),  # as it was sent: what it stands for may be a line's end
            what=visible(what),
            remedy=remedy,
        )
    except BaseException as raised:  # by an observer of the log: Twisted handles all but SystemExit and its like
        if interrupts(raised):
            raise
        sys.excepthook(type(raised), raised, raised.__traceback__)


def _line(request: Request, error: BaseException, advice: str | None) -> tuple[str, str, str]:
    """The code, what happened, and the remedy."""
    who = _who(request, error)
    blamed = _blamed(error)
    handler = "" if blamed is None or who is _ON_THE_WAY else f" The handler is {who}."
    if isinstance(error, RopewalkError):
        if isinstance(error, WrongReturn) or error.message.startswith(who):
            return error.code, error.message, error.remedy
        return error.code, f"{blamed or who}: {error.message}{handler}", error.remedy
    on_wrong_reactor = isinstance(error, RuntimeError) and "no running event loop" in shown(error)
    code = "RW203" if on_wrong_reactor else "RW208"
    comma = "," if blamed is not None and _CALLED_FOR in blamed else ""
    what = f"{blamed or who}{comma} raised {shown(error)}.{handler}"
    return code, what, advice if advice and code == "RW208" else CATALOGUE[code].remedy


def log_shortage(request: Request, error: BaseException, shortage: Shortage) -> None:
    """A line for what the system lacks, unless there was one lately. It is the same for all, whoever meets it."""
    if request.service.shortages.is_news(shortage):
        log.warn(
            "{code} {method} {path}: {who} met {error}. {remedy} For {seconds:g} s there is no other line about this.",
            code=shortage.code,
            method=request.method,
            path=request.raw_path.decode("ascii"),
            who=_who(request, error),
            error=visible(shown(error)),
            remedy=CATALOGUE[shortage.code].remedy,
            seconds=INTERVAL,
        )


def _who(request: Request, error: BaseException) -> str:
    """The handler; or what stands on the way to it, such as a `getChild`, where that has raised."""
    endpoint = request.endpoint
    if endpoint is not None and not isinstance(unwrap(endpoint.call), Unreached):
        return _told(endpoint.call, request, error) or named(endpoint.call)
    for frame, _ in walk_tb(error.__traceback__):
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE):
            return f"{code.co_qualname} at {code_place(code)}"
    return _ON_THE_WAY


def _told(call: Any, request: Request, error: BaseException) -> str | None:
    """What a handler that stands for others, such as a mounted resource of twisted.web, has to say of who failed."""
    while call is not None:
        tell = getattr(call, "who_failed", None)
        if tell is not None:
            return str(tell(request, error))
        call = getattr(call, "__wrapped__", None)
    return None


def _blamed(error: BaseException) -> str | None:
    """The middleware or error handler that raised an error, where it was one: it raised it last."""
    for note in reversed(_notes(error)):
        if note.startswith(_BLAME):
            return f"The {note.removeprefix(_BLAME).removesuffix('.')}"
    return None


def _notes(error: BaseException) -> list[str]:
    notes = getattr(error, "__notes__", None)
    return [note for note in notes if isinstance(note, str)] if isinstance(notes, list) else []
