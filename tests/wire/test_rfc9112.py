"""HTTP/1.1 (RFC 9112), a class for each section."""

import json

import pytest
from tests.wire.conftest import Connect, on_sockets
from tests.wire.connection import GET, Connection
from tests.wire.refusals import refused, with_fields


def chunked(body: bytes) -> bytes:
    return with_fields(b"Transfer-Encoding: chunked") + body


class TestSection2_2MessageParsing:
    @pytest.mark.parametrize(
        "message",
        [
            b"GET / HTTP/1.1\nHost: a\n\n",
            b"GET / HTTP/1.1\r\nHost: a\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: y\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n",
            b"GET / HTTP/1.1\rHost: a\r\r",
            b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ],
    )
    def test_a_bare_line_feed_or_carriage_return_is_refused(self, connect: Connect, message: bytes) -> None:
        assert refused(connect, message) == 400

    def test_one_empty_line_before_the_request_line_is_ignored(self, connection: Connection) -> None:
        assert connection.ask(b"\r\n" + GET).status == 200

    def test_more_empty_lines_are_refused(self, connect: Connect) -> None:
        assert refused(connect, b"\r\n\r\n") == 400

    @pytest.mark.parametrize("space", [b" ", b"\t", b" X: y\r\n "])
    def test_space_before_the_first_field_is_refused(self, connect: Connect, space: bytes) -> None:
        assert refused(connect, b"GET / HTTP/1.1\r\n" + space + b"Host: a\r\n\r\n") == 400

    @pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"\x00\r\n\r\n", b"\x80\r\n\r\n"])
    def test_what_is_not_http_is_refused(self, connect: Connect, garbage: bytes) -> None:
        assert refused(connect, garbage) == 400


class TestSection2_3HttpVersion:
    @pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/1.2", b"HTTP/0.9", b"HTTP/9.9"])
    def test_a_version_that_is_not_spoken_is_505(self, connect: Connect, version: bytes) -> None:
        assert refused(connect, b"GET / " + version + b"\r\nHost: a\r\n\r\n") == 505

    @pytest.mark.parametrize(
        "version", [b"http/1.1", b"HTTP/1", b"HTTP/1.", b"HTTP/1.10", b"HTTP/11", b"HTP/1.1", b"HTTP/ 1.1", b"HTTP/1,1"]
    )
    def test_a_malformed_version_is_400(self, connect: Connect, version: bytes) -> None:
        assert refused(connect, b"GET / " + version + b"\r\nHost: a\r\n\r\n") == 400

    def test_a_request_of_http_0_9_is_400(self, connect: Connect) -> None:
        assert refused(connect, b"GET /\r\n\r\n") == 400

    def test_http_1_0_is_answered_in_http_1_1(self, connection: Connection) -> None:
        answer = connection.ask(b"GET /facts HTTP/1.0\r\n\r\n")
        assert json.loads(answer.body)["version"] == "1.0"


class TestSection3RequestLine:
    @pytest.mark.parametrize(
        "line",
        [
            b"GET  / HTTP/1.1",
            b"GET /  HTTP/1.1",
            b"GET\t/ HTTP/1.1",
            b"GET / HTTP/1.1 ",
            b" GET / HTTP/1.1",
            b"GET /a b HTTP/1.1",
            b"GET HTTP/1.1",
            b"/ HTTP/1.1",
            b"GET",
        ],
    )
    def test_it_is_three_parts_and_two_spaces(self, connect: Connect, line: bytes) -> None:
        assert refused(connect, line + b"\r\nHost: a\r\n\r\n") == 400


class TestSection3_1Method:
    @pytest.mark.parametrize("method", [b"BREW", b"get", b"GETX", b"G-T"])
    def test_an_unknown_method_is_501(self, connect: Connect, method: bytes) -> None:
        assert refused(connect, method + b" / HTTP/1.1\r\nHost: a\r\n\r\n") == 501

    @pytest.mark.parametrize("method", [b"G(T", b"G\x00T", b"G\xc3\xa9T", b'"GET"', b"G:T"])
    def test_a_method_that_is_no_token_is_400(self, connect: Connect, method: bytes) -> None:
        assert refused(connect, method + b" / HTTP/1.1\r\nHost: a\r\n\r\n") == 400


