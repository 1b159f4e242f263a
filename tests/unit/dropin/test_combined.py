"""The line of a request in a site's log is Twisted's, to the letter."""

from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.task import Clock
from twisted.web.http import HTTPFactory, combinedLogFormatter, proxiedLogFormatter
from twisted.web.http_headers import Headers

from ropewalk.dropin.combined import combined, log


class Logged:
    """As much of a request as is logged."""

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
def test_whatever_is_in_it(facts: Any) -> None:
    request = Logged(*facts)
    assert combined("[now]", request) == combinedLogFormatter("[now]", request)


def request() -> Logged:
    return Logged(CLIENTS[0], (b"GET", b"/", b"HTTP/1.1"), 200, 2, {})


def test_it_goes_where_the_factory_logs() -> None:
    factory = HTTPFactory(reactor=Clock())
    factory._logFile, factory._logDateTime = StringIO(), "[now]"
    log(factory, request())
    assert factory._logFile.getvalue() == f"{combinedLogFormatter('[now]', request())}\n"


def test_a_factory_that_is_not_started_logs_nothing() -> None:
    log(HTTPFactory(reactor=Clock()), request())


@pytest.mark.parametrize("way", ["formatter", "class", "instance"])
def test_factories_of_other_ways(way: str) -> None:
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


def test_the_formatter_for_proxies_is_twisted_s() -> None:
    factory = HTTPFactory(reactor=Clock(), logFormatter=proxiedLogFormatter)
    factory._logFile, factory._logDateTime = StringIO(), "[now]"
    made = request()
    made.requestHeaders.addRawHeader(b"X-Forwarded-For", b"198.51.100.7, 10.0.0.1")
    log(factory, made)
    assert factory._logFile.getvalue().startswith('"198.51.100.7" - - [now] "GET / ')
