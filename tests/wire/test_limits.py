"""Every limit and clock of the engine against a client that goes too far, and the defaults."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from tests.processes import ropewalk
from tests.wire.conftest import SERVICE, Connect, address_of
from tests.wire.connection import GET, Connection
from tests.wire.refusals import with_fields

from ropewalk import Limits

pytestmark = pytest.mark.slow


@contextmanager
def limited(**limits: float) -> Iterator[Connect]:
    """Connections to a server of its own with some limits."""
    flags = [flag for name, value in limits.items() for flag in ("--limit", f"{name}={value}")]
    with ropewalk("run", SERVICE, "--access-log", "off", *flags) as server, ExitStack() as stack:
        yield lambda: stack.enter_context(Connection(address_of(server)))


def test_defaults() -> None:
    limits = Limits()
    assert {name: getattr(limits, name) for name in Limits.names} == {
        "head_timeout": 10,
        "idle_timeout": 75,
        "body_timeout": 30,
        "body_rate": 240,
        "body_grace": 5,
        "write_timeout": 30,
        "linger_timeout": 2,
        "drain_timeout": 30,
        "drain_grace": 1,
        "request_line": 8 * 1024,
        "head_size": 32 * 1024,
        "head_fields": 100,
        "body_size": 1024 * 1024,
        "chunk_extensions": 16 * 1024,
        "trailer_size": 16 * 1024,
        "trailer_fields": 100,
        "spool_size": 256 * 1024,
        "read_buffer": 64 * 1024,
        "write_buffer": 64 * 1024,
        "discard_size": 64 * 1024,
        "connections": 0,
        "backlog": 2048,
        "turn_events": 1024,
        "turn_time": 0.01,
    }


class TestRequestLine:
    def test_up_to_the_limit(self, connection: Connection) -> None:
        line = b"GET /" + b"x" * (8 * 1024 - 14) + b" HTTP/1.1"
        assert len(line) == 8 * 1024
        assert connection.ask(line + b"\r\nHost: a\r\n\r\n").status == 404

    @pytest.mark.parametrize("size", [8 * 1024 - 13, 20_000])
    def test_over_it_414(self, connection: Connection, size: int) -> None:
        connection.send(b"GET /" + b"x" * size + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.answer().status == 414
        assert connection.end() == b""

    def test_it_need_not_end(self, connection: Connection) -> None:
        connection.send(b"GET /" + b"x" * 9000)
        assert connection.answer().status == 414


class TestHeadSize:
    def test_up_to_the_limit(self, connection: Connection) -> None:
        head = with_fields(b"X: " + b"x" * 32_000, start=b"GET / HTTP/1.1")
        assert connection.ask(head).status == 200

    def test_over_it_431(self, connection: Connection) -> None:
        connection.send(with_fields(b"X: " + b"x" * 33_000))
        assert connection.answer().status == 431
        assert connection.end() == b""

    def test_it_need_not_end(self, connection: Connection) -> None:
        connection.send(b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000)
        assert connection.answer().status == 431

    def test_a_flood_of_heads_that_never_end(self, connect: Connect) -> None:
        for _ in range(20):
            connection = connect()
            connection.send(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20)
        assert connect().ask(GET).status == 200


class TestHeadFields:
    def test_up_to_the_limit(self, connection: Connection) -> None:
        assert connection.ask(with_fields(*[b"X: y"] * 99, start=b"GET / HTTP/1.1")).status == 200

    def test_over_it_431(self, connection: Connection) -> None:
        connection.send(with_fields(*[b"X: y"] * 100))
        assert connection.answer().status == 431
        assert connection.end() == b""


class TestBodySize:
    def test_up_to_the_limit(self, connection: Connection) -> None:
        message = with_fields(b"Content-Length: 100000") + b"x" * 100_000
        assert connection.ask(message).body == b"x" * 100_000


class TestHeadTimeout:
    """Slowloris."""

    def test_a_head_that_is_late_is_408(self) -> None:
        with limited(head_timeout=0.2) as connect:
            silent, slow, served = connect(), connect(), connect()
            slow.send(b"GET / HTTP/1.1\r\n")
            assert served.ask(GET).status == 200
            served.send(b"GET")
            assert slow.answer().status == 408
            assert served.answer().status == 408
            assert silent.end() == b""

    def test_dripping_wins_no_time(self) -> None:
        with limited(head_timeout=0.3) as connect:
            connection = connect()
            connection.send(b"GET / HTTP/1.1\r\n")
            began = time.monotonic()
            connection.socket.settimeout(0.02)
            while time.monotonic() - began < 10:
                connection.send(b"X: y\r\n")
                try:
                    assert connection.socket.recv(1000).startswith(b"HTTP/1.1 408 ")
                    break
                except TimeoutError:
                    continue
            assert time.monotonic() - began < 5


class TestIdleTimeout:
    def test_an_idle_connection_is_closed_without_a_word(self) -> None:
        with limited(idle_timeout=0.2) as connect:
            connection = connect()
            assert connection.ask(GET).status == 200
            assert connection.end() == b""


class TestBodyTimeout:
    def test_a_body_that_stalls_is_408(self) -> None:
        with limited(body_timeout=0.2) as connect:
            connection = connect()
            connection.send(with_fields(b"Content-Length: 10") + b"half")
            assert connection.answer().status == 408
            assert connection.end() == b""
            assert connect().ask(GET).status == 200

    def test_a_body_that_is_too_slow_is_408(self) -> None:
        with limited(body_rate=10_000_000, body_grace=0.1) as connect:
            connection = connect()
            connection.send(with_fields(b"Content-Length: 100000") + b"x" * 1000)
            assert connection.answer().status == 408


class TestWriteTimeout:
    def test_a_client_that_does_not_read_is_cut(self) -> None:
        with limited(write_timeout=0.2) as connect:
            deaf, other = connect(), connect()
            deaf.send(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
            until(lambda: b'"write_timeouts":1' in counters(other))
            assert other.ask(GET).status == 200


class TestConnections:
    def test_over_the_limit_503_at_once(self) -> None:
        with limited(connections=2) as connect:
            one, two = connect(), connect()
            assert one.ask(GET).status == 200
            assert two.ask(GET).status == 200
            three = connect()
            answer = three.answer()
            assert (answer.status, answer.field("connection")) == (503, "close")
            assert three.end() == b""
            assert one.ask(GET).status == 200
            one.ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert one.end() == b""
            assert connect().ask(GET).status == 200


def test_a_limit_that_is_none_is_an_error() -> None:
    with pytest.raises(AssertionError, match="RW423"), limited(haed_timeout=1):
        pass


def counters(connection: Connection) -> bytes:
    return connection.ask(b"GET /counters HTTP/1.1\r\nHost: a\r\n\r\n").body


def until(condition: Callable[[], bool]) -> None:
    """Ask until something is so."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
