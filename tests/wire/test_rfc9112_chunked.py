"""The chunked transfer coding (RFC 9112, section 7), a class for each section."""

import json

import pytest
from tests.wire.agreement import Accepted
from tests.wire.books import WITNESS, Books
from tests.wire.connection import GET, Connection
from tests.wire.refusals import Refused, with_fields

CONTROLS = [bytes([byte]) for byte in (*range(0x20), 0x7F) if byte != 0x09]

CHUNKED = b"Transfer-Encoding: chunked"


def chunked(body: bytes) -> bytes:
    return with_fields(CHUNKED) + body


def with_everywhere(byte: bytes, head: bytes) -> list[bytes]:
    """The head with a byte inserted at each place.

    A second end of a head follows, in case the byte damages the first one.
    """
    messages = [head[:at] + byte + head[at:] + b"\r\n\r\n" for at in range(len(head))]
    return [message for message in messages if not message.startswith(head)]


class TestSection7_1ChunkedTransferCoding:
    def test_chunks_of_any_size(self, accepted: Accepted) -> None:
        body = b"1\r\na\r\nA\r\n0123456789\r\n00a\r\n0123456789\r\n0\r\n\r\n"
        assert [response.text for response in accepted(chunked(body) + GET)] == [
            "a01234567890123456789",
            "Hello, World!",
        ]

    @pytest.mark.parametrize("size", [b"a", b"A", b"0a", b"00000000000000a"])
    def test_sizes_have_no_case_and_may_have_zeros_before_them(self, accepted: Accepted, size: bytes) -> None:
        [response] = accepted(chunked(size + b"\r\n0123456789\r\n" + b"0" * len(size) + b"\r\n\r\n"))
        assert response.text == "0123456789"

    def test_data_may_look_like_the_end(self, accepted: Accepted) -> None:
        data = b"\r\n0\r\n\r\n" + GET
        [response] = accepted(chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)))
        assert response.body == data

    @pytest.mark.parametrize(
        "size",
        [
            b"",
            b"-1",
            b"+1",
            b"-0",
            b"0x1",
            b"0X1",
            b"x1",
            b"1h",
            b"1L",
            b"g",
            b"1_0",
            b"1.0",
            b"1,1",
            b" 1",
            b"\t1",
            b"1 ",
            b"1\t",
            b"1 1",
            b"1 ;a",
            b"1\x00",
            b"\x001",
            b"1\x0b",
            b"1\x0c",
            b"1\xa0",
            b"\xef\xbc\x91",
            b"\xb9",
            b'"1"',
            b"1\r",
            b"1\n",
            b"\r1",
            b"\n1",
        ],
    )
    def test_a_size_is_hexadecimal_digits(self, refused: Refused, size: bytes) -> None:
        assert refused(chunked(size + b"\r\na\r\n0\r\n\r\n"), heads=1) == 400
        assert refused(chunked(b"1\r\na\r\n" + size + b"\r\na\r\n0\r\n\r\n"), heads=1) == 400

    @pytest.mark.parametrize(
        "size",
        [
            b"1000000000000000",
            b"8000000000000000",
            b"ffffffffffffffff",
            b"10000000000000000",
            b"10000000000000001",
            b"fffffffffffffffff",
            b"0" * 15 + b"1",
            b"0" * 16,
            b"0" * 5000,
            b"1" + b"0" * 64,
        ],
    )
    def test_a_size_of_more_than_15_digits_is_refused(self, refused: Refused, size: bytes) -> None:
        assert refused(chunked(size + b"\r\na\r\n0\r\n\r\n"), heads=1) == 400

    @pytest.mark.parametrize(
        "body",
        [
            b"1\na\r\n0\r\n\r\n",
            b"1\ra\r\n0\r\n\r\n",
            b"1\n\ra\r\n0\r\n\r\n",
            b"1\r\r\na\r\n0\r\n\r\n",
            b"1\r\na\n0\r\n\r\n",
            b"1\r\na\r0\r\n\r\n",
            b"1\r\na\n\r0\r\n\r\n",
            b"1\r\na\r\r\n0\r\n\r\n",
            b"1\r\na0\r\n\r\n",
            b"1\r\nab\r\n0\r\n\r\n",
            b"2\r\na\r\n0\r\n\r\n",
            b"1\r\n\r\na\r\n0\r\n\r\n",
            b"1\r\na\r\n\r\n0\r\n\r\n",
            b"0\n\n",
            b"0\r\r\n\r\n",
            b"0\r\n\n",
            b"0\r\n\r\r\n\r\n",
        ],
    )
    def test_its_lines_and_data_end_with_cr_lf(self, refused: Refused, body: bytes) -> None:
        assert refused(chunked(body), heads=1) == 400

    @pytest.mark.parametrize("byte", [b"\n", b"\r", b"\x00", b"\x0b", b"\x0c", b"\x1f", b"\x7f", b"\x80"])
    def test_a_byte_too_many_is_refused_wherever_it_stands(self, refused: Refused, byte: bytes) -> None:
        messages = with_everywhere(byte, b"1;a=b\r\nx\r\n0\r\nX:\r\n\r\n")
        in_the_value = b"X:" + byte + b"\r"
        bad = [chunked(message) for message in messages if byte != b"\x80" or in_the_value not in message]
        assert refused.all(bad, heads=1) == 400

    @pytest.mark.parametrize("path", [b"/echo", b"/gather", b"/stream", b"/facts"])
    def test_bad_chunks_are_refused_for_every_reader(self, refused: Refused, path: bytes) -> None:
        head = with_fields(CHUNKED, start=b"POST " + path + b" HTTP/1.1")
        assert refused(head + b"zz\r\n\r\n0\r\n\r\n", heads=1) == 400

    def test_unread_bad_chunks_end_the_connection(self, connection: Connection, books: Books) -> None:
        books.entry()
        connection.send(with_fields(CHUNKED, start=b"POST /nowhere HTTP/1.1") + b"zz\r\n\r\n0\r\n\r\n" + WITNESS)
        assert connection.response().status == 404
        assert connection.end() == b""
        entry = books.entry()
        assert (entry.requests, entry.refused, entry.witnessed, len(entry.log)) == (1, 1, 0, 1)

    def test_bad_chunks_after_the_head_of_a_response_cut_it(self, connection: Connection, books: Books) -> None:
        books.entry()
        connection.send(with_fields(CHUNKED, start=b"POST /stream HTTP/1.1") + b"1\r\na\r\n")
        received = b""
        while not received.endswith(b"1\r\na\r\n"):
            received += connection.socket.recv(1000)
        connection.send(b"zz\r\n\r\n0\r\n\r\n" + WITNESS)
        assert connection.remains() == b"", "it has no end that could be taken for one"
        entry = books.entry()
        assert (entry.requests, entry.refused, entry.witnessed) == (1, 1, 0)
        [logged] = entry.log
        assert logged.startswith(f"debug RW510 127.0.0.1:{connection.port}: 400 ")

    def test_bad_chunks_after_a_whole_response_end_the_connection(self, connection: Connection, books: Books) -> None:
        books.entry()
        connection.send(with_fields(CHUNKED, start=b"POST /ignore HTTP/1.1"))
        assert connection.response().text == "ignored"
        connection.send(b"zz\r\n\r\n0\r\n\r\n" + WITNESS)
        assert connection.end() == b""
        entry = books.entry()
        assert (entry.requests, entry.refused, entry.witnessed) == (1, 1, 0)
        [logged] = entry.log
        assert logged.startswith(f"debug RW510 127.0.0.1:{connection.port}: 400 ")


