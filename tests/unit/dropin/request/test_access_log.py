"""The access log of a site equals Twisted's, byte for byte."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.dropin.request.scenes import Scene
from tests.unit.dropin.world import world
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.task import Clock
from twisted.web.http import HTTPFactory, combinedLogFormatter, proxiedLogFormatter
from twisted.web.http_headers import Headers
from twisted.web.server import Site

from ropewalk.dropin.request import access_log as module
from ropewalk.dropin.request.access_log import combined, log


class LoggedRequest:
    """The part of a request that is logged."""

    def __init__(
        self, client: Any, line: tuple[bytes, ...], code: int, length: int, fields: dict[bytes, bytes]
    ) -> None:
        self.client = client
        self.method, self.uri, self.clientproto = line
        self.code, self.sentLength = code, length
        self.requestHeaders = Headers({name: [value] for name, value in fields.items()})

    def getClientAddress(self) -> Any:
        return self.client

    def getHeader(self, name: bytes) -> bytes | None:
        values = self.requestHeaders.getRawHeaders(name)
        return None if values is None else values[-1]


CLIENTS = [IPv4Address("TCP", "192.0.2.1", 5), IPv6Address("TCP", "2001:db8::1", 5), UNIXAddress("/run/s"), None]


@given(
    facts=st.tuples(
        st.sampled_from(CLIENTS),
        st.tuples(*[st.binary(max_size=20)] * 3),
        st.integers(100, 599),
        st.integers(0, 10),
        st.dictionaries(st.sampled_from([b"Referer", b"User-Agent", b"X"]), st.binary(max_size=20)),
    )
)
def test_any_request(facts: Any) -> None:
    request = LoggedRequest(*facts)
    assert combined("[now]", request) == combinedLogFormatter("[now]", request)


def request() -> LoggedRequest:
    return LoggedRequest(CLIENTS[0], (b"GET", b"/", b"HTTP/1.1"), 200, 2, {})


def test_the_line_is_written_to_the_log_file() -> None:
    factory = HTTPFactory(reactor=Clock())
    factory._logFile, factory._logDateTime = StringIO(), "[now]"
    log(factory, request())
    assert factory._logFile.getvalue() == f"{combinedLogFormatter('[now]', request())}\n"


def test_a_factory_that_is_not_started_logs_nothing() -> None:
    factory = HTTPFactory(reactor=Clock())
    before = dict(vars(factory))
    log(factory, request())
    assert vars(factory) == before


@pytest.mark.parametrize("way", ["formatter", "class", "instance"])
def test_factories_that_log_in_another_way(way: str) -> None:
    class Own(HTTPFactory):
        def log(self, request: Any) -> None:
            logged.append(request)

    logged: list[Any] = []
    factory = (Own if way == "class" else HTTPFactory)(reactor=Clock())
    if way == "formatter":
        factory._logFormatter = lambda timestamp, request: f"{timestamp} {request.code}"
        factory._logFile, factory._logDateTime = StringIO(), "[now]"
    elif way == "instance":
        factory.log = logged.append  # type: ignore[method-assign, assignment]
    log(factory, request())
    if way == "formatter":
        assert factory._logFile.getvalue() == "[now] 200\n"  # type: ignore[union-attr]
    else:
        assert len(logged) == 1


def test_the_formatter_for_proxies() -> None:
    factory = HTTPFactory(reactor=Clock(), logFormatter=proxiedLogFormatter)
    factory._logFile, factory._logDateTime = StringIO(), "[now]"
    made = request()
    made.requestHeaders.addRawHeader(b"X-Forwarded-For", b"198.51.100.7, 10.0.0.1")
    log(factory, made)
    assert factory._logFile.getvalue().startswith('"198.51.100.7" - - [now] "GET / ')


class TestHeadersThatAProgramReads:
    """The engine formats the line, unless the application may have changed the values in it."""

    def line(self, read: Callable[[Any], Any]) -> tuple[str, bool]:
        """Return the line of a request whose program reads headers, and whether the headers are still in the engine."""
        file = StringIO()
        made: list[bool] = []

        def render(request: Any) -> bytes:
            read(request)
            made.append(request.requestHeaders.source is not None)
            return b""

        with world() as there:
            site = Site(Scene("", render).make_site().resource, reactor=there.reactor)
            port = there.listen(site, "accepted", None)
            site._logFile, site._logDateTime = file, "[now]"
            client = there.connect(port)
            client.get("/", "User-Agent: me", "Referer: there", "X-A: b")
            there.until(lambda: client.read().endswith(b"\r\n\r\n"))
            return file.getvalue(), made[0]

    @pytest.mark.parametrize(
        "read",
        [
            lambda request: request.getHeader("x-a"),
            lambda request: request.getHeader("user-agent"),
            lambda request: request.requestHeaders.getRawHeaders(b"Referer"),
            lambda request: list(request.requestHeaders.getAllRawHeaders()),
        ],
    )
    def test_reading_does_not_change_the_line(self, read: Callable[[Any], Any]) -> None:
        assert self.line(read)[0] == '"127.0.0.1" - - [now] "GET / HTTP/1.1" 200 - "there" "me"\n'

    @pytest.mark.parametrize("name", [b"User-Agent", b"user-agent"])
    def test_a_changed_field_is_logged(self, name: bytes) -> None:
        def change(request: Any) -> None:
            request.requestHeaders.getRawHeaders(name)[-1] = b"changed"

        assert self.line(change)[0].endswith('"there" "changed"\n')

    def test_a_field_that_is_set_is_logged(self) -> None:
        def change(request: Any) -> None:
            request.requestHeaders.setRawHeaders(b"Referer", [b"changed"])

        assert self.line(change)[0].endswith('"changed" "me"\n')

    def test_the_engine_formats_the_line_if_other_fields_are_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        in_python: list[bytes] = []

        def text(value: bytes) -> str:
            in_python.append(value)
            return value.decode()

        monkeypatch.setattr(module, "_text", text)
        assert self.line(lambda request: request.getHeader("x-a"))[1]
        assert in_python == []
        self.line(lambda request: request.getHeader("referer"))
        assert sorted(in_python) == [b"GET / HTTP/1.1", b"me", b"there"]
