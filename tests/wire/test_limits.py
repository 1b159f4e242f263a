"""Every limit and timeout of the engine, exceeded by a client, and the defaults."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from tests.processes import ropewalk
from tests.wire.agreement import Accepted
from tests.wire.books import WITNESS, Books
from tests.wire.conftest import SERVICE, Connect, address_of
from tests.wire.connection import GET, Connection
from tests.wire.refusals import Refused, with_fields

from ropewalk import Limits

pytestmark = pytest.mark.slow


@contextmanager
def limited(**limits: float) -> Iterator[Connect]:
    """Start a server with these limits, and return a function that opens connections to it."""
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
        "linger_timeout": 5,
        "linger_total_time": 30,
        "linger_size": 256 * 1024 * 1024,
        "half_close_timeout": 5,
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
    def test_up_to_the_limit(self, accepted: Accepted) -> None:
        line = b"GET /" + b"x" * (8 * 1024 - 14) + b" HTTP/1.1"
        assert len(line) == 8 * 1024
        [response] = accepted(line + b"\r\nHost: a\r\n\r\n")
        assert response.status == 404

    @pytest.mark.parametrize("size", [8 * 1024 - 13, 20_000])
    def test_over_it_414(self, refused: Refused, size: int) -> None:
        assert refused(b"GET /" + b"x" * size + b" HTTP/1.1\r\nHost: a\r\n\r\n") == 414

    def test_however_it_ends(self, refused: Refused) -> None:
        assert refused(b"GET /" + b"x" * 9000 + b" HTTP/1.1\nHost: a\r\n\r\n") == 414

    @pytest.mark.parametrize("part", [b"x", b"GET /x", b"GET http://", b"GET / ", b"GET / HTTP/"])
    def test_it_need_not_end(self, refused: Refused, part: bytes) -> None:
        assert refused(part + part[-1:] * 9000) == 414


class TestHeadSize:
    def test_up_to_the_limit(self, accepted: Accepted) -> None:
        assert len(head_of(32 * 1024)) == 32 * 1024
        [response] = accepted(head_of(32 * 1024))
        assert response.status == 200

    def test_an_empty_line_before_it_is_not_counted(self, accepted: Accepted) -> None:
        [response] = accepted(b"\r\n" + head_of(32 * 1024))
        assert response.status == 200

    @pytest.mark.parametrize("size", [32 * 1024 + 1, 32 * 1024 + 2, 32 * 1024 + 3, 60_000])
    def test_over_it_431(self, refused: Refused, size: int) -> None:
        assert refused(head_of(size)) == 431

    def test_however_its_lines_end(self, refused: Refused) -> None:
        assert refused(head_of(40_000).replace(b"x\r\n", b"x\n")) == 431

    @pytest.mark.parametrize("line", [b"X: ", b"X", b"X: y\r"])
    def test_it_need_not_end(self, refused: Refused, line: bytes) -> None:
        assert refused(b"GET / HTTP/1.1\r\n" + line + line[-1:] * 40_000) == 431

    def test_a_flood_of_heads_that_never_end(self, connect: Connect) -> None:
        for _ in range(20):
            connection = connect()
            connection.send(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20)
        assert connect().ask(GET).status == 200


class TestHeadFields:
    def test_up_to_the_limit(self, accepted: Accepted) -> None:
        [response] = accepted(with_fields(*[b"X: y"] * 99, start=b"GET / HTTP/1.1"))
        assert response.status == 200

    @pytest.mark.parametrize("count", [100, 1000])
    def test_over_it_431(self, refused: Refused, count: int) -> None:
        assert refused(with_fields(*[b"X: y"] * count)) == 431

    def test_it_need_not_end(self, refused: Refused) -> None:
        assert refused(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 101) == 431


class TestBodySize:
    def test_up_to_the_limit(self, accepted: Accepted) -> None:
        [response] = accepted(with_fields(b"Content-Length: 100000") + b"x" * 100_000)
        assert response.body == b"x" * 100_000

    def test_up_to_the_limit_in_chunks(self, accepted: Accepted) -> None:
        chunks = b"c350\r\n" + b"x" * 50_000 + b"\r\n"
        [response] = accepted(with_fields(b"Transfer-Encoding: chunked") + chunks + chunks + b"0\r\n\r\n")
        assert response.body == b"x" * 100_000

    def test_over_it_413(self, refused: Refused) -> None:
        assert refused(with_fields(b"Content-Length: 100001"), heads=1) == 413


class TestHeadTimeout:
    """A client that sends its head slowly, as in a slowloris attack, is disconnected."""

    def test_it_is_a_refusal(self) -> None:
        with limited(head_timeout=0.2) as connect:
            books, late = Books(connect()), connect()
            late.send(b"GET / HTTP/1.1\r\n")
            response = late.response()
            assert (response.status, response.field("connection")) == (408, "close")
            assert response.text.startswith("408 Request Timeout: ")
            late.send(b"\r\n" + WITNESS)
            assert late.end() == b""
            books.settle()
            entry = books.entry()
            assert (entry.requests, entry.refused, entry.witnessed) == (0, 1, 0)
            [logged] = entry.log
            assert logged.startswith(f"debug RW510 127.0.0.1:{late.port}: 408 ")

    def test_a_head_that_is_late_is_408(self) -> None:
        with limited(head_timeout=0.2) as connect:
            silent, slow, served = connect(), connect(), connect()
            slow.send(b"GET / HTTP/1.1\r\n")
            assert served.ask(GET).status == 200
            served.send(b"GET")
            assert slow.response().status == 408
            assert served.response().status == 408
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
            assert connection.response().status == 408
            assert connection.end() == b""
            assert connect().ask(GET).status == 200

    def test_a_body_that_is_too_slow_is_408(self) -> None:
        with limited(body_rate=10_000_000, body_grace=0.1) as connect:
            connection = connect()
            connection.send(with_fields(b"Content-Length: 100000") + b"x" * 1000)
            assert connection.response().status == 408


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
            response = three.response()
            assert (response.status, response.field("connection")) == (503, "close")
            assert three.end() == b""
            assert one.ask(GET).status == 200
            one.ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert one.end() == b""
            assert connect().ask(GET).status == 200

    def test_by_default_it_is_80_percent_of_the_descriptors(self) -> None:
        command = ("run", "tests.wire.crowded:app", "--access-log", "off")
        with ropewalk(*command, environment={"DESCRIPTORS": "200"}) as server, ExitStack() as stack:
            for _ in range(160):
                assert stack.enter_context(Connection(address_of(server))).ask(GET).status == 200
            assert stack.enter_context(Connection(address_of(server))).response().status == 503


def head_of(size: int) -> bytes:
    """A valid head of this many bytes, including the empty line."""
    start, end = b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"\r\n\r\n"
    return start + b"x" * (size - len(start) - len(end)) + end


def test_a_limit_that_is_none_is_an_error() -> None:
    with pytest.raises(AssertionError, match="RW423"), limited(haed_timeout=1):
        pass


def counters(connection: Connection) -> bytes:
    return connection.ask(b"GET /counters HTTP/1.1\r\nHost: a\r\n\r\n").body


def until(condition: Callable[[], bool]) -> None:
    """Poll until a condition holds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