class TestSection7_1_1ChunkExtensions:
    def test_they_are_ignored(self, accepted: Accepted) -> None:
        extensions = b';a;b=c; d = "e;\\"\\\\ \xff" ; f'
        [response] = accepted(chunked(b"1" + extensions + b"\r\nx\r\n0" + extensions + b"\r\n\r\n"))
        assert response.text == "x"

    @pytest.mark.parametrize(
        "extension",
        [
            b";",
            b"; ",
            b";\t",
            b";;",
            b";;a",
            b";a;",
            b";a;;b",
            b"; ;a",
            b';a="b',
            b';a=b"c',
            b';a="b"c',
            b';a="b\\"',
            b';a="\r\n"',
            b';"a"',
            b";a=",
            b";a=;b",
            b";=",
            b";=b",
            b";a=b=c",
            b";a b",
            b";a=b c",
            b";\xff",
            b";a=\xff",
            b";a\r",
            b";\ra",
            b";\n",
        ],
    )
    def test_malformed_ones_are_refused(self, refused: Refused, extension: bytes) -> None:
        assert refused(chunked(b"1" + extension + b"\r\na\r\n0\r\n\r\n"), heads=1) == 400
        assert refused(chunked(b"1\r\na\r\n0" + extension + b"\r\n\r\n"), heads=1) == 400

    def test_control_characters_in_them_are_refused(self, refused: Refused) -> None:
        sizes = [b"1;" + byte + b"a" for byte in CONTROLS] + [b"1;a" + byte + b"b" for byte in CONTROLS]
        assert refused.all([chunked(size + b"\r\na\r\n0\r\n\r\n") for size in sizes], heads=1) == 400

    @pytest.mark.parametrize("each", [1, 1000, 16 * 1024])
    def test_16_kib_of_them_are_taken_in_a_body(self, connection: Connection, each: int) -> None:
        count = 16 * 1024 // each
        chunks = (b"1;" + b"a" * each + b"\r\nx\r\n") * count
        assert connection.ask(chunked(chunks + b"0\r\n\r\n")).text == "x" * count
        assert connection.ask(GET).status == 200

    @pytest.mark.parametrize("each", [1, 1000, 16 * 1024 + 1])
    def test_more_are_refused(self, refused: Refused, each: int) -> None:
        chunks = (b"1;" + b"a" * each + b"\r\nx\r\n") * (16 * 1024 // each + 1)
        assert refused.all([chunked(chunks + b"0\r\n\r\n")], heads=1) == 400


class TestSection7_1_2ChunkedTrailerSection:
    def test_fields_come_with_the_end(self, accepted: Accepted) -> None:
        head = with_fields(CHUNKED, start=b"POST /facts HTTP/1.1")
        [response] = accepted(head + b"1\r\na\r\n0\r\nX-Sum: 1\r\nx-more:\t2 \r\n\r\n")
        facts = json.loads(response.body)
        assert (facts["body"], facts["trailers"]) == ("a", [["x-sum", "1"], ["x-more", "2"]])

    @pytest.mark.parametrize(
        "bad",
        [
            b"X : y",
            b"X",
            b": y",
            b" X: y",
            b"\tX: y",
            b"X: y\n",
            b"X: y\r",
            b"X: y\nZ: a",
            b"X: y\rZ: a",
            b"X:\ry",
            b"X: y\r\n z",
            b"X: y\r\n\tz",
            b" ",
            b"GET / HTTP/1.1",
        ],
    )
    def test_malformed_ones_are_refused(self, refused: Refused, bad: bytes) -> None:
        assert refused(chunked(b"0\r\n" + bad + b"\r\n\r\n"), heads=1) == 400

    def test_control_characters_in_them_are_refused(self, refused: Refused) -> None:
        for bad in (b"X: %sy", b"X: y%s", b"X:%s", b"X%s: y", b"%sX: y"):
            assert refused.all([chunked(b"0\r\n" + bad % byte + b"\r\n\r\n") for byte in CONTROLS], heads=1) == 400

    def test_up_to_100_are_taken(self, accepted: Accepted, refused: Refused) -> None:
        [response] = accepted(chunked(b"0\r\n" + b"X: y\r\n" * 100 + b"\r\n"))
        assert response.status == 200
        assert refused(chunked(b"0\r\n" + b"X: y\r\n" * 101 + b"\r\n"), heads=1) == 400

    def test_up_to_16_kib_are_taken(self, accepted: Accepted, refused: Refused) -> None:
        longest = b"X: " + b"y" * (16 * 1024 - 7) + b"\r\n\r\n"
        [response] = accepted(chunked(b"0\r\n" + longest))
        assert response.status == 200
        assert refused(chunked(b"0\r\n" + longest.replace(b"X", b"XX")), heads=1) == 400
