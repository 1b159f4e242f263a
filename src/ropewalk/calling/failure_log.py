"""Logs exceptions of handlers: which code raised them, where, and how to fix it."""

import sys
from collections.abc import Callable
from inspect import unwrap
from traceback import walk_tb
from typing import Any, Final

from twisted.logger import Logger

from ropewalk.calling.error_handlers import CANCELLATIONS, find_error_handler
from ropewalk.calling.failed_lookup import FailedLookup
from ropewalk.calling.page_source import apps_around
from ropewalk.calling.shortages import INTERVAL, Shortage, shortage_in
from ropewalk.calling.wrong_reactor import needs_asyncio
from ropewalk.errors import (
    CATALOGUE,
    LATE_REMEDY,
    BadBody,
    BodyTooLarge,
    HTTPError,
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
from ropewalk.resource import attached_handler
from ropewalk.tracebacks import PACKAGE, code_that_raised, shown_failure

log = Logger(namespace="ropewalk.handlers")

_NOTE: Final = "Raised by the "
"""The beginning of the note that is added to an exception of an error handler or middleware."""
_CALLED_FOR: Final = ", called for "
_LOOKUP: Final = "what leads to it"
"""The log shows this instead of a name, if the search for a handler failed before it called code of the user."""


def note_middleware(error: BaseException, middleware: Callable[..., Any]) -> None:
    """Add a note to an exception that names the middleware that raised it. The log uses the note."""
    name = named(middleware)
    if not (isinstance(error, RopewalkError) and name in error.message):
        error.add_note(f"{_NOTE}middleware {name}.")


def note_error_handler(raised: BaseException, handler: Callable[..., Any], error: BaseException) -> None:
    """Add a note to an exception that an error handler raised when it was called for `error`. The log uses the note."""
    raised.add_note(f"{_NOTE}error handler {named(handler)}{_CALLED_FOR}{shown(error)}.")


def log_error(request: Request, error: BaseException, advice: str | None = None) -> None:
    """Log an exception, with the place in the user's code. Raises only KeyboardInterrupt.

    `advice` replaces the default remedy for an exception of the user's code, which is to register an error handler.
    """
    try:
        shortage = shortage_in(error)
        code, what, remedy = ("", "", "") if shortage is not None else _describe(request, error, advice)
        failure = shown_failure(error)
    except BaseException as raised:  # a method of the exception raised it, for example __str__
        if interrupts(raised):
            raise
        shortage, code, remedy = None, "RW208", CATALOGUE["RW208"].remedy
        what = f"{_raiser(request, error)} raised {full_name(type(error))}. A method of it raised {shown(raised)}."
        failure = shown_failure(raised)
    try:
        if shortage is not None:
            log_shortage(request, error, shortage)
            return
        note_error = getattr(request.service, "note_error", None)
        if note_error is not None:  # only the service of a test client has this method
            note_error(request, error)
        log.failure(
            "{code} {method} {path}: {what} {remedy}",
            failure,
            code=code,
            method=request.method,
            path=request.raw_path.decode("ascii"),  # percent-encoded, because a decoded path may contain a line feed
            what=visible(what),
            remedy=remedy,
        )
    except BaseException as raised:  # a log observer raised it; Twisted handles only subclasses of Exception
        if interrupts(raised):
            raise
        sys.excepthook(type(raised), raised, raised.__traceback__)


def log_late(request: Request, error: BaseException) -> None:
    """Log an exception that comes too late for an error response.

    Either a response has begun or is complete, or the client has left. If the client has left, some exceptions are not
    logged: exceptions that only report that the client has left, HTTPErrors, and exceptions with an error handler.
    """
    if isinstance(error, BadBody | BodyTooLarge):  # the client caused them, and the engine has logged them
        return
    if request.gone:
        if isinstance(error, (*CANCELLATIONS, HTTPError)):
            return
        if find_error_handler(error, apps_around(request))[1] and not (
            isinstance(error, RopewalkError) and error.is_mistake
        ):
            return
    log_error(request, error, LATE_REMEDY)


def log_shortage(request: Request, error: BaseException, shortage: Shortage) -> None:
    """Log a shortage of a system resource, unless it was logged in the current interval."""
    if request.service.shortages.is_news(shortage):
        log.warn(
            "{code} {method} {path}: {who} raised {error}. {remedy} This is logged at most once in {seconds:g} s.",
            code=shortage.code,
            method=request.method,
            path=request.raw_path.decode("ascii"),
            who=_raiser(request, error),
            error=visible(shown(error)),
            remedy=CATALOGUE[shortage.code].remedy,
            seconds=INTERVAL,
        )


def _describe(request: Request, error: BaseException, advice: str | None) -> tuple[str, str, str]:
    """Return the error code, the description and the remedy for the log entry of an exception."""
    raiser = _raiser(request, error)
    noted = _noted_raiser(error)
    handler = "" if noted is None or raiser is _LOOKUP else f" The handler is {raiser}."
    if isinstance(error, RopewalkError):
        if isinstance(error, WrongReturn) or error.message.startswith(raiser):
            return error.code, error.message, error.remedy
        return error.code, f"{noted or raiser}: {error.message}{handler}", error.remedy
    code = "RW203" if needs_asyncio(error) else "RW208"
    culprit = None if noted is not None else _other_raiser(request, error)
    if culprit is not None:
        noted, handler = culprit, f" The handler is {raiser}."
    comma = "," if noted is not None and _CALLED_FOR in noted else ""
    what = f"{noted or raiser}{comma} raised {shown(error)}.{handler}"
    return code, what, advice if advice and code == "RW208" else CATALOGUE[code].remedy


def _raiser(request: Request, error: BaseException) -> str:
    """The name of the handler.

    If the search for the handler failed, the name of the code that failed, such as a `getChild`.
    """
    handler = request.engine_handler
    if handler is not None and not isinstance(unwrap(handler.call), FailedLookup):
        return _raiser_by_handler(handler.call, request, error) or named(handler.call)
    for frame, _ in walk_tb(error.__traceback__):
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE):
            return f"{code.co_qualname} at {code_place(code)}"
    return _LOOKUP


def _other_raiser(request: Request, error: BaseException) -> str | None:
    """The user's function that raised the exception, if the handler had not called it, such as a provider. Otherwise
    None."""
    handler = request.engine_handler
    if handler is None or _raiser_by_handler(handler.call, request, error) is not None:
        return None
    codes = code_that_raised(error)
    own = getattr(unwrap(handler.call), "__code__", None)
    if own is None or not codes or own in codes:
        return None
    return f"{codes[0].co_qualname} at {code_place(codes[0])}"


def _raiser_by_handler(call: Any, request: Request, error: BaseException) -> str | None:
    """The name of the code that failed, for a handler that calls other code: its `describe_failure` returns the name.

    None if no handler reports a name.
    """
    while call is not None:
        handler = attached_handler(call)
        if handler is not None and handler.describe_failure is not None:
            return handler.describe_failure(request, error)
        call = getattr(call, "__wrapped__", None)
    return None


def _noted_raiser(error: BaseException) -> str | None:
    """The middleware or error handler that raised an exception, from its last note. None without such a note."""
    for note in reversed(_notes(error)):
        if note.startswith(_NOTE):
            return f"The {note.removeprefix(_NOTE).removesuffix('.')}"
    return None


def _notes(error: BaseException) -> list[str]:
    notes = getattr(error, "__notes__", None)
    return [note for note in notes if isinstance(note, str)] if isinstance(notes, list) else []
