"""Response bodies, and the bytes that reach the client."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.wsgi.applications import SECONDS, TEXT, Parts, Wrap, client, plain, responding, returning
from tests.unit.wsgi.responses import HELLO, LENGTH

from ropewalk.errors import Disconnected
from ropewalk.testing import AsyncClient
from ropewalk.wsgi import Application, Environ, StartResponse, thread_response, wsgi

BODIES: dict[str, tuple[bytes, ...]] = {
    "one part": (b"Hello, World!",),
    "several parts": (b"Hello", b", ", b"World!"),
    "an empty one among them": (b"", b"Hello, ", b"", b"World!", b""),
}


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
        assert f"A body was sent with status {status[:3]}." in log.text
        assert len(log) == 1


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
    """If a client reads nothing, the thread of the application waits. When this client leaves, the application
    continues."""

    @pytest.fixture
    def resting(self, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
        """Return an event that is set when a thread has to wait for a client."""
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
    """Return the application, with middleware around it if `way` says so."""
    from ropewalk import App, Request

    app = App()
    if way == "middleware":

        @app.middleware
        async def through(request: Request, next: Callable[..., Any]) -> Any:
            return await next(request)

    app.mount("/", wsgi(application))
    return app


def test_iterables(wrap: Wrap) -> None:
    """Any iterable of bytes can be the body."""
    bodies: list[Iterable[bytes]] = [{b"Hello": 1}, {b"Hello"}, map(bytes.strip, [b" Hello "]), iter([b"Hello"])]
    for body in bodies:
        assert client(returning(body), wrap=wrap).get("/").text == "Hello"
