"""Incomplete messages, connections and request smuggling (RFC 9112, sections 8, 9 and 11), a class for each section."""

import json

import pytest
from tests.wire.agreement import Accepted
from tests.wire.books import WITNESS, Books
from tests.wire.conftest import Connect, on_sockets
from tests.wire.connection import GET, Connection
from tests.wire.refusals import Refused, with_fields

CHUNKED = b"Transfer-Encoding: chunked"


def line(start: bytes) -> bytes:
    """A request with this request line."""
    return start + b"\r\nHost: a\r\n\r\n"


def target(target: bytes) -> bytes:
    return line(b"GET " + target + b" HTTP/1.1")


def chunked(body: bytes) -> bytes:
    return with_fields(CHUNKED) + body


class TestSection8IncompleteMessages:
    @pytest.mark.parametrize(
        "part",
        [
            b"GET",
            b"GET /witness HTTP/1.1\r\nHost: a\r\n",
            b"GET /witness HTTP/1.1\r\nHost: a\r\n\r",
            b"GET /witness HTTP/1.1\r\nHost: a\r\n\r\r\n",
            with_fields(b"Content-Length: 5", start=b"GET /witness HTTP/1.1") + b"four",
            with_fields(CHUNKED, start=b"GET /witness HTTP/1.1") + b"1\r\na\r\n0\r\n",
        ],
    )
    def test_a_request_that_is_cut_off_is_not_served(self, connection: Connection, books: Books, part: bytes) -> None:
        books.entry()
        connection.send(part)
        books.settle()
        connection.socket.close()
        books.settle()
        entry = books.entry()
        assert (entry.refused, entry.witnessed, entry.log) == (0, 0, [])


class TestSection9_3Persistence:
    def test_a_connection_is_kept(self, accepted: Accepted) -> None:
        responses = accepted(GET * 3)
        assert [(response.status, response.field("connection")) for response in responses] == [(200, None)] * 3

    @pytest.mark.parametrize("option", [b"keep-alive", b"Keep-Alive", b"x, keep-alive"])
    def test_http_1_0_is_kept_where_it_is_asked_for(self, accepted: Accepted, option: bytes) -> None:
        [response] = accepted(b"GET / HTTP/1.0\r\nConnection: " + option + b"\r\n\r\n")
        assert response.field("connection") == "keep-alive"

    @pytest.mark.parametrize(
        "lines", [b"", b"Connection: close\r\n", b"Connection: keep-alive, close\r\n", b"Keep-Alive: 5\r\n"]
    )
    def test_http_1_0_is_not_kept_otherwise(self, connection: Connection, books: Books, lines: bytes) -> None:
        books.entry()
        response = connection.ask(b"GET / HTTP/1.0\r\n" + lines + b"\r\n" + WITNESS)
        assert (response.status, response.field("connection")) == (200, "close")
        assert connection.end() == b""
        entry = books.entry()
        assert (entry.requests, entry.witnessed) == (1, 0)

    def test_it_is_kept_after_a_404_or_405(self, accepted: Accepted) -> None:
        responses = accepted(line(b"GET /nowhere HTTP/1.1") + line(b"DELETE / HTTP/1.1") + GET)
        assert [response.status for response in responses] == [404, 405, 200]

    @pytest.mark.parametrize(
        "body", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]
    )
    def test_it_is_kept_after_an_unread_small_body(self, accepted: Accepted, body: bytes) -> None:
        responses = accepted(b"POST /ignore HTTP/1.1\r\nHost: a\r\n" + body + GET)
        assert [response.text for response in responses] == ["ignored", "Hello, World!"]

    @pytest.mark.parametrize("lines", [(b"Content-Length: 90000",), (CHUNKED,)])
    def test_it_is_kept_after_a_body_that_is_read_after_the_head_of_its_response(
        self, connection: Connection, lines: tuple[bytes, ...]
    ) -> None:
        connection.send(with_fields(*lines, start=b"POST /begun HTTP/1.1"))
        body = bytes(90_000)
        connection.send(body if lines != (CHUNKED,) else b"15f90\r\n" + body + b"\r\n0\r\n\r\n")
        response = connection.response()
        assert (response.text, response.field("connection")) == ("begun 90000", None)
        assert connection.ask(GET).status == 200


