"""Request factories that set attributes of a new request. The attributes are used as on twisted.web."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.unit.dropin.connection.conversations import LAST, Leaf, listen, talk
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


class FilteringHeaders(Headers):
    """Headers that ignore a field which only a proxy may set."""

    def addRawHeader(self, name: Any, value: Any) -> None:
        if name.lower() != b"x-user":
            super().addRawHeader(name, value)


class FilteringCookies(dict[bytes, bytes]):
    """Cookies that ignore one name."""

    def __setitem__(self, name: bytes, value: bytes) -> None:
        if name != b"x":
            super().__setitem__(name, value)


class WrappedChannel:
    """A wrapper of a channel."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Any) -> None:
        headers.setRawHeaders(b"X-WrappedChannel", [b"1"])
        self._channel.writeHeaders(version, code, reason, headers)

    def write(self, data: bytes) -> None:
        self._channel.write(data.upper())


def with_headers(base: Any) -> Any:
    class Own(base):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.requestHeaders = FilteringHeaders()

    return Own


def with_headers_set_by_a_function(base: Any) -> Any:
    def make(channel: Any, *rest: Any) -> Any:
        request = base(channel, *rest)
        request.requestHeaders = FilteringHeaders()
        return request

    return make


def with_a_reference_to_headers(base: Any) -> Any:
    class Own(base):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.kept = self.requestHeaders

        def process(self) -> None:
            self.setHeader(b"X-Kept", repr(self.kept.getRawHeaders(b"x-user")).encode())
            super().process()

    return Own


def with_an_added_header(base: Any) -> Any:
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
            self._kept = FilteringHeaders()

    return Own


def with_setattr(base: Any) -> Any:
    class Own(base):  # type: ignore[misc]
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, FilteringHeaders() if name == "requestHeaders" else value)

    return Own


def with_a_metaclass(base: Any) -> Any:
    class Kind(type):
        def __call__(cls, *args: Any, **options: Any) -> Any:
            made = super().__call__(*args, **options)
            made.requestHeaders = FilteringHeaders()
            return made

    return Kind("Own", (base,), {})


def with_cookies(base: Any) -> Any:
    class Own(base):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.received_cookies = FilteringCookies()

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
            self.channel = WrappedChannel(channel)

    return Own


FACTORIES = (
    *(
        with_headers,
        with_headers_set_by_a_function,
        with_a_reference_to_headers,
        with_an_added_header,
        with_a_property,
        with_setattr,
    ),
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


def responses(there: World, way: str, factory: Any) -> dict[str, bytes]:
    made = Site(Leaf(page), reactor=there.reactor)
    made.log = lambda request: None  # type: ignore[method-assign]
    made.requestFactory = factory
    return talk(there, listen(there, made, way), CONVERSATIONS)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("base", KINDS)
@pytest.mark.parametrize("make", FACTORIES)
def test_attributes_of_a_new_request_are_used(there: World, make: Callable[[Any], Any], base: str, way: str) -> None:
    assert responses(there, way, make(KINDS[base])) == responses(there, "stock", make(server.Request))
