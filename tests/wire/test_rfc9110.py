"""HTTP semantics (RFC 9110), a class for each section."""

import json
import time
from email.utils import parsedate_to_datetime

import pytest
from tests.wire.conftest import Connect, on_sockets
from tests.wire.connection import GET, Connection
from tests.wire.refusals import refused, with_fields


def request(start: bytes, *lines: bytes) -> bytes:
    return with_fields(*lines, start=start + b" HTTP/1.1")


class TestSection5_5FieldValues:
    def test_a_forged_value_of_a_handler_stays_off_the_wire(self, connection: Connection) -> None:
        answer = connection.ask(request(b"GET /forged"))
        assert answer.status == 500
        assert answer.field("set-cookie") is None
        assert connection.ask(GET).status == 200


class TestSection6_5Trailers:
    @pytest.mark.parametrize(
        "name", [b"Content-Length", b"Transfer-Encoding", b"Host", b"Authorization", b"Cookie", b"TE", b"Expect"]
    )
    def test_framing_routing_and_authentication_are_dropped(self, connection: Connection, name: bytes) -> None:
        body = b"1\r\na\r\n0\r\n" + name + b": 1\r\nX: y\r\n\r\n"
        answer = connection.ask(request(b"POST /facts", b"Transfer-Encoding: chunked") + body)
        facts = json.loads(answer.body)
        assert facts["trailers"] == [["x", "y"]]
        assert connection.ask(GET).status == 200


class TestSection6_6_1Date:
    def test_every_answer_has_the_time(self, connection: Connection) -> None:
        date = connection.ask(GET).field("date")
        assert date is not None
        assert abs(parsedate_to_datetime(date).timestamp() - time.time()) < 5


class TestSection7_6_1Connection:
    @pytest.mark.parametrize("lines", [(b"Connection: close",), (b"Connection: x", b"Connection: close")])
    def test_close_is_found_in_every_line(self, connection: Connection, lines: tuple[bytes, ...]) -> None:
        assert connection.ask(request(b"GET /", *lines)).field("connection") == "close"
        assert connection.end() == b""

    def test_unknown_options_do_nothing(self, connection: Connection) -> None:
        assert connection.ask(request(b"GET /", b"Connection: x-hop, , closed")).field("connection") is None


