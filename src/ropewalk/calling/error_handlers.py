"""What an app answers with for errors."""

from collections.abc import Callable
from inspect import signature
from typing import Any

from ropewalk.errors import HandlerError, HTTPError, RopewalkError, is_int, named, place


class ErrorHandlers:
    """What an app answers with instead of the plain text for an error: by exception class, or by status."""

    def __init__(self) -> None:
        self._by_class: dict[type[BaseException], Callable[..., Any]] = {}
        self._by_status: dict[int, Callable[..., Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_class or self._by_status)

    def add(self, kind: int | type[Exception], handler: Callable[..., Any]) -> None:
        """Raises HandlerError (RW206) for what cannot be handled, or is already, and for a handler of another shape."""
        _check(handler)
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
        """What is registered for this kind of error: the nearest class, and for an HTTPError also its status.

        A status is nearer than HTTPError itself, and farther than a class derived from it. `Exception` is not looked
        at: it is for errors that are not expected, see `find_unexpected`. Some errors of Ropewalk's own derive from
        ValueError and the like; a handler for one of these means the user's, and would show the client a mistake of the
        program as one of its own.
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
        """What shapes the response for an error for which nothing else is registered: `Exception`, else status 500."""
        if isinstance(error, Exception) and Exception in self._by_class:
            return self._by_class[Exception]
        return self.find_status(500)

    def find_status(self, status: int) -> Callable[..., Any] | None:
        """What is registered for a status."""
        return self._by_status.get(status)


def _check(handler: Callable[..., Any]) -> None:
    try:
        signature(handler).bind(None, None)
    except ValueError:
        return  # what is not written in Python may have no signature
    except TypeError:
        raise HandlerError("RW206", f"{named(handler)} does not take a request and an error.") from None