class TestSection9_3_2Pipelining:
    def test_responses_come_in_order(self, connection: Connection) -> None:
        requests = [b"GET /facts?%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(50)]
        connection.send(b"".join(requests))
        for number in range(50):
            assert json.loads(connection.response().body)["target"] == f"/facts?{number}"

    def test_a_quick_response_does_not_overtake_a_slow_one(self, connect: Connect) -> None:
        slow, other = connect(), connect()
        slow.send(b"GET /held/first HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
        assert other.ask(b"POST /release/first HTTP/1.1\r\nHost: a\r\n\r\n").status == 204
        assert slow.response().text == "first"
        assert slow.response().text == "Hello, World!"

    def test_a_refusal_does_not_overtake_a_slow_response(self, connect: Connect, books: Books) -> None:
        slow, other = connect(), connect()
        books.entry()
        slow.send(b"GET /held/second HTTP/1.1\r\nHost: a\r\n\r\n" + with_fields(b"X : y") + WITNESS)
        books.settle()
        assert books.entry().refused == 0
        assert other.ask(b"POST /release/second HTTP/1.1\r\nHost: a\r\n\r\n").status == 204
        assert slow.response().text == "second"
        assert slow.response().status == 400
        assert slow.end() == b""
        entry = books.entry()
        assert (entry.refused, entry.witnessed) == (1, 0)

    def test_requests_of_every_kind_in_sequence(self, accepted: Accepted) -> None:
        messages = (
            with_fields(b"Content-Length: 3") + b"abc",
            chunked(b"3\r\ndef\r\n0\r\n\r\n"),
            GET,
            b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            line(b"GET /nothing HTTP/1.1"),
            line(b"GET /unchanged HTTP/1.1"),
            line(b"GET /parts HTTP/1.1"),
        )
        responses = accepted(b"".join(messages))
        assert [response.text for response in responses] == [
            "abc",
            "def",
            "Hello, World!",
            "Hello, World!",
            "",
            "",
            "one two",
        ]


class TestSection9_6TearDown:
    @pytest.mark.parametrize("option", [b"close", b"Close", b"x, close", b"close, keep-alive", b"\tclose\t,"])
    def test_nothing_after_a_last_request_is_parsed(self, connection: Connection, books: Books, option: bytes) -> None:
        books.entry()
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: " + option + b"\r\n\r\n" + WITNESS)
        assert connection.response().field("connection") == "close"
        assert connection.end() == b""
        entry = books.entry()
        assert (entry.requests, entry.witnessed) == (1, 0)

    @pytest.mark.parametrize("rest", [WITNESS, b"\x00", b"\r\n\r\n\r\n", with_fields(b"X : y")])
    def test_nothing_after_a_last_response_is_parsed(self, connection: Connection, books: Books, rest: bytes) -> None:
        books.entry()
        connection.send(line(b"GET /last HTTP/1.1") + rest + WITNESS)
        response = connection.response()
        assert (response.text, response.field("connection")) == ("last", "close")
        assert connection.end() == b""
        entry = books.entry()
        assert (entry.requests, entry.refused, entry.witnessed) == (1, 0, 0)

    def test_nor_what_comes_later(self, connection: Connection, books: Books) -> None:
        books.entry()
        assert connection.ask(line(b"GET /last HTTP/1.1") + b"GET").text == "last"
        assert connection.end() == b""
        connection.send(b" /witness HTTP/1.1\r\nHost: a\r\n\r\n" + WITNESS)
        books.settle()
        entry = books.entry()
        assert (entry.requests, entry.refused, entry.witnessed) == (1, 0, 0)

    def test_a_client_that_still_sends_gets_to_read_its_response(self, connection: Connection) -> None:
        connection.send(with_fields(b"Content-Length: 30000000"))
        for _ in range(300):
            connection.send(b"x" * 100_000)
        response = connection.response()
        assert (response.status, response.field("connection")) == (413, "close")
        assert connection.end() == b""

    @on_sockets
    def test_a_half_closed_client_gets_its_responses(self, connection: Connection) -> None:
        connection.send(GET + GET)
        connection.socket.shutdown(1)
        assert connection.response().status == 200
        assert connection.response().status == 200
        assert connection.end() == b""


class TestSection11_2RequestSmuggling:
    """A message that two servers could read differently is refused."""

    @pytest.mark.parametrize(
        "message",
        [
            with_fields(b"Content-Length: %d" % (5 + len(WITNESS)), CHUNKED) + b"0\r\n\r\n",
            with_fields(CHUNKED, b"Content-Length: 3") + b"8\r\nSMUGGLED\r\n0\r\n\r\n",
            with_fields(b"Content-Length: 0", b"Content-Length: %d" % len(WITNESS)),
            with_fields(CHUNKED, b"Transfer-Encoding: identity") + b"0\r\n\r\n",
            with_fields(CHUNKED, b"Transfer-encoding: x") + b"0\r\n\r\n",
            with_fields(b"Transfer-Encoding:\x0bchunked") + b"0\r\n\r\n",
            with_fields(b"Transfer-Encoding: chunked\r\n \r\nX: y") + b"0\r\n\r\n",
            with_fields(b"X: y\nTransfer-Encoding: chunked") + b"0\r\n\r\n",
            with_fields(b"X: y\rTransfer-Encoding: chunked") + b"0\r\n\r\n",
            with_fields(b"X: y\r\rTransfer-Encoding: chunked") + b"0\r\n\r\n",
            with_fields(b"Content-Length: +0"),
            with_fields(b"Content-Length: 0\x00"),
            with_fields(b"Content-Length: 0\r\n 5"),
            with_fields(b"\x00Content-Length: 5"),
        ],
    )
    def test_it_is_refused(self, refused: Refused, message: bytes) -> None:
        assert refused(message) == 400
