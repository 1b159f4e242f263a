"""The strict parser of responses."""

import pytest

from ropewalk.testing.protocol_error import ProtocolError
from ropewalk.testing.response_parser import ResponseParser


def read(data: bytes, method: str = "GET", *, end: bool = False, step: int = 1) -> ResponseParser:
    """A parser that was given the bytes one by one."""
    parser = ResponseParser(method)
    for start in range(0, len(data), step):
        parser.feed(data[start : start + step])
    if end:
        parser.end()
    return parser


class TestFraming:
    """Where the parser finds the end of a body (RFC 9112, section 6.3)."""

    @pytest.mark.parametrize("step", [1, 3, 1000])
    @pytest.mark.parametrize(
        ("data", "body"),
        [
            (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
                b"abc0123456789",
            ),
        ],
    )
    def test_complete(self, data: bytes, body: bytes, step: int) -> None:
        parser = read(data, step=step)
        assert parser.done
        assert b"".join(parser.parts) == body
        assert parser.rest == b""

    def test_until_the_close(self) -> None:
        parser = read(b"HTTP/1.0 200 OK\r\n\r\nabc", end=True)
        assert parser.done
        assert b"".join(parser.parts) == b"abc"

    @pytest.mark.parametrize("status", [204, 304])
    def test_without_a_body(self, status: int) -> None:
        assert read(b"HTTP/1.1 %d X\r\nContent-Length: 3\r\n\r\n" % status).done
        assert read(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD").done

    def test_trailers(self) -> None:
        parser = read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\n\r\n")
        assert parser.response.trailers["x-sum"] == "1"

    def test_what_follows(self) -> None:
        assert read(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc").rest == b"bc"

    def test_interim_responses(self) -> None:
        parser = read(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert parser.response.status == 200
        assert [status for status, _ in parser.response.interim] == [100]


class TestRefused:
    @pytest.mark.parametrize(
        "data",
        [
            b"HTTP/2 200 OK\r\n\r\n",
            b"HTTP/1.1 999 No\r\n\r\n",
            b"HTTP/1.1 200\r\n\r\n",
            b"HTTP/1.1 200 OK\nX: y\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nName : x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n folded\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
            b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        ],
    )
    def test_what_breaks_a_rule(self, data: bytes) -> None:
        with pytest.raises(ProtocolError):
            read(data)

    @pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"])
    def test_what_is_cut_off(self, data: bytes) -> None:
        with pytest.raises(ProtocolError):
            read(data, end=True)
