"""Channels for tests that drive a request without a connection."""

from collections.abc import Callable
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.web.http_headers import Headers

from ropewalk.dropin.request.headers import ReceivedHeaders
from ropewalk.dropin.request.request import Request

Lines = list[tuple[bytes, bytes]]

PEER = IPv4Address("TCP", "192.0.2.1", 50000)
HOST = IPv4Address("TCP", "192.0.2.2", 80)


class Transport:
    """Does nothing."""


class Head:
    """The head of a request as the engine provides it. It records which names are read; None means all lines."""

    def __init__(self, lines: Lines) -> None:
        self._lines = [(name.lower(), value) for name, value in lines]
        self.reads: list[bytes | None] = []

    def values(self, name: bytes, /) -> list[bytes]:
        self.reads.append(name)
        return [value for other, value in self._lines if other == name.lower()]

    def raw_headers(self) -> Lines:
        self.reads.append(None)
        return list(self._lines)


class Channel:
    """A channel that records the written bytes and the other calls, in order."""

    def __init__(self, site: Any) -> None:
        self.site = site
        self.factory = site
        self.transport = Transport()
        self.written = b""
        self.calls: list[Any] = []

    def getPeer(self) -> IPv4Address:
        return PEER

    def getHost(self) -> IPv4Address:
        return HOST

    def isSecure(self) -> bool:
        return False

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Headers) -> None:
        fields = [b"%b: %b\r\n" % (name, value) for name, values in headers.getAllRawHeaders() for value in values]
        self.write(b"%b %b %b\r\n%b\r\n" % (version, code, reason, b"".join(fields)))

    def write(self, data: bytes) -> None:
        self.written += data

    def writeSequence(self, iovec: Any) -> None:
        self.write(b"".join(iovec))

    def requestDone(self, request: Any) -> None:
        self.calls.append("done")

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.calls.append(("producer", streaming))

    def unregisterProducer(self) -> None:
        self.calls.append("no producer")

    def loseConnection(self) -> None:
        self.calls.append("lose")

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.calls.append("bad request")


class RespondingChannel(Channel):
    """A channel that accepts a whole response in one call, as ours does, and records the status codes."""

    takes_whole_responses = True

    def __init__(self, site: Any) -> None:
        super().__init__(site)
        self.responded: list[int] = []

    def respond(self, request: Any, code: int, reason: bytes, headers: dict[bytes, list[bytes]], body: bytes) -> None:
        self.responded.append(code)
        self.writeHeaders(request.clientproto, b"%d" % code, reason, Headers(headers))
        self.write(body)


Way = Callable[[Any, Any, Lines, list[bytes]], tuple[Any, Any]]
"""Makes a request of a class, for a site, with a head and a body. Returns the request and its channel."""


def start_request(channel: Any, request: Any, headers: Headers, lines: Lines, body: list[bytes]) -> None:
    """Do what a channel does with a new request before it receives it."""
    for name, value in lines:
        headers.addRawHeader(name, value)
    request.requestHeaders = headers
    request.parseCookies()
    length = None if len(body) > 1 else sum(map(len, body))
    request.gotLength(length)
    for data in body:
        request.handleContentChunk(data)


def by_twisted(make: Any, site: Any, lines: Lines, body: list[bytes]) -> tuple[Any, Any]:
    """Make a request as Twisted's channel does."""
    channel = Channel(site)
    request = make(channel, 0)
    start_request(channel, request, request.requestHeaders, lines, body)
    return request, channel


def by_lazy_headers(make: Any, site: Any, lines: Lines, body: list[bytes]) -> tuple[Any, Any]:
    """Make a request whose headers are read on demand, on a channel that sends a response in one call."""
    channel = RespondingChannel(site)
    request = make(channel, 0)
    start_request(channel, request, ReceivedHeaders(Head(lines)), [], body)
    return request, channel


def by_engine(make: Any, site: Any, lines: Lines, body: list[bytes]) -> tuple[Any, Any]:
    """Make a request as our channel does."""
    if body:
        return by_lazy_headers(make, site, lines, body)
    channel = RespondingChannel(site)
    request: Request = make(channel, 0)
    request.arrive(Head(lines))
    return request, channel
