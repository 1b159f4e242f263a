"""What a request's class makes of a new request, beside twisted.web: it is kept, and all that comes goes into it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.unit.dropin.connection.test_override_check import LAST, Leaf, listen, talk
from tests.unit.dropin.world import World, world
from twisted.web import server
from twisted.web.http_headers import Headers
from twisted.web.server import Site

from ropewalk.dropin import LenientRequest, Request

WAYS = ("accepted", "adopted", "wrapped")
KINDS = {"accelerate": server.Request, "exec": LenientRequest, "dropin": Request}
CONVERSATIONS = {
    "get": b"GET /?a=1 HTTP/1.1\r\nHost: a\r\nCookie: k=v; x=y\r\nX-User: admin\r\n" + LAST,
    "post": b"POST / HTTP/1.1\r\nHost: a\r\nX-User: admin\r\nContent-Length: 4\r\n" + LAST + b"body",
    "http/1.0": b"GET / HTTP/1.0\r\nX-User: admin\r\n\r\n",
}


class Filtering(Headers):
    """Headers without what only a proxy may say."""

    def addRawHeader(self, name: Any, value: Any) -> None:
        if name.lower() != b"x-user":
            super().addRawHeader(name, value)


class Counting(dict[bytes, bytes]):
    """Cookies of which one is refused."""

    def __setitem__(self, name: bytes, value: bytes) -> None:
        if name != b"x":
            super().__setitem__(name, value)


class Around:
    """Something around a channel."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Any) -> None:
        headers.setRawHeaders(b"X-Around", [b"1"])
        self._channel.writeHeaders(version, code, reason, headers)

    def write(self, data: bytes) -> None:
        self._channel.write(data.upper())


def with_headers(base: Any) -> Any:
    class Own(base):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.requestHeaders = Filtering()

    return Own


def with_headers_on_the_way(base: Any) -> Any:
    def make(channel: Any, *rest: Any) -> Any:
        request = base(channel, *rest)
        request.requestHeaders = Filtering()
        return request

    return make


def with_the_same_headers(base: Any) -> Any:
    class Own(base):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.kept = self.requestHeaders

        def process(self) -> None:
            self.setHeader(b"X-Kept", repr(self.kept.getRawHeaders(b"x-user")).encode())
            super().process()

    return Own


def with_a_line(base: Any) -> Any:
    class Own(base):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.requestHeaders.addRawHeader(b"X-User", b"first")

    return Own


def with_a_property(base: Any) -> Any:
    class Own(base):  # type: ignore[misc]
        @property
        def requestHeaders(self) -> Any:
            return self._kept

        @requestHeaders.setter
        def requestHeaders(self, headers: Any) -> None:
            self._kept = Filtering()

    return Own


def with_setattr(base: Any) -> Any:
    class Own(base):  # type: ignore[misc]
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, Filtering() if name == "requestHeaders" else value)

    return Own


def with_a_metaclass(base: Any) -> Any:
    class Kind(type):
        def __call__(cls, *args: Any, **options: Any) -> Any:
            made = super().__call__(*args, **options)
            made.requestHeaders = Filtering()
            return made

    return Kind("Own", (base,), {})


def with_cookies(base: Any) -> Any:
    class Own(base):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.received_cookies = Counting()

    return Own


def with_attributes(base: Any) -> Any:
    class Own(base):  # type: ignore[misc]
        def __new__(cls, *args: Any, **options: Any) -> Any:
            made = super().__new__(cls)
            made.code, made.code_message, made.etag = 203, b"Other", b"tag"
            return made

    return Own


def with_a_channel(base: Any) -> Any:
    class Own(base):  # type: ignore[misc]
        def __init__(self, channel: Any, *args: Any, **options: Any) -> None:
            super().__init__(channel, *args, **options)
            self.channel = Around(channel)

    return Own


MADE = (
    *(with_headers, with_headers_on_the_way, with_the_same_headers, with_a_line, with_a_property, with_setattr),
    *(with_a_metaclass, with_cookies, with_attributes, with_a_channel),
)


@pytest.fixture
def there() -> Iterator[World]:
    with world() as made:
        yield made


def page(request: Any) -> bytes:
    request.content.read()
    names = (b"host", b"x-user", b"content-length")
    return repr([request.requestHeaders.getRawHeaders(name) for name in names] + [request.received_cookies]).encode()


def told(there: World, way: str, factory: Any) -> dict[str, bytes]:
    made = Site(Leaf(page), reactor=there.reactor)
    made.log = lambda request: None  # type: ignore[method-assign]
    made.requestFactory = factory
    return talk(there, listen(there, made, way), CONVERSATIONS)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("base", KINDS)
@pytest.mark.parametrize("make", MADE)
def test_what_a_request_is_made_with_is_kept(there: World, make: Callable[[Any], Any], base: str, way: str) -> None:
    assert told(there, way, make(KINDS[base])) == told(there, "stock", make(server.Request))
