"""The methods of `twisted.web.server.Request` that read the request or set the head of its response.

The methods that write the body of the response are in `body_writer.py`.
"""

from copy import copy
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, overload
from urllib.parse import unquote

from twisted.python.failure import Failure

from ropewalk.cookies import format_twisted_cookie
from ropewalk.errors import InvalidField, is_status, shown
from ropewalk.headers import Headers, Text, location, reason_phrase, text
from ropewalk.request.forms import FormReader
from ropewalk.request.query import parse_query
from ropewalk.request.waits import take

if TYPE_CHECKING:
    from ropewalk.response import Response


class TwistedNames(FormReader):
    """An exchange with the methods with which twisted.web resources read the request and set the head of the
    response."""

    __slots__ = ("_args", "_encode", "_fields", "_postpath", "_prepath", "_status", "settled")

    _args: dict[bytes, list[bytes]]
    _fields: Headers
    """The fields and cookies set by `setHeader` and `addCookie`."""
    _postpath: list[str]
    _prepath: list[str]
    _status: int
    """The status that `setResponseCode` has set."""
    settled: "Response | None"
    """The response that `next` returned last, unless a status or a field was set since then. Unset outside
    middleware."""

    @property
    def uri(self) -> bytes:
        """The request target as the client sent it."""
        return self.target

    @property
    def prepath(self) -> list[str]:
        """The segments of the path that lead to the resource."""
        try:
            return self._prepath
        except AttributeError:
            return [unquote(segment) for segment in self.raw_path.decode("ascii").split("/")[1:]]

    @property
    def postpath(self) -> list[str]:
        """The segments of the path after a leaf resource."""
        try:
            return self._postpath
        except AttributeError:
            return []

    @property
    def args(self) -> dict[bytes, list[bytes]]:
        """The query parameters as bytes: a list of values for each name. Form fields in the body are not included."""
        try:
            return self._args
        except AttributeError:
            self._args = {}
            for name, value in parse_query(self.query_string, "latin-1"):
                self._args.setdefault(name.encode("latin-1"), []).append(value.encode("latin-1"))
            return self._args

    def isSecure(self) -> bool:
        """Whether the client used TLS, either to this server or to a trusted proxy."""
        return self.scheme == "https"

    @overload
    def getHeader(self, name: str) -> str | None: ...
    @overload
    def getHeader(self, name: bytes) -> bytes | None: ...
    def getHeader(self, name: Text) -> Text | None:
        """The value of a header field of the request, in the type of `name`; None if it is absent."""
        value = self.header(text(name))
        if value is None or isinstance(name, str):
            return value
        return value.encode("latin-1")

    def setResponseCode(self, code: int, message: Text | None = None) -> None:
        """Set the status of the response; `message` replaces the registered reason phrase (RFC 9112, section 4).

        Raises InvalidField for an invalid status or a message with control characters.
        """
        check_status(code)
        if message is not None:
            self.set_reason(code, reason_phrase(message))
        self._status = code
        self._prepare()

    def setHeader(self, name: Text, value: Text) -> None:
        """Set a header field of the response. It replaces the same field of the handler's return value.

        Raises InvalidField.
        """
        self._own_fields()[name] = value

    def addCookie(
        self,
        k: Text,
        v: Text,
        expires: Text | datetime | None = None,
        domain: Text | None = None,
        path: Text | None = None,
        max_age: Text | int | timedelta | None = None,
        comment: Text | None = None,
        secure: bool | None = None,
        httpOnly: bool = False,
        sameSite: Text | None = None,
    ) -> None:
        """Set a cookie (RFC 6265, section 4.1), with the names and defaults of twisted.web; `comment` is not sent.

        Values are sent as given. Raises InvalidField only for values that would set a different cookie, or none:
        control characters, semicolons, a name with an equals sign, or an unknown SameSite. `Response.set_cookie` has
        safer defaults, and rejects cookies that browsers would ignore.
        """
        del comment
        cookie = format_twisted_cookie(
            k,
            v,
            max_age=max_age,
            expires=expires,
            path=path,
            domain=domain,
            secure=bool(secure),
            http_only=httpOnly,
            same_site=sameSite,
        )
        self._own_fields().add("set-cookie", cookie)

    def redirect(self, url: Text) -> None:
        """Set status 302 and the Location `url`. Then call `finish`, or return b"".

        The URL is encoded, or rejected, as in `Response.redirect`.
        """
        target = location(url)
        self.setResponseCode(302)
        self.setHeader("location", target)

    def processingFailed(self, reason: Failure) -> None:
        """Respond to an error as if the handler had raised it: `deferred.addErrback(request.processingFailed)`.

        You do not need this if you return the Deferred instead of NOT_DONE_YET.
        """
        self.service.fail(self, reason.value)

    # The following methods are called by other modules of Ropewalk.

    def set_paths(self, prepath: list[str], postpath: list[str]) -> None:
        """Set the segments of the path before and after the resource."""
        self._prepath = prepath
        self._postpath = postpath

    def complete(self, response: "Response") -> "Response":
        """A copy of the response with the status and fields that `setResponseCode`, `setHeader` and `addCookie` have
        set; the response itself if they have set nothing."""
        if not self.prepared:
            return response
        completed = copy(response)  # a handler may return the same Response for several requests
        completed.status = getattr(self, "_status", response.status)
        completed.headers = response.headers.overlaid(getattr(self, "_fields", None) or Headers())
        self._unprepare()
        return completed

    def forget(self) -> None:
        """Drop the status and fields that `setResponseCode`, `setHeader` and `addCookie` have set."""
        take(self, "_encode")
        if self.prepared:
            self.set_reason(0, b"")
            self._unprepare()

    def _prepare(self) -> None:
        self.prepared = True
        self.settled = None

    def _unprepare(self) -> None:
        take(self, "_status")
        take(self, "_fields")
        self.prepared = False

    def _own_fields(self) -> Headers:
        try:
            return self._fields
        except AttributeError:
            self._fields = Headers()
            self._prepare()
            return self._fields


def check_status(status: object) -> None:
    """Raises InvalidField unless the value is the status of a final response (200 to 599)."""
    if not is_status(status):
        raise InvalidField(f"{shown(status)} is not the status of a response.", "Use an int from 200 to 599.")
