"""Past vulnerabilities of twisted.web, which must not occur here."""

import pytest
from tests.problems import problem
from tests.wire.agreement import Accepted
from tests.wire.books import WITNESS
from tests.wire.conftest import Connect
from tests.wire.connection import GET, Connection
from tests.wire.refusals import Refused, with_fields


class TestCve2024_41810:
    """The page of a redirect contained its target without escaping."""

    def test_the_target_of_a_redirect_is_not_in_a_page(self, connection: Connection) -> None:
        path = b"/elsewhere?to=https://example.com/%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
        response = connection.ask(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert response.status == 302
        assert b"<script" not in response.body
        location = response.field("location")
        assert location is not None
        assert location.startswith("https://example.com/")

    def test_it_cannot_forge_a_field(self, connection: Connection) -> None:
        path = b"/elsewhere?to=/%0d%0aSet-Cookie:%20a"
        response = connection.ask(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert response.field("set-cookie") is None


class TestCve2022_39348:
    """The page of a 404 contained the Host without escaping."""

    @pytest.mark.parametrize("host", [b"<script>", b"<script>alert(1)</script>", b"a<b>", b'"', b"a/<b>"])
    def test_a_host_with_markup_is_refused(self, refused: Refused, host: bytes) -> None:
        assert refused(b"GET /nowhere HTTP/1.1\r\nHost: " + host + b"\r\n\r\n") == 400

    def test_a_404_repeats_nothing(self, connection: Connection) -> None:
        request = b"GET /%3Cscript%3E?<script> HTTP/1.1\r\nHost: a\r\n"
        answer = connection.ask(request + b"\r\n")
        assert (answer.status, answer.text) == (404, problem(404))
        assert answer.field("content-type") == "application/problem+json"
        page = connection.ask(request + b"Accept: text/html\r\n\r\n")
        assert page.field("content-type") == "text/html; charset=utf-8"
        assert "script" not in page.text.lower()


class TestCve2022_24801:
    """Lengths with a sign, chunk sizes with 0x, and line feeds in chunk extensions were accepted."""

    @pytest.mark.parametrize("length", [b"+3", b"-3", b"0x3"])
    def test_lengths(self, refused: Refused, length: bytes) -> None:
        assert refused(with_fields(b"Content-Length: " + length) + b"abc") == 400

    @pytest.mark.parametrize("size", [b"0x3", b"+3", b"-3", b"3;\n", b"3;a\n0", b"3;a\nb"])
    def test_chunk_sizes(self, refused: Refused, size: bytes) -> None:
        message = with_fields(b"Transfer-Encoding: chunked") + size + b"\r\nabc\r\n0\r\n\r\n"
        assert refused(message, heads=1) == 400

    @pytest.mark.parametrize("value", [b"\x0bchunked", b"chunked\x0c", b"\xa0chunked", b"chunked\x85"])
    def test_only_space_and_tab_stand_around_a_value(self, refused: Refused, value: bytes) -> None:
        assert refused(with_fields(b"Transfer-Encoding: " + value) + b"0\r\n\r\n") == 400


class TestCve2020_10108:
    """If a message had two lengths, the first one was used."""

    @pytest.mark.parametrize("lengths", [(0, len(WITNESS)), (len(WITNESS), 0), (0, 0)])
    def test_it_is_refused(self, refused: Refused, lengths: tuple[int, int]) -> None:
        assert refused(with_fields(*[b"Content-Length: %d" % length for length in lengths])) == 400


class TestCve2020_10109:
    """Content-Length together with chunked: the length was used."""

    def test_it_is_refused(self, refused: Refused) -> None:
        length, chunks = b"Content-Length: 5", b"Transfer-Encoding: chunked"
        assert refused(with_fields(length, chunks) + b"0\r\n\r\n") == 400
        assert refused(with_fields(chunks, length) + b"0\r\n\r\n") == 400


class TestCve2019_9512AndOthersOfHttp2:
    """Floods of pings, settings and resets (also CVE-2019-9514, -9515, CVE-2023-44487): HTTP/2 is not spoken."""

    def test_its_preface_is_refused(self, refused: Refused) -> None:
        assert refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9) * 100) == 505

    def test_no_client_is_upgraded_to_it(self, accepted: Accepted) -> None:
        lines = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
        responses = accepted(with_fields(*lines, start=b"GET / HTTP/1.1") + GET)
        assert [response.status for response in responses] == [200, 200]


class TestCve2023_46137:
    """A second request in the same bytes was handled before the response to the first."""

    def test_in_the_same_bytes(self, connect: Connect) -> None:
        slow, other = connect(), connect()
        slow.send(b"GET /held/same HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
        assert other.ask(b"POST /release/same HTTP/1.1\r\nHost: a\r\n\r\n").status == 204
        assert [slow.response().text, slow.response().text] == ["same", "Hello, World!"]


class TestCve2024_41671:
    """Responses to pipelined requests were sent out of order, or mixed."""

    def test_a_body_between_two_requests(self, accepted: Accepted) -> None:
        post = with_fields(b"Content-Length: 5") + b"first"
        chunks = with_fields(b"Transfer-Encoding: chunked") + b"6\r\nsecond\r\n0\r\n\r\n"
        responses = accepted(post + GET + chunks + post)
        assert [response.text for response in responses] == ["first", "Hello, World!", "second", "first"]

    def test_the_bodies_of_slow_requests_stay_theirs(self, connect: Connect) -> None:
        slow, other = connect(), connect()
        post = with_fields(b"Content-Length: 5") + b"third"
        slow.send(b"GET /held/one HTTP/1.1\r\nHost: a\r\n\r\n" + post)
        slow.send(b"GET /held/two HTTP/1.1\r\nHost: a\r\n\r\n" + post)
        for name in (b"two", b"one"):
            assert other.ask(b"POST /release/" + name + b" HTTP/1.1\r\nHost: a\r\n\r\n").status == 204
        assert [slow.response().text for _ in range(4)] == ["one", "third", "two", "third"]


class TestSmugglingMendedIn26_10:
    """A bare CR or LF was accepted as the end of a line, or as a part of it."""

    @pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\r\n", b"\n\r\n"])
    def test_lines_of_the_head(self, refused: Refused, end: bytes) -> None:
        assert refused(b"GET / HTTP/1.1" + end + b"Host: a\r\n\r\n") == 400
        assert refused(b"GET / HTTP/1.1\r\nHost: a" + end + b"X: y\r\n\r\n") == 400
        assert refused(b"GET / HTTP/1.1\r\nX: y" + end + b"Transfer-Encoding: chunked\r\nHost: a\r\n\r\n") == 400

    @pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\r\n", b"\n\r\n"])
    def test_lines_of_chunks_and_trailers(self, refused: Refused, end: bytes) -> None:
        head = with_fields(b"Transfer-Encoding: chunked")
        assert refused(head + b"1" + end + b"a\r\n0\r\n\r\n", heads=1) == 400
        assert refused(head + b"1\r\na" + end + b"0\r\n\r\n", heads=1) == 400
        assert refused(head + b"0\r\nX: y" + end + b"Z: a\r\n\r\n", heads=1) == 400