class TestSection7_8Upgrade:
    def test_an_upgrade_that_nobody_takes_is_ignored(self, connection: Connection) -> None:
        answer = connection.ask(request(b"GET /", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c"))
        assert (answer.status, answer.field("upgrade")) == (200, None)
        assert connection.ask(GET).status == 200


class TestSection8_6ContentLength:
    def test_an_answer_has_one(self, connection: Connection) -> None:
        assert connection.ask(GET).field("content-length") == "13"

    def test_a_request_of_length_0_has_an_empty_body(self, connection: Connection) -> None:
        answer = connection.ask(request(b"POST /facts", b"Content-Length: 0"))
        facts = json.loads(answer.body)
        assert (facts["length"], facts["body"]) == (0, "")


class TestSection9_1Methods:
    def test_one_that_is_not_allowed_here_is_405_and_says_what_is(self, connection: Connection) -> None:
        answer = connection.ask(request(b"DELETE /facts"))
        allowed = answer.field("allow")
        assert allowed is not None
        assert answer.status == 405
        assert {name.strip() for name in allowed.split(",")} == {"GET", "HEAD", "OPTIONS", "POST"}

    def test_one_that_is_registered_but_rare_is_405_too(self, connection: Connection) -> None:
        assert connection.ask(request(b"PROPFIND /facts")).status == 405


class TestSection9_3_2Head:
    @pytest.mark.parametrize("path", [b"/", b"/facts", b"/large", b"/nowhere"])
    def test_it_has_the_length_of_the_body_that_it_leaves_out(self, connection: Connection, path: bytes) -> None:
        got = connection.ask(request(b"GET " + path))
        answer = connection.ask(request(b"HEAD " + path))
        assert (answer.status, answer.field("content-type")) == (got.status, got.field("content-type"))
        if path != b"/facts":
            assert answer.field("content-length") == str(len(got.body))
        assert connection.ask(GET).text == "Hello, World!"

    def test_a_streamed_answer_has_no_body_either(self, connection: Connection) -> None:
        connection.send(request(b"HEAD /parts") + GET)
        assert connection.answer(head=True).status == 200
        assert connection.answer().text == "Hello, World!"


class TestSection9_3_6Connect:
    def test_it_is_off(self, connect: Connect) -> None:
        assert refused(connect, request(b"CONNECT a:80")) == 501


class TestSection9_3_7Options:
    def test_it_says_what_is_allowed(self, connection: Connection) -> None:
        answer = connection.ask(request(b"OPTIONS /"))
        assert (answer.status, answer.field("allow")) == (204, "GET, HEAD, OPTIONS")


class TestSection9_3_8Trace:
    def test_it_is_off(self, connect: Connect) -> None:
        assert refused(connect, request(b"TRACE /")) == 501


class TestSection10_1_1Expect:
    def test_a_body_that_is_read_is_asked_for(self, connection: Connection) -> None:
        connection.send(request(b"POST /echo", b"Content-Length: 5", b"Expect: 100-continue"))
        assert connection.answer().status == 100
        connection.send(b"hello")
        assert connection.answer().text == "hello"
        assert connection.ask(GET).status == 200

    def test_one_that_nobody_reads_is_not(self, connection: Connection) -> None:
        answer = connection.ask(request(b"POST /ignore", b"Content-Length: 5", b"Expect: 100-continue"))
        assert (answer.status, answer.field("connection")) == (200, "close")
        connection.socket.shutdown(1)
        assert connection.end() == b""

    def test_nor_where_the_answer_is_an_error(self, connection: Connection) -> None:
        answer = connection.ask(request(b"POST /nowhere", b"Content-Length: 5", b"Expect: 100-continue"))
        assert (answer.status, answer.field("connection")) == (404, "close")

    def test_one_that_has_come_already_needs_no_asking(self, connection: Connection) -> None:
        message = request(b"POST /echo", b"Content-Length: 5", b"Expect: 100-continue")
        assert connection.ask(message + b"hello").text == "hello"

    def test_any_other_expectation_is_417(self, connect: Connect) -> None:
        assert refused(connect, request(b"POST /echo", b"Expect: 200-maybe")) == 417
        assert refused(connect, request(b"POST /echo", b"Expect: 100-continue, x")) == 417

    def test_http_1_0_knows_none(self, connection: Connection) -> None:
        message = with_fields(b"Content-Length: 1", b"Expect: 100-continue", start=b"POST /echo HTTP/1.0")
        connection.send(message + b"a")
        assert connection.answer().text == "a"


class TestSection15_2Informational:
    def test_early_hints_come_before_the_answer(self, connection: Connection) -> None:
        connection.send(request(b"GET /early"))
        early = connection.answer()
        assert (early.status, early.fields) == (103, [("Link", "</style.css>; rel=preload")])
        assert connection.answer().text == "late"

    def test_http_1_0_gets_none(self, connection: Connection) -> None:
        assert connection.ask(b"GET /early HTTP/1.0\r\n\r\n").text == "late"


class TestSection15_3_5NoContent:
    def test_it_has_neither_body_nor_length(self, connection: Connection) -> None:
        answer = connection.ask(request(b"GET /nothing"))
        assert (answer.status, answer.field("content-length")) == (204, None)
        assert answer.field("transfer-encoding") is None
        assert connection.ask(GET).status == 200


class TestSection15_4_5NotModified:
    def test_it_has_no_body(self, connection: Connection) -> None:
        answer = connection.ask(request(b"GET /unchanged"))
        assert (answer.status, answer.field("etag")) == (304, '"1"')
        assert connection.ask(GET).status == 200


class TestSection15_5_14ContentTooLarge:
    def test_by_its_length_it_is_refused_before_it_is_read(self, connection: Connection) -> None:
        answer = connection.ask(request(b"POST /echo", b"Content-Length: 100001", b"Expect: 100-continue"))
        assert (answer.status, answer.field("connection")) == (413, "close")

    @on_sockets
    def test_in_chunks_it_is_refused_where_it_is_too_much(self, connection: Connection) -> None:
        connection.send(request(b"POST /echo", b"Transfer-Encoding: chunked"))
        connection.send((b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 4)
        answer = connection.answer()
        assert (answer.status, answer.field("connection")) == (413, "close")
        connection.socket.shutdown(1)
        assert connection.end() == b""

    def test_a_route_may_allow_more(self, connection: Connection) -> None:
        connection.send(request(b"POST /stream", b"Content-Length: 150000") + b"x" * 150_000)
        assert connection.answer().body == b"x" * 150_000


class TestStreamingBothWays:
    """A body is answered with as it comes."""

    def test_a_client_that_does_not_read_cannot_send_for_ever(self, connect: Connect) -> None:
        deaf, other = connect(), connect()
        before = json.loads(other.ask(request(b"GET /counters")).body)["bytes_in"]
        deaf.send(request(b"POST /stream", b"Content-Length: 90000000"))
        deaf.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            deaf.send(bytes(90_000_000))
        read = json.loads(other.ask(request(b"GET /counters")).body)["bytes_in"] - before
        assert read < 30_000_000, "what the sockets of both ways hold, and little more"

    def test_parts_come_back_before_the_end(self, connection: Connection) -> None:
        connection.send(request(b"POST /stream", b"Transfer-Encoding: chunked"))
        received = b""
        for part in (b"one", b"two", b"three"):
            connection.send(b"%x\r\n%s\r\n" % (len(part), part))
            while not received.endswith(part + b"\r\n"):
                received += connection.socket.recv(1000)
        connection.send(b"0\r\n\r\n")
        while not received.endswith(b"0\r\n\r\n"):
            received += connection.socket.recv(1000)
