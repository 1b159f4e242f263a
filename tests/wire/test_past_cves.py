"""What twisted.web had to mend must not come back here."""

import pytest
from tests.wire.conftest import Connect
from tests.wire.connection import GET, Connection
from tests.wire.refusals import refused, with_fields


class TestCve2024_41810:
    """A redirect put its target into a page without escaping it."""

    def test_the_target_of_a_redirect_is_not_in_a_page(self, connection: Connection) -> None:
        path = b"/elsewhere?to=https://example.com/%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
        answer = connection.ask(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer.status == 302
        assert b"<script" not in answer.body
        location = answer.field("location")
        assert location is not None
        assert location.startswith("https://example.com/")

    def test_it_cannot_forge_a_field(self, connection: Connection) -> None:
        path = b"/elsewhere?to=/%0d%0aSet-Cookie:%20a"
        answer = connection.ask(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer.field("set-cookie") is None


class TestCve2022_39348:
    """The page of a 404 showed the Host without escaping it."""

    def test_a_host_with_markup_is_refused(self, connect: Connect) -> None:
        assert refused(connect, b"GET /nowhere HTTP/1.1\r\nHost: <script>\r\n\r\n") == 400

    def test_a_404_repeats_nothing(self, connection: Connection) -> None:
        answer = connection.ask(b"GET /%3Cscript%3E?<script> HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (answer.status, answer.text) == (404, "Not Found\n")
        content_type = answer.field("content-type")
        assert content_type is not None
        assert content_type.startswith("text/plain")


class TestCve2022_24801:
    """Lengths with a sign, chunk sizes with 0x, and line feeds in chunk extensions were let through."""

    @pytest.mark.parametrize("length", [b"+3", b"-3", b"0x3"])
    def test_lengths(self, connect: Connect, length: bytes) -> None:
        assert refused(connect, with_fields(b"Content-Length: " + length) + b"abc") == 400

    @pytest.mark.parametrize("size", [b"0x3", b"+3", b"-3", b"3;\n", b"3;a\n0"])
    def test_chunk_sizes(self, connection: Connection, size: bytes) -> None:
        connection.send(with_fields(b"Transfer-Encoding: chunked") + size + b"\r\nabc\r\n0\r\n\r\n" + GET)
        assert connection.answer().status == 400
        assert connection.end() == b""


class TestCve2020_10108AndCve2020_10109:
    """Two lengths, or a length beside chunks: the first was believed."""

    def test_two_lengths(self, connect: Connect) -> None:
        assert refused(connect, with_fields(b"Content-Length: 0", b"Content-Length: 26")) == 400

    def test_a_length_beside_chunks(self, connect: Connect) -> None:
        message = with_fields(b"Content-Length: 5", b"Transfer-Encoding: chunked")
        assert refused(connect, message + b"0\r\n\r\n") == 400


class TestCve2024_41671AndCve2023_46137:
    """Pipelined requests were answered out of order, or with each other's data."""

    def test_a_body_between_two_requests(self, connection: Connection) -> None:
        post = with_fields(b"Content-Length: 5") + b"first"
        chunks = with_fields(b"Transfer-Encoding: chunked") + b"6\r\nsecond\r\n0\r\n\r\n"
        connection.send(post + GET + chunks + post)
        assert [connection.answer().text for _ in range(4)] == ["first", "Hello, World!", "second", "first"]
