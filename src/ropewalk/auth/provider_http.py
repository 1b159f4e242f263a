"""Requests to an identity provider. They block, so call them in a thread. Their time and size are bounded."""

import ssl
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from io import BufferedReader, RawIOBase
from socket import socket
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from urllib.request import HTTPErrorProcessor, HTTPHandler, HTTPSHandler, Request, build_opener

import msgspec

from ropewalk.errors import visible
from ropewalk.json_values import is_too_deep

_PART: Final = 16384
"""The number of bytes to read at a time. The size of the response is checked after each read."""
_THIS_MACHINE: Final = {"localhost", "127.0.0.1", "::1"}


class FetchFailed(ValueError):
    """Raised if no usable response arrived. The text says why."""


class Fetched(NamedTuple):
    """A response of the provider, with any status."""

    status: int
    content: bytes


def fetch(
    url: str, *, timeout: float, body_limit: int, body: bytes | None = None, fields: Mapping[str, str] | None = None
) -> Fetched:
    """Send a GET, or a POST if there is a body. Returns the response. Redirects are not followed.

    The timeout, in seconds, limits the time until the response is complete, so that a slow server does not occupy the
    thread. It does not limit the DNS lookup, which has the limits of the system's resolver. Raises FetchFailed.
    """
    deadline = _Deadline(timeout)
    request = Request(url, data=body, headers={"Accept": "application/json", **(fields or {})})
    opener = build_opener(_BoundedHTTP(deadline), _BoundedHTTPS(deadline), _AnyStatus)
    try:
        with opener.open(request, timeout=timeout) as response:
            return Fetched(response.status, _read(response, body_limit))
    except TimeoutError:
        raise FetchFailed("The response did not arrive in time.") from None
    except (HTTPException, OSError) as error:
        if isinstance(getattr(error, "reason", None), TimeoutError):
            raise FetchFailed("The response did not arrive in time.") from None
        raise FetchFailed(visible(f"{type(error).__name__}: {error}.")) from None


def fetch_json(url: str, *, timeout: float, body_limit: int, fields: Mapping[str, str] | None = None) -> Any:
    """Fetch and decode the JSON document at a URL. Raises FetchFailed, also for a status other than 200."""
    found = fetch(url, timeout=timeout, body_limit=body_limit, fields=fields)
    if found.status != 200:
        raise FetchFailed(f"The status is {found.status}.")
    return decode(found.content)


def decode(content: bytes) -> Any:
    """Decode a JSON document. Raises FetchFailed if it is malformed or nested too deeply."""
    try:
        if is_too_deep(content):
            raise FetchFailed("The document is nested too deeply.")
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FetchFailed(f"The document is not JSON: {error}.") from None


def is_secure_url(url: Any) -> bool:
    """Whether a value is an absolute https URL, or an http URL on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # raises ValueError for a port that is not a number
    except (ValueError, AttributeError, TypeError):
        return False
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _THIS_MACHINE))


def _read(response: Any, most: int) -> bytes:
    found = bytearray()
    while part := response.read1(_PART):
        found += part
        if len(found) > most:
            raise FetchFailed(f"The document has more than {most} bytes.")
    if response.length:  # the body is shorter than its Content-Length, which `read1` ignores
        raise FetchFailed("The connection was closed before the end of the document.")
    return bytes(found)


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """The seconds that are left. Raises TimeoutError if none are."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _TimedReader(RawIOBase):
    """Reads a socket until a deadline. A socket's own timeout is not enough, because it begins again with each read."""

    def __init__(self, source: socket, deadline: _Deadline) -> None:
        self._socket = source
        self._deadline = deadline
        self._raw = source.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(self._deadline.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedSocket:
    """The part of a socket's interface that HTTPResponse uses."""

    def __init__(self, source: socket, deadline: _Deadline) -> None:
        self._socket = source
        self._deadline = deadline

    def makefile(self, _: str) -> BufferedReader:
        return BufferedReader(_TimedReader(self._socket, self._deadline))


def _bounded(connection: Any, deadline: _Deadline) -> Any:
    """Make a connection read its responses only until the deadline, including a proxy's response to CONNECT."""

    def response(source: socket, *given: Any, **by_name: Any) -> HTTPResponse:
        timed: Any = _TimedSocket(source, deadline)
        return HTTPResponse(timed, *given, **by_name)

    connection.response_class = response
    return connection


class _BoundedHTTP(HTTPHandler):
    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: Request) -> Any:
        def connect(host: str, **options: Any) -> Any:
            return _bounded(HTTPConnection(host, **options), self._deadline)

        opener: Any = self.do_open  # the annotation of `do_open` allows only a connection class
        return opener(connect, req)


class _BoundedHTTPS(HTTPSHandler):
    def __init__(self, deadline: _Deadline) -> None:
        self._ssl = ssl.create_default_context()
        super().__init__(context=self._ssl)
        self._deadline = deadline

    def https_open(self, req: Request) -> Any:
        def connect(host: str, **options: Any) -> Any:
            return _bounded(HTTPSConnection(host, context=self._ssl, **options), self._deadline)

        opener: Any = self.do_open
        return opener(connect, req)


class _AnyStatus(HTTPErrorProcessor):
    """Returns every response unchanged. Redirects are not followed, because they could lead to a host without TLS."""

    def http_response(self, request: Request, response: Any) -> Any:
        del request
        return response

    https_response = http_response
