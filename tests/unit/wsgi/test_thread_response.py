"""Responses of applications, and what reaches the client."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.wsgi.applications import (
    SECONDS,
    TEXT,
    Parts,
    Wrap,
    client,
    plain,
    responding,
    returning,
    validated,
)

from ropewalk.errors import Disconnected
from ropewalk.testing import AsyncClient, ProtocolError
from ropewalk.wsgi import Application, Environ, StartResponse, thread_response, wsgi

HELLO = "Hello, World!"
LENGTH = ("Content-Length", "13")

BODIES: dict[str, tuple[bytes, ...]] = {
    "one part": (b"Hello, World!",),
    "several parts": (b"Hello", b", ", b"World!"),
    "an empty one among them": (b"", b"Hello, ", b"", b"World!", b""),
}


@pytest.fixture(params=[plain, validated])
def wrap(request: pytest.FixtureRequest) -> Wrap:
    """An application as it is, and one whose manners are watched."""
    return request.param  # type: ignore[no-any-return] # one of those above


class TestBody:
    @pytest.mark.parametrize("parts", BODIES.values(), ids=BODIES)
    @pytest.mark.parametrize("lazily", [False, True], ids=["list", "generator"])
    @pytest.mark.parametrize("headers", [[TEXT], [TEXT, LENGTH]], ids=["unsized", "sized"])
    def test_of_any_shape(
        self, wrap: Wrap, parts: tuple[bytes, ...], headers: list[tuple[str, str]], *, lazily: bool
    ) -> None:
        response = client(responding(*parts, headers=headers, lazily=lazily), wrap=wrap).get("/")
        assert (response.status, response.text) == (200, HELLO)
        assert response.headers["content-type"] == "text/plain"

    @pytest.mark.parametrize("parts", [(), (b"",)])
    @pytest.mark.parametrize("lazily", [False, True])
    def test_empty(self, wrap: Wrap, parts: tuple[bytes, ...], *, lazily: bool) -> None:
        response = client(responding(*parts, lazily=lazily), wrap=wrap).get("/")
        assert (response.status, response.body, response.headers["content-length"]) == (200, b"", "0")

    @pytest.mark.parametrize("body", [[b"Hello, ", b"World!"], (b"Hello, World!",)])
    def test_what_is_there_at_once_leaves_in_one_piece(self, body: Any) -> None:
        response = client(returning(body), wrap=plain).get("/")
        assert (response.text, response.headers["content-length"]) == (HELLO, "13")

    def test_so_does_what_is_as_long_as_it_was_to_be(self) -> None:
        response = client(responding(b"Hello, World!", headers=[TEXT, LENGTH], lazily=True)).get("/")
        assert (response.text, response.headers["content-length"]) == (HELLO, "13")

    def test_of_an_object_that_is_only_indexed(self) -> None:
        class Old:
            def __getitem__(self, index: int) -> bytes:
                return [b"Hello, ", b"World!"][index]

        assert client(returning(Old()), wrap=plain).get("/").text == HELLO

    def test_written(self, wrap: Wrap) -> None:
        def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
            write = start_response("200 OK", [TEXT])
            write(b"Hello")
            write(b", ")
            return [b"World!"]

        assert client(application, wrap=wrap).get("/").text == HELLO

    def test_written_in_full(self, wrap: Wrap) -> None:
        def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
            start_response("200 OK", [TEXT, LENGTH])(b"Hello, World!")
            return []

        assert client(application, wrap=wrap).get("/").text == HELLO

    def test_from_what_was_sent(self, wrap: Wrap) -> None:
        def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
            start_response("200 OK", [TEXT])
            while part := environ["wsgi.input"].read(1000):
                yield part.upper()

        body = b"rope" * 100_000
        assert client(application, wrap=wrap).post("/", body=body).body == body.upper()

    def test_large(self, wrap: Wrap) -> None:
        parts = [bytes([number]) * 100_000 for number in range(50)]
        assert client(responding(*parts, lazily=True), wrap=wrap).get("/").body == b"".join(parts)
        assert client(responding(*parts), wrap=wrap).get("/").body == b"".join(parts)

    def test_many_responses(self, wrap: Wrap) -> None:
        asked = client(responding(b"Hello, ", b"World!", lazily=True), wrap=wrap)
        assert [asked.get("/").text for _ in range(300)] == [HELLO] * 300


class TestHead:
    def test_status_and_reason(self, wrap: Wrap) -> None:
        response = client(responding(b"", status="404 Nobody Here"), wrap=wrap).get("/")
        assert (response.status, response.reason) == (404, "Nobody Here")

    def test_lines_of_one_name_stay_apart_and_in_order(self, wrap: Wrap) -> None:
        headers = [TEXT, ("Set-Cookie", "a=1"), ("X-Other", "x"), ("Set-Cookie", "b=2")]
        response = client(responding(b"", headers=headers), wrap=wrap).get("/")
        assert response.headers.all("set-cookie") == ["a=1", "b=2"]

    @pytest.mark.parametrize("lazily", [False, True])
    def test_nothing_is_added(self, *, lazily: bool) -> None:
        application = responding(b"Hello, ", b"World!", headers=[], lazily=lazily)
        assert set(client(application, wrap=plain).get("/").headers) <= {
            "content-length",
            "date",
            "transfer-encoding",
        }

    def test_nothing_is_added_to_a_stream(self) -> None:
        """The thread waits after the first part, so that the response is not complete when the reactor takes it."""
        application = responding(b"x" * (thread_response.AHEAD + 1), b"end", headers=[], lazily=True)
        response = client(application, wrap=plain).get("/")
        assert (len(response.body), "content-type" in response.headers) == (thread_response.AHEAD + 4, False)

    @pytest.mark.parametrize("lazily", [False, True])
    def test_beyond_ascii(self, wrap: Wrap, *, lazily: bool) -> None:
        application = responding(b"Hello", headers=[TEXT, ("X-Name", "caf\xe9")], lazily=lazily)
        assert client(application, wrap=wrap).get("/").headers["x-name"] == "caf\xe9"

    def test_the_list_may_change_after_the_call(self) -> None:
        def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
            headers = [TEXT]
            start_response("200 OK", headers)
            headers.append(("Connection", "close"))
            return [b""]

        assert "connection" not in client(application, wrap=plain).get("/").headers

    def test_it_may_come_with_the_first_part(self, wrap: Wrap) -> None:
        def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
            start_response("201 Created", [TEXT])
            yield b"Hello"

        assert client(application, wrap=wrap).get("/").status == 201

    def test_another_one_after_an_error(self, wrap: Wrap) -> None:
        def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
            start_response("200 OK", [TEXT, ("X-First", "1")])
            try:
                raise ValueError("too late")
            except ValueError:
                start_response("503 Sorry", [TEXT], sys.exc_info())
            return [b"sorry"]

        response = client(application, wrap=wrap).get("/")
        assert (response.status, response.reason, response.text) == (503, "Sorry", "sorry")
        assert "x-first" not in response.headers

    def test_the_error_where_the_first_one_is_on_its_way(self, wrap: Wrap, log: Log) -> None:
        def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
            start_response("200 OK", [TEXT])
            yield b"Hello"
            try:
                raise ValueError("too late")
            except ValueError:
                start_response("503 Sorry", [TEXT], sys.exc_info())

        with pytest.raises(ProtocolError):
            begun(application, wrap)
        assert "RW208 GET /" in log.text
        assert "ValueError('too late')" in log.text


class TestWithoutBody:
    @pytest.mark.parametrize("parts", BODIES.values(), ids=BODIES)
    @pytest.mark.parametrize("lazily", [False, True])
    def test_head(self, wrap: Wrap, parts: tuple[bytes, ...], *, lazily: bool) -> None:
        response = client(responding(*parts, lazily=lazily), wrap=wrap).head("/")
        assert (response.status, response.body) == (200, b"")
        assert response.headers.get("content-length", "13") == "13"

    def test_head_of_what_is_there_at_once(self) -> None:
        assert client(responding(b"Hello, ", b"World!"), wrap=plain).head("/").headers["content-length"] == "13"

    @pytest.mark.parametrize("parts", [(), (b"Hello, World!",), (b"Hello",)])
    @pytest.mark.parametrize("lazily", [False, True])
    def test_head_of_a_known_length(self, wrap: Wrap, parts: tuple[bytes, ...], *, lazily: bool) -> None:
        response = client(responding(*parts, headers=[TEXT, LENGTH], lazily=lazily), wrap=wrap).head("/")
        assert (response.status, response.headers["content-length"]) == (200, "13")

    def test_head_without_a_length(self) -> None:
        assert "content-length" not in client(responding(lazily=True)).head("/").headers

    def test_head_asks_for_no_more_than_it_needs(self) -> None:
        def forever() -> Iterator[bytes]:
            while True:
                yield b"Hello"

        body = Parts(forever())
        assert client(returning(body), wrap=plain).head("/").status == 200
        body.wait()
        assert body.count == 1

    @pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
    @pytest.mark.parametrize("headers", [[], [("Content-Length", "0")]])
    def test_a_status_that_has_none(self, wrap: Wrap, log: Log, status: str, headers: list[tuple[str, str]]) -> None:
        response = client(responding(status=status, headers=headers), wrap=wrap).get("/")
        assert (response.status, response.body) == (int(status[:3]), b"")
        assert log == []

    def test_304_may_tell_the_length(self, wrap: Wrap) -> None:
        response = client(responding(status="304 Not Modified", headers=[LENGTH]), wrap=wrap).get("/")
        assert response.headers["content-length"] == "13"

    @pytest.mark.parametrize("status", ["204 No Content", "205 Reset Content", "304 Not Modified"])
    @pytest.mark.parametrize("lazily", [False, True])
    def test_a_body_that_must_not_be_is_dropped(self, log: Log, status: str, *, lazily: bool) -> None:
        application = responding(b"Hello", b"World", status=status, headers=[], lazily=lazily)
        response = client(application, wrap=plain).get("/")
        assert (response.status, response.body) == (int(status[:3]), b"")
        assert "RW704 GET /: responding.<locals>.application at tests/unit/wsgi/applications.py:" in log.text
        assert f"There is a body with status {status[:3]}." in log.text
        assert len(log) == 1


class TestFaults:
    """What an application does wrong is a 500 and a line that names it."""

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
            ("200 OK", [("Connection", "close")], "RW703", "The header ('Connection', 'close') is about"),
            ("200 OK", [("transfer-encoding", "chunked")], "RW703", "about the connection"),
            ("200 OK", [("Upgrade", "x")], "RW703", "about the connection"),
            ("200 OK", [("Keep-Alive", "timeout=5")], "RW703", "about the connection"),
        ],
    )
    def test_of_the_head(self, log: Log, status: Any, headers: Any, code: str, said: str) -> None:
        def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
            start_response(status, headers)
            return [b"Hello"]

        response = client(application, wrap=plain).get("/")
        assert (response.status, response.text) == (500, "Internal Server Error\n")
        assert f"{code} GET /: TestFaults.test_of_the_head.<locals>.application at tests/unit/wsgi/" in log.text
        assert said in log.text

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (None, "It returned None."),
            ("Hello", "It returned 'Hello'."),
            (b"Hello", "It returned b'Hello'."),
            (7, "It returned 7."),
            (["Hello"], "A part of the body is 'Hello'."),
            ([b"Hello", "World"], "A part of the body is 'World'."),
            (iter(["Hello"]), "A part of the body is 'Hello'."),
            ([b"Hello", None], "A part of the body is None."),
            ({"a": 1}, "A part of the body is 'a'."),
            (iter([""]), "A part of the body is ''."),
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
        assert "start_response has not been called." in log.text

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


def begun(application: Application, wrap: Wrap) -> None:
    """Request a response that begins with "Hello", and read that before the application continues."""
    going = threading.Event()

    def held(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        for part in application(environ, start_response):
            yield part
            assert going.wait(SECONDS)

    async def run() -> None:
        async with AsyncClient(wsgi(wrap(held))) as asked, await asked.stream("GET", "/") as response:
            assert await anext(aiter(response)) == b"Hello"
            going.set()
            await response.whole()

    asyncio.run(run())


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


class TestClose:
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    @pytest.mark.parametrize("parts", [[], [b"Hello"], [b"Hello", b"World"], ["not bytes"]])
    def test_it_is_always_called(self, method: str, parts: list[Any]) -> None:
        body = Parts(parts)
        client(returning(body), wrap=plain).request(method, "/")
        body.wait()

    def test_where_the_application_has_not_called_start_response(self) -> None:
        body = Parts([b"Hello"])
        assert client(lambda environ, start_response: body, wrap=plain).get("/").status == 500
        body.wait()

    def test_where_a_part_raises(self) -> None:
        body = Parts(map(int, ["not a number"]))
        assert client(returning(body), wrap=plain).get("/").status == 500
        body.wait()


class TestPressure:
    """A client that takes nothing holds the application up, and lets it go when it leaves."""

    @pytest.fixture
    def resting(self, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
        """Set when a thread has to wait for a client."""
        resting = threading.Event()

        class Room(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                resting.set()
                return super().wait(timeout)

        monkeypatch.setattr(thread_response, "Event", Room)
        return resting

    PART = bytes(64 * 1024)
    COUNT = 200

    def test_the_application_waits(self, wrap: Wrap, resting: threading.Event) -> None:
        body = Parts([self.PART] * self.COUNT)

        async def run() -> None:
            hosted = wsgi(wrap(returning(body)))
            async with AsyncClient(hosted) as asked, await asked.stream("GET", "/") as response:
                response.pause()
                assert await asyncio.to_thread(resting.wait, SECONDS)
                assert body.count < self.COUNT / 2
                response.resume()
                assert len((await response.whole()).body) == len(self.PART) * self.COUNT

        asyncio.run(run())
        body.wait()

    @pytest.mark.parametrize("way", ["direct", "middleware"])
    def test_a_client_that_leaves(self, wrap: Wrap, log: Log, resting: threading.Event, way: str) -> None:
        body = Parts([self.PART] * self.COUNT)
        app = middled(wrap(returning(body)), way)

        async def run() -> None:
            async with AsyncClient(app) as asked:
                async with await asked.stream("GET", "/") as response:
                    response.pause()
                    assert await asyncio.to_thread(resting.wait, SECONDS)
                await asyncio.to_thread(body.wait)

        asyncio.run(run())
        assert body.count < self.COUNT / 2
        assert log == []

    def test_write_raises_where_the_client_has_left(self, wrap: Wrap, log: Log, resting: threading.Event) -> None:
        raised: list[BaseException] = []
        done = threading.Event()

        def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
            write = start_response("200 OK", [TEXT])
            try:
                for _ in range(self.COUNT):
                    write(self.PART)
            except Disconnected as error:
                raised.append(error)
                raise
            finally:
                done.set()
            return []

        async def run() -> None:
            async with AsyncClient(wsgi(wrap(application))) as asked:
                async with await asked.stream("GET", "/") as response:
                    response.pause()
                    assert await asyncio.to_thread(resting.wait, SECONDS)
                assert await asyncio.to_thread(done.wait, SECONDS)

        asyncio.run(run())
        assert [str(error)[:5] for error in raised] == ["RW305"]
        assert log == []

    def test_parts_are_not_held_back(self, wrap: Wrap) -> None:
        going = threading.Event()

        def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
            start_response("200 OK", [TEXT])
            yield b"one"
            assert going.wait(SECONDS)
            yield b"two"

        async def run() -> None:
            async with AsyncClient(wsgi(wrap(application))) as asked, await asked.stream("GET", "/") as response:
                parts = aiter(response)
                assert await anext(parts) == b"one"
                going.set()
                assert await anext(parts) == b"two"

        asyncio.run(run())


def middled(application: Application, way: str) -> Any:
    """The application by itself, or within middleware."""
    from ropewalk import App, Request

    app = App()
    if way == "middleware":

        @app.middleware
        async def through(request: Request, next: Callable[..., Any]) -> Any:
            return await next(request)

    app.mount("/", wsgi(application))
    return app


def wait_until_quiet(asked: Any) -> None:
    """Wait until no thread runs a call any more."""
    asyncio.run(asked.app.stop())


def test_iterables(wrap: Wrap) -> None:
    """Everything that Python can iterate over is a body."""
    bodies: list[Iterable[bytes]] = [{b"Hello": 1}, {b"Hello"}, map(bytes.strip, [b" Hello "]), iter([b"Hello"])]
    for body in bodies:
        assert client(returning(body), wrap=wrap).get("/").text == "Hello"
