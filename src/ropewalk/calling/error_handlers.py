"""The error handlers of apps, and the search for the error handler of an exception."""

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

        Raises HandlerError (RW206) for any other value, for a second handler of the same class or status, and for a
        handler that does not take a request and an exception.
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
        """The handler for the nearest class of an exception, or for the status of an HTTPError; None if there is none.

        A handler for a subclass of HTTPError comes first, then one for the status, then one for HTTPError itself. A
        handler for `Exception` is not returned: see `find_unexpected`.

        Ropewalk's own errors go only to handlers for RopewalkError or its subclasses. Some of these errors also derive
        from a standard class, such as ValueError. But a handler for ValueError is meant for errors that the application
        raises: it may respond with 400, and so hide a wrong use of Ropewalk.
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
        """The handler for an unexpected exception: the handler for `Exception`, or else for status 500, or else
        None."""
        if isinstance(error, Exception) and Exception in self._by_class:
            return self._by_class[Exception]
        return self.find_status(500)

    def find_status(self, status: int) -> Callable[..., Any] | None:
        """The handler that is registered for a status; None if there is none."""
        return self._by_status.get(status)


def find_error_handler(error: BaseException, apps: tuple[Any, ...]) -> tuple[Callable[..., Any] | None, bool]:
    """The error handler of the innermost app that handles an exception; None if no app handles it.

    The second value says whether the handler is registered for this class or status, and not for unexpected exceptions.
    `apps` are the apps around the handler, outermost first.
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
