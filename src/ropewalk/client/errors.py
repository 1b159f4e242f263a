"""The errors of calls to other services."""

from typing import TYPE_CHECKING

from ropewalk.errors import RopewalkError, shown, with_place

if TYPE_CHECKING:
    from ropewalk.client.response import HTTPResponse


class ClientError(RopewalkError):
    """RW35x and RW36x: a call to a service failed. `method` and `url` are those of the call.

    The message shows the URL without its query, because a query may have secrets.
    """

    is_mistake = False  # so that an error handler for the class keeps an unreachable service from filling the log
    code = ""
    method = ""
    url = ""

    def __init__(self, what: str, *, method: str = "", url: str = "") -> None:
        before = f"{method} {url.partition('?')[0]}: " if method else ""
        super().__init__(type(self).code, f"{before}{what}")
        self.method = method
        self.url = url


class ConnectionFailed(ClientError, ConnectionError):
    """RW350: no connection to the service could be made. The service has not received the request."""

    code = "RW350"


class CallTimeout(ClientError, TimeoutError):
    """RW351: the call took too long. `phase` is "connect", "read", "write", "pool" or "total"."""

    code = "RW351"
    phase = ""
    """The phase that took too long."""
    seconds = 0.0
    """The timeout of the phase, in seconds."""

    @classmethod
    def of(cls, phase: str, seconds: float, *, method: str, url: str) -> "CallTimeout":
        """Make the error for the timeout of a phase."""
        error = cls(f"{_WAITED[phase]} within {seconds:g} s (timeouts.{phase}).", method=method, url=url)
        error.phase = phase
        error.seconds = seconds
        return error


_WAITED = {
    "connect": "No connection was made",
    "read": "The service sent nothing",
    "write": "The service did not read the request",
    "pool": "All connections of the client were in use, and none became free",
    "total": "The call did not end",
}


class ConnectionBroken(ClientError, ConnectionError):
    """RW352: the connection ended before the response was complete, or the response violates HTTP."""

    code = "RW352"


class BadStatus(ClientError):
    """RW353: the status of the response is not 200 to 299. `response` is the response."""

    code = "RW353"

    def __init__(self, response: "HTTPResponse") -> None:
        what = f"The status is {response.status}. The body begins with {shown(response.body[:200])}."
        super().__init__(what, method=response.method, url=response.url)
        self.response = response

    @property
    def status(self) -> int:
        """The status of the response."""
        return self.response.status


class BadResponse(ClientError, ValueError):
    """RW354: the body is not JSON, does not fit the type, or is encoded in an unknown way."""

    code = "RW354"


class ResponseTooLarge(ClientError):
    """RW355: the body is larger than `body_limit`."""

    code = "RW355"


class RedirectRefused(ClientError):
    """RW356: a redirect was not followed."""

    code = "RW356"


class InvalidCall(ClientError, ValueError):
    """RW357: an argument of the call is wrong. The message names the line of your code that made the call.

    If the call has begun already, the message names the method and URL: the mistake is in a part of the body, or in the
    token that a function has returned.
    """

    code = "RW357"
    is_mistake = True

    def __init__(self, what: str, *, method: str = "", url: str = "") -> None:
        super().__init__(what if method else with_place(what), method=method, url=url)


class ClientClosed(ClientError):
    """RW358: the client was closed while the call was running."""

    code = "RW358"


class StreamUsed(ClientError):
    """RW362: the body of a streamed response was read twice, or after the response was closed."""

    code = "RW362"
    is_mistake = True
