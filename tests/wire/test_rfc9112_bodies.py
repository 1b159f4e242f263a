"""How long a body is (RFC 9112, section 6), a class for each section."""

import json

import pytest
from tests.wire.agreement import Accepted
from tests.wire.connection import GET, Connection
from tests.wire.refusals import Refused, with_fields

CHUNKED = b"Transfer-Encoding: chunked"


def line(start: bytes) -> bytes:
    """A request with this request line."""
    return start + b"\r\nHost: a\r\n\r\n"


def chunked(body: bytes) -> bytes:
    return with_fields(CHUNKED) + body


class TestSection6_1TransferEncoding:
    @pytest.mark.parametrize(
        "lines",
        [
            (CHUNKED, b"Content-Length: 0"),
            (CHUNKED, b"Content-Length: 5"),
            (b"Content-Length: 5", CHUNKED),
            (b"Content-Length: 5", b"Transfer-Encoding: identity"),
            (b"Content-Length: 5", b"Transfer-Encoding:"),
            (b"Content-Length:", CHUNKED),
        ],
    )
    def test_beside_a_length_it_is_refused(self, refused: Refused, lines: tuple[bytes, ...]) -> None:
        assert refused(with_fields(*lines)) == 400

    @pytest.mark.parametrize(
        "lines",
        [
            (CHUNKED, CHUNKED),
            (CHUNKED, b"transfer-encoding: CHUNKED"),
            (CHUNKED, b"Transfer-Encoding: identity"),
            (b"Transfer-Encoding: gzip", CHUNKED),
            (CHUNKED, b"Transfer-Encoding:"),
            (b"Transfer-Encoding: chunked, chunked",),
            (b"Transfer-Encoding: chunked,",),
            (b"Transfer-Encoding: ,chunked",),
            (b"Transfer-Encoding: , chunked ,",),
            (b"Transfer-Encoding: ,",),
            (b"Transfer-Encoding:",),
            (b"Transfer-Encoding: \t ",),
            (b"Transfer-Encoding: chunked;q=1",),
            (b"Transfer-Encoding: chunked;",),
            (b"Transfer-Encoding: chunked chunked",),
            (b"Transfer-Encoding: chun ked",),
            (b'Transfer-Encoding: "chunked"',),
            (b"Transfer-Encoding: \xa0chunked",),
            (b"Transfer-Encoding: chunked\x85",),
            (b"Transfer-Encoding: \xef\xbd\x83hunked",),
            (b"Transfer-Encoding: \x0bchunked",),
            (b"Transfer-Encoding: chunked\x0c",),
            (b"Transfer-Encoding: chunked\x00",),
            (b"Transfer-Encoding : chunked",),
        ],
    )
    def test_anything_but_one_chunked_is_refused(self, refused: Refused, lines: tuple[bytes, ...]) -> None:
        assert refused(with_fields(*lines) + b"0\r\n\r\n") == 400

    @pytest.mark.parametrize(
        "coding",
        [b"gzip, chunked", b"identity, chunked", b"gzip,br,Chunked", b"chunkedx, chunked", b"'chunked, chunked"],
    )
    def test_an_unknown_coding_before_chunked_is_501(self, refused: Refused, coding: bytes) -> None:
        assert refused(with_fields(b"Transfer-Encoding: " + coding) + b"0\r\n\r\n") == 501

    @pytest.mark.parametrize(
        "coding",
        [b"gzip", b"identity", b"chunked, gzip", b"chunked,identity", b"chunkedx", b"'chunked", b"chunked, x, chunked"],
    )
    def test_where_chunked_is_not_the_last_it_is_refused(self, refused: Refused, coding: bytes) -> None:
        assert refused(with_fields(b"Transfer-Encoding: " + coding) + b"0\r\n\r\n") == 400

    @pytest.mark.parametrize("lines", [(CHUNKED,), (b"Transfer-Encoding: gzip",), (CHUNKED, b"Content-Length: 5")])
    def test_http_1_0_has_none(self, refused: Refused, lines: tuple[bytes, ...]) -> None:
        for connection in (b"close", b"keep-alive"):
            head = with_fields(*lines, b"Connection: " + connection, start=b"POST /echo HTTP/1.0")
            assert refused(head + b"0\r\n\r\n") == 400

    @pytest.mark.parametrize(
        "field",
        [
            b"transfer-encoding: Chunked",
            b"TRANSFER-ENCODING:CHUNKED",
            b"Transfer-Encoding:\tchunked",
            CHUNKED + b" \t ",
        ],
    )
    def test_its_name_and_the_codings_have_no_case_and_may_stand_in_space(
        self, accepted: Accepted, field: bytes
    ) -> None:
        [response] = accepted(with_fields(field) + b"1\r\na\r\n0\r\n\r\n")
        assert response.text == "a"

    def test_a_field_of_a_similar_name_frames_nothing(self, accepted: Accepted) -> None:
        similar = (b"Transfer_Encoding: chunked", b"X-Transfer-Encoding: chunked", b"Transfer-Encodings: chunked")
        assert [response.text for response in accepted(with_fields(*similar) + GET)] == ["", "Hello, World!"]


