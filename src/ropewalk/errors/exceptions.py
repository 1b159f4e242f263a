"""Ropewalk's exceptions. Each has a code, except HTTPError and its subclasses, which become responses."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from ropewalk.errors.calling_place import with_place
from ropewalk.errors.catalogue import CATALOGUE
from ropewalk.errors.naming import shown
from ropewalk.errors.status import is_status, phrase

Fields = Mapping[str, str] | Iterable[tuple[str, str]]


class RopewalkError(Exception):
    """An error with a code. Its text is `CODE message remedy`.

    `message` says what happened and where. `remedy` says what to do; by default, it is the catalogue's remedy.
    """

    is_mistake: ClassVar[bool] = True
    """Whether the error is a mistake in the program. Such an error is logged even if an error handler responds to
    it."""

    def __init__(self, code: str, message: str, remedy: str | None = None) -> None:
        super().__init__(code, message, remedy)
        self.code = code
        self.message = message
        self.remedy = CATALOGUE[code].remedy if remedy is None else remedy

    def __str__(self) -> str:
        return f"{self.code} {self.message} {self.remedy}".rstrip()

    def prefix(self, name: str) -> None:
        """Put the name of a handler before the message, for logs that do not show the request."""
        if not self.message.startswith(name):
            self.message = f"{name}: {self.message}"


class TreeError(RopewalkError, ValueError):
    """RW1xx: the tree of resources is built or used wrongly."""


class HandlerError(RopewalkError, TypeError):
    """RW2xx: a handler, or the value that it returned, is invalid."""


class OptionError(HandlerError):
    """RW2xx: an option, or another argument of a registration, is wrong.

    `message` is one sentence. The line of the user's code that made the call is added to it.
    """

    def __init__(self, code: str, message: str, remedy: str | None = None) -> None:
        super().__init__(code, with_place(message), remedy)


class WrongReturn(HandlerError):
    """RW201 or RW209: a handler, middleware or error handler, which the message names, returned an invalid value."""


class ExchangeError(RopewalkError):
    """RW3xx: a request or its response was used at the wrong time, or in an invalid way."""


class StartError(RopewalkError):
    """RW4xx: the service cannot start."""


class EngineError(RopewalkError):
    """RW5xx: the engine or the operating system reported an error."""


class HostedError(RopewalkError, RuntimeError):
    """RW7xx: a hosted application is invalid, or violates its interface, such as ASGI."""


class ResponseEnded(ExchangeError):
    """RW301: something was written, or a response was sent, after the end of the response."""

    def __init__(self, message: str) -> None:
        super().__init__("RW301", message)


class ResponseStarted(ExchangeError):
    """RW302: a second head was sent."""

    def __init__(self, message: str) -> None:
        super().__init__("RW302", message)


class WrongLength(ExchangeError):
    """RW303: a body is shorter or longer than its Content-Length (RFC 9110, section 8.6)."""

    def __init__(self, message: str) -> None:
        super().__init__("RW303", message)


class BeyondLength(WrongLength):
    """RW303: a body is longer than its Content-Length, and was sent up to this length.

    Only handlers that use the API of twisted.web cause this error.
    """


class InvalidField(ExchangeError, ValueError):
    """RW304: a field name, field value or status is invalid (RFC 9110, sections 5.1, 5.5 and 15).

    It is also raised for an invalid cookie (RFC 6265, section 4.1.1), reason phrase (RFC 9112, section 4) or redirect
    target.
    """

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__("RW304", message, remedy)


class Disconnected(ExchangeError):
    """RW305: the client left before its request was read, or before the response was complete."""

    def __init__(self, message: str = "The client left.") -> None:
        super().__init__("RW305", message)


class EngineUnusable(EngineError):
    """RW501: the engine's self-test failed."""

    def __init__(self, message: str) -> None:
        super().__init__("RW501", message)


class Forked(EngineError):
    """RW508: a forked process cannot open the engine's file descriptors again."""

    def __init__(self, message: str) -> None:
        super().__init__("RW508", message)


class ParentsRequest(Disconnected):
    """RW509: a forked process used a request that its parent process received. Only the parent may respond to it."""

    def __init__(self, message: str) -> None:
        ExchangeError.__init__(self, "RW509", message)


class WrongThread(EngineError):
    """RW503: the engine was called from a thread other than the reactor's."""

    def __init__(self, message: str) -> None:
        super().__init__("RW503", message)


class HTTPError(Exception):
    """Raise this in a handler or a middleware to respond with an error: `raise HTTPError(404, "No such guest.")`.

    `status` is from 400 to 599 (RFC 9110, sections 15.5 and 15.6). `detail` is shown to the client: a str as text, a
    dict or list as JSON; None stands for the reason phrase of the status. `headers` are added to the response. Raises
    InvalidField for another status.
    """

    def __init__(self, status: int, detail: Any = None, headers: Fields = ()) -> None:
        if not is_status(status) or status < 400:
            what = f"The status of an HTTPError must be from 400 to 599, not {shown(status)}."
            raise InvalidField(what, "Use the status of an error, such as 404.")
        super().__init__(status, detail)
        self.status = status
        self.detail: Any = phrase(status) if detail is None else detail
        self.headers = tuple(headers.items() if isinstance(headers, Mapping) else headers)

    def __str__(self) -> str:
        return f"{self.status} {self.detail}"


class BodyTooLarge(HTTPError):
    """Status 413: the body is over its limit (RFC 9110, section 15.5.14)."""

    def __init__(self, message: str) -> None:
        super().__init__(413, message)


class UnsupportedCoding(HTTPError):
    """Status 415: the body has a content coding that is not supported (RFC 9110, section 15.5.16)."""

    def __init__(self, message: str) -> None:
        super().__init__(415, message, {"accept-encoding": "zstd, br, gzip"})


class BadBody(HTTPError):
    """Status 400: the body is malformed or incomplete."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message)