class TestSection3_2RequestTarget:
    @pytest.mark.parametrize(
        "target",
        [
            b"*",
            b"relative",
            b"a:80",
            b"/a#fragment",
            b"/?a#fragment",
            b"/%00",
            b"/a%00b",
            b"/\x01",
            b"/\x7f",
            b"/\x80",
            b"/\xc3\xa9",
            b"http://",
            b"http:///path",
            b"http:/a/",
            b"ftp://a/",
            b"http://a/#fragment",
            b"http://user@a/",
            b"http://user:password@a/",
            b"http://other/",
            b"http://a:80:80/",
        ],
    )
    def test_a_malformed_target_is_refused(self, connect: Connect, target: bytes) -> None:
        assert refused(connect, b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n") == 400

    def test_origin_form(self, connection: Connection) -> None:
        facts = json.loads(connection.ask(b"GET /facts?a=%20&b HTTP/1.1\r\nHost: a:8\r\n\r\n").body)
        assert (facts["target"], facts["path"], facts["host"]) == ("/facts?a=%20&b", "/facts", "a:8")

    def test_absolute_form(self, connection: Connection) -> None:
        facts = json.loads(connection.ask(b"GET http://A:8/facts?a HTTP/1.1\r\nHost: a:8\r\n\r\n").body)
        assert (facts["path"], facts["host"].lower()) == ("/facts", "a:8")

    def test_an_absolute_form_without_a_path_means_the_root(self, connection: Connection) -> None:
        assert connection.ask(b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n").text == "Hello, World!"
        assert connection.ask(b"GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n").text == "Hello, World!"

    def test_asterisk_form_is_for_options(self, connection: Connection) -> None:
        assert connection.ask(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status == 204

    def test_authority_form_is_for_connect_which_is_off(self, connect: Connect) -> None:
        assert refused(connect, b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n") == 501


class TestSection3_2Host:
    @pytest.mark.parametrize(
        "lines",
        [
            b"",
            b"Host: a\r\nHost: a\r\n",
            b"Host: a\r\nhost: b\r\n",
            b"Host: a, b\r\n",
            b"Host: a b\r\n",
            b"Host: user@a\r\n",
            b"Host: a/b\r\n",
            b"Host: a:b\r\n",
            b"Host: a:1:2\r\n",
            b"Host: a?\r\n",
            b"Host: [::1\r\n",
            b"Host: [zz]\r\n",
            b"Host: :80\r\n",
            b"Host: \xc3\xa9\r\n",
            b"Host: %zz\r\n",
            b"Host: <script>\r\n",
        ],
    )
    def test_a_missing_doubled_or_invalid_host_is_refused(self, connect: Connect, lines: bytes) -> None:
        assert refused(connect, b"GET / HTTP/1.1\r\n" + lines + b"\r\n") == 400

    @pytest.mark.parametrize("host", [b"a", b"a.b-c:8080", b"[::1]:80", b"127.0.0.1", b""])
    def test_a_host_by_name_or_number(self, connection: Connection, host: bytes) -> None:
        facts = json.loads(connection.ask(b"GET /facts HTTP/1.1\r\nHost: " + host + b"\r\n\r\n").body)
        assert facts["host"] == host.decode()

    def test_http_1_0_may_do_without(self, connection: Connection) -> None:
        assert connection.ask(b"GET / HTTP/1.0\r\n\r\n").status == 200


class TestSection5FieldSyntax:
    @pytest.mark.parametrize(
        "line", [b": y", b"X", b"X y", b"(X): y", b"X\x00: y", b"X\xe9: y", b'"X": y', b"X@: y", b"X;: y"]
    )
    def test_an_invalid_name_is_refused(self, connect: Connect, line: bytes) -> None:
        assert refused(connect, with_fields(line)) == 400

    @pytest.mark.parametrize("byte", [b"\x00", b"\x01", b"\x0b", b"\x0c", b"\x1f", b"\x7f"])
    def test_a_control_character_in_a_value_is_refused(self, connect: Connect, byte: bytes) -> None:
        assert refused(connect, with_fields(b"X: a" + byte + b"b")) == 400

    def test_values_are_trimmed_and_lines_kept_apart(self, connection: Connection) -> None:
        lines = b"X:\t one \t\r\nX:two\r\nY:\r\nZ: \xe9\tz\r\n"
        facts = json.loads(connection.ask(b"GET /facts HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n").body)
        assert facts["headers"][1:] == [["x", "one"], ["x", "two"], ["y", ""], ["z", "\xe9\tz"]]


class TestSection5_1FieldLineParsing:
    @pytest.mark.parametrize("line", [b"X : y", b"X\t: y", b"Content-Length : 0", b"Host : a"])
    def test_space_before_the_colon_is_refused(self, connect: Connect, line: bytes) -> None:
        assert refused(connect, with_fields(line)) == 400


class TestSection5_2ObsoleteLineFolding:
    @pytest.mark.parametrize("fold", [b"X: a\r\n b", b"X: a\r\n\tb", b"X:\r\n y"])
    def test_it_is_refused(self, connect: Connect, fold: bytes) -> None:
        assert refused(connect, with_fields(fold)) == 400


class TestSection6_1TransferEncoding:
    @pytest.mark.parametrize(
        "lines",
        [
            (b"Transfer-Encoding: chunked", b"Content-Length: 0"),
            (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
            (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
            (b"Transfer-Encoding: chunked, chunked",),
            (b"Transfer-Encoding: chunked,",),
            (b"Transfer-Encoding: ,chunked",),
            (b"Transfer-Encoding:",),
            (b"Transfer-Encoding: chunked;q=1",),
            (b'Transfer-Encoding: "chunked"',),
            (b"Transfer-Encoding: \x0bchunked",),
            (b"Transfer-Encoding : chunked",),
        ],
    )
    def test_anything_but_one_chunked_alone_is_refused(self, connect: Connect, lines: tuple[bytes, ...]) -> None:
        assert refused(connect, with_fields(*lines)) == 400

    @pytest.mark.parametrize("coding", [b"gzip, chunked", b"gzip", b"identity", b"xchunked", b"chunked, identity"])
    def test_an_unknown_coding_is_501(self, connect: Connect, coding: bytes) -> None:
        assert refused(connect, with_fields(b"Transfer-Encoding: " + coding)) == 501

    def test_http_1_0_has_none(self, connect: Connect) -> None:
        message = with_fields(b"Transfer-Encoding: chunked", start=b"POST /echo HTTP/1.0")
        assert refused(connect, message) == 400

    def test_the_name_of_the_coding_has_no_case(self, connection: Connection) -> None:
        assert connection.ask(with_fields(b"transfer-encoding: Chunked") + b"1\r\na\r\n0\r\n\r\n").text == "a"


class TestSection6_2ContentLength:
    @pytest.mark.parametrize(
        "length", [b"+1", b"-1", b"0x1", b"1_0", b"01", b"00", b"1.0", b"1e1", b"", b"1 1", b"1, 1", b"a", b"9" * 30]
    )
    def test_only_plain_digits_are_a_length(self, connect: Connect, length: bytes) -> None:
        assert refused(connect, with_fields(b"Content-Length: " + length)) == 400

    @pytest.mark.parametrize(("one", "other"), [(b"1", b"1"), (b"1", b"2")])
    def test_there_is_one(self, connect: Connect, one: bytes, other: bytes) -> None:
        assert refused(connect, with_fields(b"Content-Length: " + one, b"Content-Length: " + other)) == 400


class TestSection6_3MessageBodyLength:
    def test_without_framing_there_is_no_body(self, connection: Connection) -> None:
        connection.send(with_fields() + GET)
        assert connection.answer().body == b""
        assert connection.answer().text == "Hello, World!"

    def test_a_body_ends_at_its_length(self, connection: Connection) -> None:
        connection.send(with_fields(b"Content-Length: 5") + b"hello" + GET)
        assert connection.answer().text == "hello"
        assert connection.answer().text == "Hello, World!"

    def test_a_get_may_have_one(self, connection: Connection) -> None:
        message = with_fields(b"Content-Length: 5", start=b"GET /facts HTTP/1.1")
        assert json.loads(connection.ask(message + b"hello").body)["body"] == "hello"

    def test_an_answer_without_a_known_length_is_chunked(self, connection: Connection) -> None:
        answer = connection.ask(b"GET /parts HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (answer.text, answer.field("transfer-encoding")) == ("one two", "chunked")
        assert connection.ask(GET).status == 200

    def test_for_http_1_0_it_lasts_until_the_connection_closes(self, connection: Connection) -> None:
        answer = connection.ask(b"GET /parts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert (answer.text, answer.field("transfer-encoding")) == ("one two", None)
        assert answer.field("connection") == "close"

    def test_a_large_answer(self, connection: Connection) -> None:
        answer = connection.ask(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer.body == bytes(range(256)) * 16_384


class TestSection7_1ChunkedTransferCoding:
    def test_chunks_of_any_size(self, connection: Connection) -> None:
        body = b"1\r\na\r\nA\r\n0123456789\r\n00a\r\n0123456789\r\n0\r\n\r\n"
        connection.send(chunked(body) + GET)
        assert connection.answer().text == "a01234567890123456789"
        assert connection.answer().status == 200

    def test_they_may_come_in_any_pieces(self, connection: Connection) -> None:
        for byte in chunked(b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n"):
            connection.send(bytes([byte]))
        assert connection.answer().text == "hello"

    @pytest.mark.parametrize(
        "bad",
        [
            b"-1\r\na\r\n",
            b"+1\r\na\r\n",
            b"0x1\r\na\r\n",
            b"1_0\r\na\r\n",
            b" 1\r\na\r\n",
            b"1 \r\na\r\n",
            b"\r\n",
            b"g\r\n",
            b"1\na\r\n",
            b"1\r\na\n",
            b"1\r\nab\r\n",
            b"1\r\na0\r\n",
            b"fffffffffffffffff\r\n",
            b"0\r\n\n",
            b"0\n\n",
        ],
    )
    def test_malformed_chunks_are_refused(self, connect: Connect, bad: bytes) -> None:
        assert refused_body(connect, b"1\r\na\r\n" + bad) == 400


class TestSection7_1_1ChunkExtensions:
    def test_they_are_ignored(self, connection: Connection) -> None:
        assert connection.ask(chunked(b'1;a;b=c;d="e"\r\nx\r\n0;f\r\n\r\n')).text == "x"

    @pytest.mark.parametrize("extension", [b";", b";;a", b";a;", b";a\x00", b";a\nb", b";a\x7f", b";" + b"a" * 20_000])
    def test_malformed_or_endless_ones_are_refused(self, connect: Connect, extension: bytes) -> None:
        assert refused_body(connect, b"1" + extension + b"\r\na\r\n") == 400

    def test_their_size_counts_over_the_whole_body(self, connect: Connect) -> None:
        assert refused_body(connect, (b"1;" + b"a" * 1000 + b"\r\nx\r\n") * 20) == 400


class TestSection7_1_2ChunkedTrailerSection:
    def test_fields_come_with_the_end(self, connection: Connection) -> None:
        message = with_fields(b"Transfer-Encoding: chunked", start=b"POST /facts HTTP/1.1")
        facts = json.loads(connection.ask(message + b"1\r\na\r\n0\r\nX-Sum: 1\r\nx-more:2\r\n\r\n").body)
        assert (facts["body"], facts["trailers"]) == ("a", [["x-sum", "1"], ["x-more", "2"]])

    @pytest.mark.parametrize(
        "bad", [b"X : y\r\n", b"X\r\n", b": y\r\n", b"X: y\n", b"X: \x00\r\n", b" X: y\r\n", b"X: y\r\n z\r\n"]
    )
    def test_malformed_ones_are_refused(self, connect: Connect, bad: bytes) -> None:
        assert refused_body(connect, b"0\r\n" + bad) == 400

    def test_they_are_bounded(self, connect: Connect) -> None:
        assert refused_body(connect, b"0\r\n" + b"X: y\r\n" * 101) == 400
        assert refused_body(connect, b"0\r\nX: " + b"y" * 17_000 + b"\r\n") == 400


class TestSection9_3Persistence:
    def test_a_connection_is_kept(self, connection: Connection) -> None:
        for _ in range(3):
            answer = connection.ask(GET)
            assert (answer.status, answer.field("connection")) == (200, None)

    def test_http_1_0_is_kept_where_it_is_asked_for(self, connection: Connection) -> None:
        answer = connection.ask(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
        assert answer.field("connection") == "keep-alive"
        answer = connection.ask(b"GET / HTTP/1.0\r\n\r\n")
        assert answer.field("connection") == "close"
        assert connection.end() == b""

    def test_it_is_kept_after_a_404_or_405(self, connection: Connection) -> None:
        assert connection.ask(b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n").status == 404
        assert connection.ask(b"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n").status == 405
        assert connection.ask(GET).status == 200

    @pytest.mark.parametrize(
        "body", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]
    )
    def test_it_is_kept_after_a_small_body_that_nobody_read(self, connection: Connection, body: bytes) -> None:
        connection.send(b"POST /ignore HTTP/1.1\r\nHost: a\r\n" + body + GET)
        assert connection.answer().text == "ignored"
        assert connection.answer().text == "Hello, World!"


class TestSection9_3_2Pipelining:
    def test_answers_come_in_order(self, connection: Connection) -> None:
        requests = [b"GET /facts?%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(50)]
        connection.send(b"".join(requests))
        for number in range(50):
            assert json.loads(connection.answer().body)["target"] == f"/facts?{number}"

    def test_a_quick_answer_does_not_overtake_a_slow_one(self, connect: Connect) -> None:
        """CVE-2023-46137 and CVE-2024-41671 of twisted.web."""
        slow, other = connect(), connect()
        slow.send(b"GET /held/first HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
        assert other.ask(b"POST /release/first HTTP/1.1\r\nHost: a\r\n\r\n").status == 204
        assert slow.answer().text == "first"
        assert slow.answer().text == "Hello, World!"

    def test_every_split_of_two_requests(self, connect: Connect) -> None:
        both = chunked(b"3\r\nabc\r\n0\r\n\r\n") + GET
        connection = connect()
        for split in range(1, len(both)):
            connection.send(both[:split])
            connection.send(both[split:])
            assert connection.answer().text == "abc"
            assert connection.answer().text == "Hello, World!"


class TestSection9_6TearDown:
    @pytest.mark.parametrize("option", [b"close", b"Close", b"x, close", b"close, keep-alive"])
    def test_nothing_behind_a_last_request_is_served(self, connection: Connection, option: bytes) -> None:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: " + option + b"\r\n\r\n" + GET)
        assert connection.answer().field("connection") == "close"
        assert connection.end() == b""

    def test_nothing_is_served_behind_a_last_answer(self, connection: Connection) -> None:
        connection.send(b"GET /last HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
        answer = connection.answer()
        assert (answer.text, answer.field("connection")) == ("last", "close")
        assert connection.end() == b""

    @on_sockets
    def test_a_client_that_still_sends_gets_to_read_its_answer(self, connection: Connection) -> None:
        connection.send(with_fields(b"Content-Length: 3000000"))
        for _ in range(30):
            connection.send(b"x" * 100_000)
        answer = connection.answer()
        assert (answer.status, answer.field("connection")) == (413, "close")
        assert connection.end() == b""

    @on_sockets
    def test_a_half_closed_client_gets_its_answers(self, connection: Connection) -> None:
        connection.send(GET + GET)
        connection.socket.shutdown(1)
        assert connection.answer().status == 200
        assert connection.answer().status == 200
        assert connection.end() == b""


class TestSection11_2RequestSmuggling:
    """What two servers in a row could read differently is refused by this one (CVE-2020-10108 and others)."""

    @pytest.mark.parametrize(
        "message",
        [
            with_fields(b"Content-Length: 44", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
            with_fields(b"Content-Length: 0", b"Content-Length: 44"),
            with_fields(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity") + b"0\r\n\r\n",
            with_fields(b"Transfer-Encoding:\x0bchunked") + b"0\r\n\r\n",
            with_fields(b"X: y\nTransfer-Encoding: chunked"),
            with_fields(b"X: y\rTransfer-Encoding: chunked"),
            with_fields(b"Content-Length: +0"),
            with_fields(b"Content-Length: 0\x00"),
        ],
    )
    def test_it_is_refused(self, connect: Connect, message: bytes) -> None:
        assert refused(connect, message) == 400


def refused_body(connect: Connect, body: bytes) -> int:
    """The status that a chunked body earns. Nothing behind it is served."""
    connection = connect()
    connection.send(chunked(body) + b"\r\n" + GET)
    answer = connection.answer()
    assert answer.field("connection") == "close"
    assert connection.end() == b""
    return answer.status
