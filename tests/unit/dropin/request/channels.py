"""Channels for requests by themselves: what a `twisted.web.http.Request` is driven by and answers to."""

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
    """Only there."""


class Head:
    """The head of a request as the engine has read it. It keeps what it was asked."""

    def __init__(self, lines: Lines) -> None:
        self._lines = [(name.lower(), value) for name, value in lines]
        self.asked: list[bytes | None] = []

    def values(self, name: bytes, /) -> list[bytes]:
        self.asked.append(name)
        return [value for other, value in self._lines if other == name.lower()]

    def raw_headers(self) -> Lines:
        self.asked.append(None)
        return list(self._lines)


class Channel:
    """One that keeps what was written, and what it was told in which order."""

    def __init__(self, site: Any) -> None:
        self.site = site
        self.factory = site
        self.transport = Transport()
        self.written = b""
        self.told: list[Any] = []

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
        self.told.append("done")

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.told.append(("producer", streaming))

    def unregisterProducer(self) -> None:
        self.told.append("no producer")

    def loseConnection(self) -> None:
        self.told.append("lose")

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.told.append("bad request")


class RespondingChannel(Channel):
    """One that takes a whole answer at once, as ours does. It keeps the codes of those."""

    responds = True

    def __init__(self, site: Any) -> None:
        super().__init__(site)
        self.responded: list[int] = []

    def respond(self, request: Any, code: int, reason: bytes, headers: dict[bytes, list[bytes]], body: bytes) -> None:
        self.responded.append(code)
        self.writeHeaders(request.clientproto, b"%d" % code, reason, Headers(headers))
        self.write(body)


Way = Callable[[Any, Any, Lines, list[bytes]], tuple[Any, Any]]
"""Gives a request of this class, for this site, its head and body; returns it and its channel."""


def by_contract(channel: Any, request: Any, headers: Headers, lines: Lines, body: list[bytes]) -> None:
    """What a channel does with a new request before it is received."""
    for name, value in lines:
        headers.addRawHeader(name, value)
    request.requestHeaders = headers
    request.parseCookies()
    length = None if len(body) > 1 else sum(map(len, body))
    request.gotLength(length)
    for data in body:
        request.handleContentChunk(data)


def plainly(make: Any, site: Any, lines: Lines, body: list[bytes]) -> tuple[Any, Any]:
    """As Twisted's channel does."""
    channel = Channel(site)
    request = make(channel, 0)
    by_contract(channel, request, request.requestHeaders, lines, body)
    return request, channel


def lazily(make: Any, site: Any, lines: Lines, body: list[bytes]) -> tuple[Any, Any]:
    """With headers that are read when asked for, on a channel that responds."""
    channel = RespondingChannel(site)
    request = make(channel, 0)
    by_contract(channel, request, ReceivedHeaders(Head(lines)), [], body)
    return request, channel


def by_engine(make: Any, site: Any, lines: Lines, body: list[bytes]) -> tuple[Any, Any]:
    """As our channel does."""
    if body:
        return lazily(make, site, lines, body)
    channel = RespondingChannel(site)
    request: Request = make(channel, 0)
    request.arrive(Head(lines))
    return request, channel
