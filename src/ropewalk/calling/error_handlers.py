"""The error handlers of apps, and which of them an exception belongs to."""

from asyncio import CancelledError
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import CancelledError as DeferredCancelled

from ropewalk.calling.signatures import accepts
from ropewalk.errors import Disconnected, HandlerError, HTTPError, RopewalkError, is_int, named, place

CANCELLATIONS: Final = (CancelledError, DeferredCancelled, Disconnected, GeneratorExit)
"""The exceptions that end a handler whose client has left."""


class ErrorHandlers:
    """The error handlers of one app: by exception class, or by status."""

    def __init__(self) -> None:
        self._by_class: dict[type[BaseException], Callable[..., Any]] = {}
        self._by_status: dict[int, Callable[..., Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_class or self._by_status)

    def add(self, kind: int | type[Exception], handler: Callable[..., Any]) -> None:
        """Register a handler for an exception class or a status (400 to 599).

        Raises HandlerError (RW206) for another kind, for a second handler of one kind, and for a handler that does not
        take a request and an exception.
        """
        if not accepts(handler, 2):
            raise HandlerError("RW206", f"{named(handler)} does not take a request and an error.")
        known: dict[Any, Callable[..., Any]]
        key: Any = kind
        if isinstance(kind, type) and issubclass(kind, Exception):
            known = self._by_class
        elif is_int(kind) and kind in range(400, 600):
            known = self._by_status
        else:
            raise HandlerError("RW206", f"{named(handler)} is registered for {kind!r}.")
        if key in known:
            raise HandlerError("RW206", f"{kind!r} is handled twice: {place(known[key])} and {place(handler)}.")
        known[key] = handler

    def find(self, error: BaseException) -> Callable[..., Any] | None:
        """The handler for this kind of exception: that of the nearest class, and for an HTTPError also of its status.

        A status is nearer than HTTPError itself, and farther than a class derived from it. `Exception` does not count:
        it is for unexpected exceptions, see `find_unexpected`. Some errors of Ropewalk derive from ValueError and the
        like. A handler for one of these means the user's exceptions, and would show the client a mistake of the program
        as one of the client's, so only handlers for RopewalkError and its subclasses get them.
        """
        own = isinstance(error, RopewalkError)
        for kind in type(error).__mro__:
            if own and not issubclass(kind, RopewalkError):
                continue
            if kind is HTTPError and (status := getattr(error, "status", None)) in self._by_status:
                return self._by_status[status]
            if kind in self._by_class and kind is not Exception:
                return self._by_class[kind]
        return None

    def find_unexpected(self, error: BaseException) -> Callable[..., Any] | None:
        """The handler for an unexpected exception: the one for `Exception`, else the one for status 500."""
        if isinstance(error, Exception) and Exception in self._by_class:
            return self._by_class[Exception]
        return self.find_status(500)

    def find_status(self, status: int) -> Callable[..., Any] | None:
        """The handler that is registered for a status."""
        return self._by_status.get(status)


def find_error_handler(error: BaseException, apps: tuple[Any, ...]) -> tuple[Callable[..., Any] | None, bool]:
    """The error handler of the innermost app that has one, and whether it is registered for this kind of exception.

    `apps` are those around the handler, outermost first.
    """
    unexpected = not isinstance(error, HTTPError)
    for app in reversed(apps):
        handler = app.errors.find(error)
        if handler is not None:
            return handler, True
        if unexpected:
            is_cancellation = isinstance(error, CANCELLATIONS)
            handler = app.errors.find_status(500) if is_cancellation else app.errors.find_unexpected(error)
            if handler is not None:
                return handler, False
    return None, False
