"""The exceptions: each has a code, except those that a handler raises to respond."""

from collections.abc import Iterable, Mapping
from typing import Any

from ropewalk.errors.catalogue import CATALOGUE
from ropewalk.errors.naming import shown
from ropewalk.errors.status import is_status, phrase

Fields = Mapping[str, str] | Iterable[tuple[str, str]]


class RopewalkError(Exception):
    """An error with a code. Its text is `CODE what happened. Remedy`."""

    def __init__(self, code: str, message: str, remedy: str | None = None) -> None:
        super().__init__(code, message, remedy)
        self.code = code
        self.message = message
        self.remedy = CATALOGUE[code].remedy if remedy is None else remedy

    def __str__(self) -> str:
        return f"{self.code} {self.message} {self.remedy}".rstrip()

    def blame(self, who: str) -> None:
        """Name a handler, for those who see the error without its request."""
        if not self.message.startswith(who):
            self.message = f"{who}: {self.message}"


class TreeError(RopewalkError, ValueError):
    """RW1xx: the tree of resources cannot be built or used in this way."""


class HandlerError(RopewalkError, TypeError):
    """RW2xx: a handler, or what it returned, is not what it must be."""


class WrongReturn(HandlerError):
    """RW201 or RW209 that names who returned the wrong thing: a handler, a middleware or an error handler."""


class ExchangeError(RopewalkError):
    """RW3xx: something was done to a request or its answer at the wrong time."""


class StartError(RopewalkError):
    """RW4xx: the service cannot start."""


class EngineError(RopewalkError):
    """RW5xx: the engine, or the system below it, refused."""


class HostedError(RopewalkError, RuntimeError):
    """RW7xx: a hosted application is not what it must be, or did what it must not."""


class AnswerOver(ExchangeError):
    """A write or an answer after the end of the answer."""

    def __init__(self, message: str) -> None:
        super().__init__("RW301", message)


class AnswerStarted(ExchangeError):
    """A second head."""

    def __init__(self, message: str) -> None:
        super().__init__("RW302", message)


class WrongLength(ExchangeError):
    """A body shorter or longer than the Content-Length it was announced with (RFC 9110, section 8.6)."""

    def __init__(self, message: str) -> None:
        super().__init__("RW303", message)


class BeyondLength(WrongLength):
    """A body longer than that, of which what fits has been sent: of programs of twisted.web's only."""


class InvalidField(ExchangeError, ValueError):
    """A field name, field value or status that must not reach the wire (RFC 9110, sections 5.1, 5.5 and 15).

    So are a cookie (RFC 6265, section 4.1.1), a reason (RFC 9112, section 4) or the target of a redirect.
    """

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__("RW304", message, remedy)


class Disconnected(ExchangeError):
    """The client left before its request was read, or before its answer was complete."""

    def __init__(self, message: str = "The client left.") -> None:
        super().__init__("RW305", message)


class EngineUnusable(EngineError):
    """The engine's self-test failed."""

    def __init__(self, message: str) -> None:
        super().__init__("RW501", message)


class Forked(EngineError):
    """A forked process has no engine of its own."""

    def __init__(self, message: str) -> None:
        super().__init__("RW508", message)


class ParentsRequest(Disconnected):
    """A request is its parent process's to answer."""

    def __init__(self, message: str) -> None:
        ExchangeError.__init__(self, "RW509", message)


class WrongThread(EngineError):
    """A call from a thread other than the reactor's."""

    def __init__(self, message: str) -> None:
        super().__init__("RW503", message)


class HTTPError(Exception):
    """Raised in a handler or a middleware, this is the answer: `raise HTTPError(404, "No such guest.")`.

    `status` is from 400 to 599 (RFC 9110, sections 15.5 and 15.6). `detail` is shown to the client: a str as text, a
    dict or list as JSON; None stands for the status phrase. `headers` are added to the answer. Raises InvalidField for
    another status.
    """

    def __init__(self, status: int, detail: Any = None, headers: Fields = ()) -> None:
        if not is_status(status) or status < 400:
            what = f"The status of an HTTPError is from 400 to 599, not {shown(status)}."
            raise InvalidField(what, "Give that of an error, such as 404.")
        super().__init__(status, detail)
        self.status = status
        self.detail: Any = phrase(status) if detail is None else detail
        self.headers = tuple(headers.items() if isinstance(headers, Mapping) else headers)

    def __str__(self) -> str:
        return f"{self.status} {self.detail}"


class BodyTooLarge(HTTPError):
    """413: the body is over its limit (RFC 9110, section 15.5.14)."""

    def __init__(self, message: str) -> None:
        super().__init__(413, message)


class BadBody(HTTPError):
    """400: the body is malformed or was cut off."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message)
