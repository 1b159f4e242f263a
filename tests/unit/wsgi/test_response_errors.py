"""Applications that break the rules of WSGI, or raise."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.problems import problem
from tests.unit.conftest import Log
from tests.unit.wsgi.applications import TEXT, Parts, Wrap, client, plain, responding, returning
from tests.unit.wsgi.responses import HELLO, LENGTH, begun, wait_until_quiet

from ropewalk.testing import ProtocolError
from ropewalk.wsgi import Environ, StartResponse


class TestFaults:
    """An error of an application causes a 500, and a log line that names the application."""

    @pytest.mark.parametrize(
        ("status", "headers", "code", "said"),
        [
            (200, [TEXT], "RW700", "The status is 200."),
            ("OK", [TEXT], "RW700", "The status is 'OK'."),
            ("1000 Many", [TEXT], "RW700", "The status is '1000 Many'."),
            ("100 Continue", [TEXT], "RW700", "The status is '100 Continue'."),
            ("20\u0660 OK", [TEXT], "RW700", "The status is"),
            ("200 O\nK", [TEXT], "RW304", "The reason phrase 'O\\nK' has control characters."),
            ("200 OK", (TEXT,), "RW700", "The headers are (('Content-Type', 'text/plain'),)."),
            ("200 OK", None, "RW700", "The headers are None."),
            ("200 OK", [["a", "b"]], "RW700", "['a', 'b'] is not a header."),
            ("200 OK", [("a",)], "RW700", "('a',) is not a header."),
            ("200 OK", [("a", 1)], "RW700", "('a', 1) is not a header."),
            ("200 OK", [(b"a", b"b")], "RW700", "(b'a', b'b') is not a header."),
            ("200 OK", [("a", "\u20ac")], "RW700", "The header a is not Latin-1 but '\u20ac'."),
            ("200 OK", [("a b", "c")], "RW304", "a b"),
            ("200 OK", [("a", "b\r\nc: d")], "RW304", "control characters"),
            ("200 OK", [("Content-Length", "many")], "RW700", "The Content-Length is 'many'."),
            ("200 OK", [("Content-Length", "-1")], "RW700", "The Content-Length is '-1'."),
            ("200 OK", [("Connection", "close")], "RW703", "('Connection', 'close') is a hop-by-hop header"),
            ("200 OK", [("transfer-encoding", "chunked")], "RW703", "is a hop-by-hop header"),
            ("200 OK", [("Upgrade", "x")], "RW703", "is a hop-by-hop header"),
            ("200 OK", [("Keep-Alive", "timeout=5")], "RW703", "is a hop-by-hop header"),
        ],
    )
    def test_of_the_head(self, log: Log, status: Any, headers: Any, code: str, said: str) -> None:
        def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
            start_response(status, headers)
            return [b"Hello"]

        response = client(application, wrap=plain).get("/")
        assert (response.status, response.text) == (500, problem(500))
        assert f"{code} GET /: TestFaults.test_of_the_head.<locals>.application at tests/unit/wsgi/" in log.text
        assert said in log.text

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (None, "It returned None."),
            ("Hello", "It returned 'Hello'."),
            (b"Hello", "It returned b'Hello'."),
            (7, "It returned 7."),
            (["Hello"], "A part of the body is 'Hello', not bytes."),
            ([b"Hello", "World"], "A part of the body is 'World', not bytes."),
            (iter(["Hello"]), "A part of the body is 'Hello', not bytes."),
            ([b"Hello", None], "A part of the body is None, not bytes."),
            ({"a": 1}, "A part of the body is 'a', not bytes."),
            (iter([""]), "A part of the body is '', not bytes."),
        ],
    )
    def test_of_the_body(self, log: Log, body: Any, said: str) -> None:
        assert client(returning(body), wrap=plain).get("/").status == 500
        assert "RW702 GET /: returning.<locals>.application at tests/unit/wsgi/applications.py:" in log.text
        assert f"{said} Return a list of bytes" in log.text

    @pytest.mark.parametrize("body", [[], [b"Hello"], iter([b"Hello"])])
    def test_without_a_head(self, log: Log, body: Any) -> None:
        def application(environ: Environ, start_response: StartResponse) -> Any:
            return body

        assert client(application, wrap=plain).get("/").status == 500
        assert "RW701 GET /" in log.text
        assert re.search("before it called start_response|without calling start_response", log.text)

    def test_two_heads(self, log: Log) -> None:
        def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
            start_response("200 OK", [TEXT])
            start_response("200 OK", [TEXT])
            return [b"Hello"]

        assert client(application, wrap=plain).get("/").status == 500
        assert "start_response was called twice." in log.text

    @pytest.mark.parametrize("parts", [(b"Hello",), (), (b"Hello", b", ")])
    def test_a_body_that_is_too_short(self, log: Log, parts: tuple[bytes, ...]) -> None:
        assert client(responding(*parts, headers=[TEXT, LENGTH]), wrap=plain).get("/").status == 500
        size = len(b"".join(parts))
        assert "RW303 GET /: responding.<locals>.application at" in log.text
        assert f"The body has {size} bytes, and Content-Length says 13." in log.text

    def test_a_stream_that_is_too_short(self, wrap: Wrap, log: Log) -> None:
        with pytest.raises(ProtocolError):
            begun(responding(b"Hello", headers=[TEXT, LENGTH], lazily=True), wrap)
        assert "The body has 5 bytes, and Content-Length says 13." in log.text

    def test_a_body_that_is_too_long(self, log: Log) -> None:
        application = responding(b"Hello, World! And more.", headers=[TEXT, LENGTH])
        assert client(application, wrap=plain).get("/").status == 500
        assert "RW303 GET /" in log.text
        assert "The body is longer than the 13 bytes that Content-Length says." in log.text

    def test_parts_after_the_last(self, wrap: Wrap, log: Log) -> None:
        asked = client(responding(b"Hello, World!", b"And more.", headers=[TEXT, LENGTH], lazily=True), wrap=wrap)
        assert asked.get("/").text == HELLO
        wait_until_quiet(asked)
        assert "RW303 GET /" in log.text

    def test_a_field_that_only_the_engine_refuses_in_a_stream(self, log: Log) -> None:
        application = responding(b"Hello", b"World", headers=[("a", "b\0")], lazily=True)
        assert client(application, wrap=plain).get("/").status == 500
        assert "RW304 GET /" in log.text


class TestExceptions:
    def test_before_the_head(self, wrap: Wrap, log: Log) -> None:
        def broken(environ: Environ, start_response: StartResponse) -> list[bytes]:
            raise LookupError("no such guest")

        assert client(broken, wrap=wrap).get("/x").status == 500
        if wrap is plain:
            assert "RW208 GET /x: TestExceptions.test_before_the_head.<locals>.broken at tests/unit/" in log.text
        assert "raised LookupError('no such guest')." in log.text
        assert 'raise LookupError("no such guest")' in log[0]["log_failure"].getTraceback()

    def test_before_the_first_part(self, wrap: Wrap, log: Log) -> None:
        def broken(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
            start_response("200 OK", [TEXT])
            yield b""
            raise LookupError("no such guest")

        assert client(broken, wrap=wrap).get("/").status == 500
        assert "LookupError('no such guest')" in log.text

    def test_in_the_middle(self, wrap: Wrap, log: Log) -> None:
        def broken(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
            start_response("200 OK", [TEXT])
            yield b"Hello"
            raise LookupError("no such guest")

        with pytest.raises(ProtocolError):
            begun(broken, wrap)
        assert "LookupError('no such guest')" in log.text

    def test_at_the_end(self, wrap: Wrap, log: Log) -> None:
        def fail() -> None:
            body.closed.set()
            raise LookupError("no such guest")

        body = Parts([b"Hello, World!"], fail)
        asked = client(returning(body, headers=[TEXT, LENGTH]), wrap=wrap)
        assert asked.get("/").text == HELLO
        wait_until_quiet(asked)
        assert "RW208 GET /" in log.text
        assert "LookupError('no such guest') was raised after the response." in log.text

    @pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
    def test_of_every_kind(self, log: Log, error: BaseException) -> None:
        def broken(environ: Environ, start_response: StartResponse) -> list[bytes]:
            raise error

        asked = client(broken, wrap=plain)
        assert [asked.get("/").status for _ in range(3)] == [500] * 3
        assert type(error).__name__ in log.text

    def test_of_an_iterable_that_cannot_be_iterated(self, log: Log) -> None:
        class Broken:
            def __iter__(self) -> Iterator[bytes]:
                raise TypeError("not today")

        assert client(returning(Broken()), wrap=plain).get("/").status == 500
        assert "RW208 GET /" in log.text
        assert "TypeError('not today')" in log.text