class TestSection6_2ContentLength:
    @pytest.mark.parametrize(
        "length",
        [
            b"+1",
            b"-1",
            b"-0",
            b"0x1",
            b"0X1",
            b"1h",
            b"1_0",
            b"01",
            b"00",
            b"000",
            b"1.0",
            b"1.",
            b"1e1",
            b"",
            b" ",
            b"1 1",
            b"1\t1",
            b"1, 1",
            b"1,1",
            b"1,2",
            b"1,",
            b",1",
            b"1;",
            b'"1"',
            b"a",
            b"1\x00",
            b"1\x0b",
            b"\x0c1",
            b"1\xa0",
            b"\x851",
            b"\xd9\xa1",
            b"\xef\xbc\x91",
            b"\xb9",
            b"9223372036854775808",
            b"18446744073709551615",
            b"18446744073709551616",
            b"18446744073709551621",
            b"1" + b"0" * 40,
        ],
    )
    def test_only_plain_digits_are_one(self, refused: Refused, length: bytes) -> None:
        assert refused(with_fields(b"Content-Length: " + length) + b"abcde") == 400

    @pytest.mark.parametrize(
        "lengths",
        [(b"1", b"1"), (b"1", b"2"), (b"0", b"0"), (b"", b"1"), (b"1", b""), (b"1", b"1", b"1"), (b"1", b"a")],
    )
    def test_there_is_one(self, refused: Refused, lengths: tuple[bytes, ...]) -> None:
        lines = [b"Content-Length: " + length for length in lengths]
        assert refused(with_fields(*lines) + b"a") == 400
        assert refused(with_fields(lines[0], b"X: y", *[line.lower() for line in lines[1:]]) + b"a") == 400

    @pytest.mark.parametrize(
        "field",
        [
            b"Content-Length: 5",
            b"content-length:5",
            b"CONTENT-LENGTH:\t5",
            b"Content-Length: 5 ",
            b"Content-Length:  5\t",
        ],
    )
    def test_it_may_stand_in_space(self, accepted: Accepted, field: bytes) -> None:
        [response] = accepted(with_fields(field) + b"hello")
        assert response.text == "hello"


class TestSection6_3MessageBodyLength:
    def test_without_framing_there_is_no_body(self, accepted: Accepted) -> None:
        assert [response.text for response in accepted(with_fields() + GET)] == ["", "Hello, World!"]

    def test_a_body_ends_at_its_length(self, accepted: Accepted) -> None:
        message = with_fields(b"Content-Length: 5") + b"hello"
        assert [response.text for response in accepted(message + GET)] == ["hello", "Hello, World!"]

    def test_what_looks_like_a_request_is_a_body_all_the_same(self, accepted: Accepted) -> None:
        message = with_fields(b"Content-Length: %d" % len(GET)) + GET
        assert [response.body for response in accepted(message + GET)] == [GET, b"Hello, World!"]

    def test_a_get_may_have_one(self, accepted: Accepted) -> None:
        [response] = accepted(with_fields(b"Content-Length: 5", start=b"GET /facts HTTP/1.1") + b"hello")
        assert json.loads(response.body)["body"] == "hello"

    def test_a_response_without_a_known_length_is_chunked(self, accepted: Accepted) -> None:
        [response] = accepted(line(b"GET /parts HTTP/1.1"))
        assert (response.text, response.field("transfer-encoding")) == ("one two", "chunked")

    def test_for_http_1_0_it_lasts_until_the_connection_closes(self, connection: Connection) -> None:
        response = connection.ask(b"GET /parts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert (response.text, response.field("transfer-encoding")) == ("one two", None)
        assert response.field("connection") == "close"

    def test_a_large_response(self, connection: Connection) -> None:
        response = connection.ask(line(b"GET /large HTTP/1.1"))
        assert response.body == bytes(range(256)) * 16_384
