"""Requests to an identity provider. They block, so they run in a thread, and their time and size are bounded."""

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
"""Bytes that are read at a time; between them the size is checked."""
_THIS_MACHINE: Final = {"localhost", "127.0.0.1", "::1"}


class FetchFailed(ValueError):
    """No usable response arrived. The text says why."""


class Fetched(NamedTuple):
    """A response of the provider, whatever its status."""

    status: int
    content: bytes


def fetch(
    url: str, *, timeout: float, max_size: int, body: bytes | None = None, fields: Mapping[str, str] | None = None
) -> Fetched:
    """The response to a GET, or with a body to a POST. Redirects are not followed. Raises FetchFailed.

    The timeout, in seconds, is for the response as a whole: a server that sends a byte now and then does not hold the
    thread. Only the look-up of the name is bounded by the resolver of the system instead.
    """
    deadline = _Deadline(timeout)
    request = Request(url, data=body, headers={"Accept": "application/json", **(fields or {})})
    opener = build_opener(_BoundedHTTP(deadline), _BoundedHTTPS(deadline), _AnyStatus)
    try:
        with opener.open(request, timeout=timeout) as response:
            return Fetched(response.status, _read(response, max_size))
    except TimeoutError:
        raise FetchFailed("The response did not arrive in time.") from None
    except (HTTPException, OSError) as error:
        if isinstance(getattr(error, "reason", None), TimeoutError):
            raise FetchFailed("The response did not arrive in time.") from None
        raise FetchFailed(visible(f"{type(error).__name__}: {error}.")) from None


def fetch_json(url: str, *, timeout: float, max_size: int, fields: Mapping[str, str] | None = None) -> Any:
    """The decoded document at a URL. Raises FetchFailed, also for another status than 200."""
    found = fetch(url, timeout=timeout, max_size=max_size, fields=fields)
    if found.status != 200:
        raise FetchFailed(f"The status is {found.status}.")
    return decode(found.content)


def decode(content: bytes) -> Any:
    """The value of a JSON document. Raises FetchFailed."""
    try:
        if is_too_deep(content):
            raise FetchFailed("The document is nested too deeply.")
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FetchFailed(f"The document is not JSON: {error}.") from None


def is_secure_url(url: Any) -> bool:
    """Whether a value is an absolute https URL, or an http URL of this machine."""
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
    if response.length:  # of what Content-Length promised; `read1` does not mind
        raise FetchFailed("The connection was closed before the end of the document.")
    return bytes(found)


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds. Raises TimeoutError if none are left."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _TimedReader(RawIOBase):
    """Reads a socket until a deadline. The timeout of a socket begins again with each byte."""

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
    """A socket as far as HTTPResponse uses it."""

    def __init__(self, source: socket, deadline: _Deadline) -> None:
        self._socket = source
        self._deadline = deadline

    def makefile(self, _: str) -> BufferedReader:
        return BufferedReader(_TimedReader(self._socket, self._deadline))


def _bounded(connection: Any, deadline: _Deadline) -> Any:
    """The connection, whose responses are read until the deadline, those of a proxy's CONNECT too."""

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

        opener: Any = self.do_open  # its annotation allows only the class itself
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
    """Returns every response as it is: a redirect could lead to another host, or away from TLS."""

    def http_response(self, request: Request, response: Any) -> Any:
        del request
        return response

    https_response = http_response
