"""HTTP semantics (RFC 9110), a class for each section."""

import json
import time
from email.utils import parsedate_to_datetime

import pytest
from tests.wire.agreement import Accepted
from tests.wire.books import WITNESS, Books
from tests.wire.conftest import Connect
from tests.wire.connection import GET, Connection
from tests.wire.refusals import Refused, with_fields


def request(start: bytes, *lines: bytes) -> bytes:
    return with_fields(*lines, start=start + b" HTTP/1.1")


class TestSection5_5FieldValues:
    def test_a_forged_value_of_a_handler_stays_off_the_wire(self, connection: Connection) -> None:
        response = connection.ask(request(b"GET /forged"))
        assert response.status == 500
        assert response.field("set-cookie") is None
        assert connection.ask(GET).status == 200


class TestSection6_4_1ContentSemantics:
    """Responses to HEAD, and 1xx, 204 and 304, have no body: the next response follows their head at once."""

    @pytest.mark.parametrize("path", [b"/", b"/facts", b"/large", b"/parts", b"/nowhere", b"/forged", b"/nothing"])
    def test_head(self, connection: Connection, path: bytes) -> None:
        connection.send(request(b"HEAD " + path) + GET)
        connection.response(head=True)
        assert connection.response().text == "Hello, World!"

    def test_head_that_is_refused(self, connection: Connection) -> None:
        connection.send(request(b"HEAD /", b"X : y") + GET)
        response = connection.response(head=True)
        assert (response.status, response.field("connection")) == (400, "close")
        assert int(response.field("content-length") or 0) > 0
        assert connection.end() == b""

    @pytest.mark.parametrize(("path", "status"), [(b"/nothing", 204), (b"/unchanged", 304)])
    def test_204_and_304(self, accepted: Accepted, path: bytes, status: int) -> None:
        bodiless, response = accepted(request(b"GET " + path) + GET)
        assert (bodiless.status, bodiless.field("content-length")) == (status, None)
        assert bodiless.field("transfer-encoding") is None
        assert response.text == "Hello, World!"

    def test_1xx(self, accepted: Accepted) -> None:
        early, response = accepted(request(b"GET /early"))
        assert (early.status, early.field("content-length")) == (103, None)
        assert response.text == "late"


class TestSection6_5_1LimitationsOnUseOfTrailers:
    FRAMING = (
        b"Content-Length Transfer-Encoding Trailer Content-Encoding Content-Type Content-Range Connection Upgrade TE"
    )
    ROUTING = b"Host Forwarded X-Forwarded-For X-Forwarded-Host Max-Forwards Expect Range Cache-Control Keep-Alive"
    AUTHENTICATION = b"Authorization Proxy-Authorization Proxy-Authenticate WWW-Authenticate Cookie Set-Cookie"

    @pytest.mark.parametrize("names", [FRAMING, ROUTING, AUTHENTICATION])
    def test_framing_routing_and_authentication_are_dropped(self, accepted: Accepted, names: bytes) -> None:
        lines = [name + b": 1" for name in (*names.split(), *names.lower().split(), *names.upper().split())]
        body = b"1\r\na\r\n0\r\n" + b"\r\n".join(lines) + b"\r\nX: y\r\n\r\n"
        [response] = accepted(request(b"POST /facts", b"Transfer-Encoding: chunked") + body)
        facts = json.loads(response.body)
        assert (facts["trailers"], facts["body"]) == ([["x", "y"]], "a")
        assert [name for name, _ in facts["headers"]] == ["host", "transfer-encoding"]


class TestSection6_6_1Date:
    def test_every_response_has_the_time(self, connection: Connection) -> None:
        date = connection.ask(GET).field("date")
        assert date is not None
        assert abs(parsedate_to_datetime(date).timestamp() - time.time()) < 5


class TestSection7_6_1Connection:
    @pytest.mark.parametrize("lines", [(b"Connection: close",), (b"Connection: x", b"Connection: close")])
    def test_close_is_found_in_every_line(self, connection: Connection, lines: tuple[bytes, ...]) -> None:
        assert connection.ask(request(b"GET /", *lines)).field("connection") == "close"
        assert connection.end() == b""

    def test_unknown_options_do_nothing(self, accepted: Accepted) -> None:
        [response] = accepted(request(b"GET /", b"Connection: x-hop, , closed"))
        assert response.field("connection") is None

    def test_options_do_not_take_fields_away(self, accepted: Accepted) -> None:
        lines = (b"Connection: content-length, host, x", b"Content-Length: 1", b"X: y")
        [response] = accepted(request(b"POST /facts", *lines) + b"a")
        facts = json.loads(response.body)
        assert (facts["body"], facts["host"]) == ("a", "a")


class TestSection7_8Upgrade:
    @pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0"])
    def test_an_unsupported_upgrade_is_ignored(self, accepted: Accepted, protocol: bytes) -> None:
        responses = accepted(request(b"GET /", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: " + protocol) + GET)
        assert [(response.status, response.field("upgrade")) for response in responses] == [(200, None)] * 2


class TestSection8_6ContentLength:
    def test_a_response_has_one(self, connection: Connection) -> None:
        assert connection.ask(GET).field("content-length") == "13"

    def test_a_request_of_length_0_has_an_empty_body(self, accepted: Accepted) -> None:
        [response] = accepted(request(b"POST /facts", b"Content-Length: 0"))
        facts = json.loads(response.body)
        assert (facts["length"], facts["body"]) == (0, "")


class TestSection9_1Methods:
    def test_one_that_is_not_allowed_here_is_405_and_says_what_is(self, accepted: Accepted) -> None:
        [response] = accepted(request(b"DELETE /facts"))
        allowed = response.field("allow")
        assert allowed is not None
        assert response.status == 405
        assert {name.strip() for name in allowed.split(",")} == {"GET", "HEAD", "OPTIONS", "POST"}

    @pytest.mark.parametrize("method", [b"PUT", b"PATCH", b"PROPFIND", b"VERSION-CONTROL"])
    def test_one_that_is_registered_but_rare_is_405_too(self, accepted: Accepted, method: bytes) -> None:
        [response] = accepted(request(method + b" /facts"))
        assert response.status == 405

    def test_one_that_is_not_known_is_501_wherever_it_goes(self, refused: Refused) -> None:
        assert refused(request(b"BREW /facts")) == 501
        assert refused(request(b"BREW /nowhere")) == 501


class TestSection9_3_2Head:
    @pytest.mark.parametrize("path", [b"/", b"/facts", b"/large", b"/nowhere"])
    def test_it_has_the_length_of_the_body_that_it_leaves_out(self, connection: Connection, path: bytes) -> None:
        got = connection.ask(request(b"GET " + path))
        response = connection.ask(request(b"HEAD " + path))
        assert (response.status, response.field("content-type")) == (got.status, got.field("content-type"))
        assert path == b"/facts" or response.field("content-length") == str(len(got.body))
        assert connection.ask(GET).text == "Hello, World!"

    def test_a_streamed_response_has_no_body_either(self, connection: Connection) -> None:
        connection.send(request(b"HEAD /parts") + GET)
        assert connection.response(head=True).status == 200
        assert connection.response().text == "Hello, World!"


class TestSection9_3_6Connect:
    def test_it_is_off(self, refused: Refused) -> None:
        assert refused(with_fields(b"Content-Length: 5", start=b"CONNECT a:80 HTTP/1.1", host=b"Host: a:80")) == 501


class TestSection9_3_7Options:
    def test_it_says_what_is_allowed(self, accepted: Accepted) -> None:
        [response] = accepted(request(b"OPTIONS /"))
        assert (response.status, response.field("allow")) == (204, "GET, HEAD, OPTIONS")


class TestSection9_3_8Trace:
    @pytest.mark.parametrize("lines", [(), (b"Content-Length: 0",), (b"Max-Forwards: 0",)])
    def test_it_is_off(self, refused: Refused, lines: tuple[bytes, ...]) -> None:
        assert refused(request(b"TRACE /", *lines)) == 501


class TestSection10_1_1Expect:
    def test_a_body_that_is_read_is_asked_for(self, connection: Connection) -> None:
        connection.send(request(b"POST /echo", b"Content-Length: 5", b"Expect: 100-continue"))
        assert connection.response().status == 100
        connection.send(b"hello")
        assert connection.response().text == "hello"
        assert connection.ask(GET).status == 200

    def test_one_that_is_malformed_then_is_refused(self, connection: Connection, books: Books) -> None:
        books.entry()
        connection.send(request(b"POST /echo", b"Transfer-Encoding: chunked", b"Expect: 100-continue"))
        assert connection.response().status == 100
        connection.send(b"zz\r\n" + WITNESS)
        response = connection.response()
        assert (response.status, response.field("connection")) == (400, "close")
        entry = books.entry()
        assert (entry.requests, entry.refused, entry.witnessed, len(entry.log)) == (1, 1, 0, 1)

    def test_an_unread_one_is_not(self, connection: Connection) -> None:
        response = connection.ask(request(b"POST /ignore", b"Content-Length: 5", b"Expect: 100-continue"))
        assert (response.status, response.field("connection")) == (200, "close")
        connection.socket.shutdown(1)
        assert connection.end() == b""

    def test_nor_where_the_response_is_an_error(self, connection: Connection) -> None:
        response = connection.ask(request(b"POST /nowhere", b"Content-Length: 5", b"Expect: 100-continue"))
        assert (response.status, response.field("connection")) == (404, "close")

    def test_one_that_has_come_already_needs_no_asking(self, connection: Connection) -> None:
        message = request(b"POST /echo", b"Content-Length: 5", b"Expect: 100-continue")
        assert connection.ask(message + b"hello").text == "hello"

    def test_what_follows_one_that_was_not_asked_for_is_never_parsed(
        self, connection: Connection, books: Books
    ) -> None:
        books.entry()
        connection.send(request(b"POST /ignore", b"Content-Length: 5", b"Expect: 100-continue") + WITNESS)
        response = connection.response()
        assert (response.status, response.field("connection")) == (200, "close")
        assert connection.end() == b""
        entry = books.entry()
        assert (entry.requests, entry.witnessed) == (1, 0)

    @pytest.mark.parametrize(
        "expectation",
        [
            b"",
            b"100",
            b"100-continues",
            b"200-maybe",
            b"100-continue, x",
            b"100-continue, 100-continue",
            b"100-continue;q=1",
            b'"100-continue"',
            b"\xa0100-continue",
        ],
    )
    def test_any_other_expectation_is_417(self, refused: Refused, expectation: bytes) -> None:
        assert refused(request(b"POST /echo", b"Content-Length: 5", b"Expect: " + expectation)) == 417
        assert refused(request(b"POST /echo", b"Expect: 100-continue", b"Expect: " + expectation)) == 417

    def test_a_body_over_the_limit_is_not_asked_for(self, refused: Refused) -> None:
        message = request(b"POST /echo", b"Content-Length: 100001", b"Expect: 100-continue")
        assert refused(message, heads=1) == 413

    def test_http_1_0_knows_none(self, connection: Connection) -> None:
        message = with_fields(b"Content-Length: 1", b"Expect: 100-continue", start=b"POST /echo HTTP/1.0")
        connection.send(message + b"a")
        assert connection.response().text == "a"


class TestSection15_2Informational:
    def test_early_hints_come_before_the_response(self, connection: Connection) -> None:
        connection.send(request(b"GET /early"))
        early = connection.response()
        assert (early.status, early.fields) == (103, [("Link", "</style.css>; rel=preload")])
        assert connection.response().text == "late"

    def test_http_1_0_gets_none(self, connection: Connection) -> None:
        assert connection.ask(b"GET /early HTTP/1.0\r\n\r\n").text == "late"


class TestSection15_5_14ContentTooLarge:
    @pytest.mark.parametrize("length", [b"100001", b"9" * 18])
    def test_by_its_length_it_is_refused_before_it_is_read(self, refused: Refused, length: bytes) -> None:
        assert refused(request(b"POST /echo", b"Content-Length: " + length), heads=1) == 413

    def test_in_chunks_it_is_refused_where_it_is_too_much(self, refused: Refused) -> None:
        chunks = (b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 3 + b"6a1\r\n" + b"x" * 0x6A1
        assert refused.all([request(b"POST /echo", b"Transfer-Encoding: chunked") + chunks], heads=1) == 413

    def test_a_route_may_allow_more(self, connection: Connection) -> None:
        connection.send(request(b"POST /stream", b"Content-Length: 150000") + b"x" * 150_000)
        assert connection.response().body == b"x" * 150_000


class TestStreamingBothWays:
    """A response can echo a body while it arrives."""

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
