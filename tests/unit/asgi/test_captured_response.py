"""Applications inside middleware, which holds the response."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.asgi.applications import body, sending, start
from tests.unit.conftest import Log
from tests.unit.turns import run_turns

from ropewalk import App, ASGIOptions, Request, Response, asgi
from ropewalk.asgi import Application, Receive, Scope, Send
from ropewalk.errors import Disconnected, WrongLength
from ropewalk.middleware import Next
from ropewalk.testing import AsyncClient, Client, ClientResponse, ProtocolError


async def marking(request: Request, next: Next) -> Response:
    response = await next(request)
    response.headers["x-seen"] = str(response.status)
    return response


def inside(application: Application, *middleware: Any) -> App:
    app = App(middleware=[marking, *middleware])
    app.mount("/", asgi(application, ASGIOptions(lifespan="off")))
    return app


async def raising(scope: Scope, receive: Receive, send: Send) -> None:
    raise LookupError("lost")


async def raising_later(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(0)
    raise LookupError("lost")


async def raising_after_the_start(scope: Scope, receive: Receive, send: Send) -> None:
    await send(start())
    raise LookupError("lost")


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    assert message["type"] == "http.disconnect"


OUTCOMES: dict[str, tuple[Application, int, int]] = {
    "whole": (sending(start(200, [[b"x-a", b"1"]]), body(b"whole")), 200, 0),
    "in parts": (sending(start(201), body(b"who", True), body(b"le")), 201, 0),
    "an error of its own": (sending(start(404), body(b"whole")), 404, 0),
    "a file": (sending(start(200), {"type": "http.response.pathsend", "path": __file__}), 200, 0),
    "nothing": (sending(), 500, 1),
    "an exception": (raising, 500, 1),
    "an exception later": (raising_later, 500, 1),
    "an exception after the start": (raising_after_the_start, 500, 1),
    "a status that is none": (sending(start(99), body(b"")), 500, 1),
    "a header that is none": (sending(start(200, [[b"x y", b""]]), body(b"")), 500, 1),
    "a body that is too large": (reading, 413, 0),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_the_outermost_sees_every_response(name: str, log: Log) -> None:
    application, status, lines = OUTCOMES[name]
    app = App(middleware=[marking])
    app.mount("/", asgi(application, ASGIOptions(lifespan="off", body_limit=3)))
    response = Client(app, raise_errors=False).post("/", body="four")
    assert (response.status, response.headers["x-seen"]) == (status, str(status))
    assert len(log) == lines
    if status < 400 and name != "a file":
        assert response.text == "whole"
    elif name == "a file":
        assert response.body == Path(__file__).read_bytes()


def test_a_status_without_a_body() -> None:
    response = Client(inside(sending(start(204), body(b"dropped")))).get("/")
    assert (response.status, response.text, response.headers["x-seen"]) == (204, "", "204")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("middleware", [(), (marking,), (marking, marking)])
@pytest.mark.parametrize("parts", [(b"",), (b"", b""), (b"dropped", b"", b"too")])
@pytest.mark.parametrize(("status", "length"), [(204, None), (205, "0"), (304, "50")])
def test_a_status_without_a_body_where_the_application_waits_after_the_start(
    method: str, middleware: Any, parts: tuple[bytes, ...], status: int, length: str | None, log: Log
) -> None:
    ended = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(status, [] if length is None else [(b"content-length", length.encode())]))
        await asyncio.sleep(0)
        for part in parts:
            await asyncio.sleep(0)
            await send(body(part, True))
        await send(body())
        ended.append(True)

    app = App(middleware=middleware)
    app.mount("/", asgi(application, ASGIOptions(lifespan="off")))

    async def main() -> ClientResponse:
        response = await AsyncClient(app).request(method, "/")
        while not ended:
            await asyncio.sleep(0)
        return response

    response = asyncio.run(asyncio.wait_for(main(), 10))
    assert (response.status, response.body) == (status, b"")
    assert response.headers.get("content-length") == length
    assert log == []


@pytest.mark.parametrize("length", [[], [[b"content-length", b"5"]]])
def test_a_head(length: Any) -> None:
    app = inside(sending(start(200, length), body(b"")))
    response = Client(app).head("/")
    assert (response.status, response.headers["x-seen"]) == (200, "200")
    assert response.headers["content-length"] == ("5" if length else "0")


class TestFiles:
    """The client receives a file that the application sends in the same way with middleware as without."""

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    @pytest.mark.parametrize("length", [None, 4, 10])
    @pytest.mark.parametrize("before", [b"", b"abcd"])
    @pytest.mark.parametrize("middleware", [(), (marking,), (marking, marking)])
    def test_no_more_than_was_announced(
        self, method: str, length: int | None, before: bytes, middleware: Any, tmp_path: Path
    ) -> None:
        file = tmp_path / "file"
        file.write_bytes(b"0123456789")
        sent = (before + b"0123456789")[:length]
        headers = [] if length is None else [(b"content-length", b"%d" % length)]
        messages = [body(before, True)] if before else []
        application = sending(start(200, headers), *messages, {"type": "http.response.pathsend", "path": str(file)})
        app = App(middleware=middleware)
        app.mount("/", asgi(application, ASGIOptions(lifespan="off")))
        response = Client(app).request(method, "/")
        assert response.body == (sent if method == "GET" else b"")
        assert set(response.headers) <= {"date", "content-length", "transfer-encoding", "x-seen"}
        if not before or length is not None:
            assert response.headers["content-length"] == str(len(sent))


def test_no_content_type_is_added() -> None:
    for parts in ([body(b"a")], [body(b"a", True), body(b"b")]):
        assert "content-type" not in Client(inside(sending(start(200, []), *parts))).get("/").headers


def test_the_head_leaves_before_the_body() -> None:
    async def main() -> list[Any]:
        go_on = asyncio.Event()

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start(200, [[b"x-a", b"1"]]))
            await go_on.wait()
            await send(body(b"late"))

        async with await AsyncClient(inside(application)).stream("GET", "/") as response:
            seen = [response.status, response.headers["x-seen"]]
            go_on.set()
            return [*seen, (await response.whole()).text]

    assert asyncio.run(asyncio.wait_for(main(), 10)) == [200, "200", "late"]


def test_trailers() -> None:
    application = sending(
        {"type": "http.response.start", "status": 200, "headers": [], "trailers": True},
        body(b"whole", True),
        body(b""),
        {"type": "http.response.trailers", "headers": [[b"x-sum", b"5"]]},
    )
    response = Client(inside(application)).get("/", headers={"te": "trailers"})
    assert (response.text, response.trailers["x-sum"]) == ("whole", "5")


def test_send_waits_while_the_client_takes_nothing() -> None:
    async def main() -> int:
        sent = 0
        paused = asyncio.Event()

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal sent
            await send(start())
            await send(body(b"first", True))
            await paused.wait()
            for _ in range(256):
                await send(body(bytes(64 * 1024), True))
                sent += 1
            await send(body())

        async with await AsyncClient(inside(application)).stream("GET", "/") as response:
            response.pause()
            paused.set()
            for _ in range(200):
                await asyncio.sleep(0)
            before = sent
            response.resume()
            assert len((await response.whole()).body) == len(b"first") + 256 * 64 * 1024
            return before

    assert 0 < asyncio.run(asyncio.wait_for(main(), 20)) < 256


@pytest.mark.parametrize("begun", [False, True])
def test_the_client_leaves(begun: bool, log: Log) -> None:
    async def main() -> list[str]:
        seen = []
        called, notified = asyncio.Event(), asyncio.Event()

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            called.set()
            if begun:
                await send(start())
                await send(body(b"some", True))
            seen.append((await receive())["type"])
            seen.append((await receive())["type"])
            await send(body(b"more", True))
            notified.set()

        client = AsyncClient(inside(application))
        asking = asyncio.ensure_future(client.get("/"))
        await called.wait()
        await asyncio.sleep(0)
        asking.cancel()
        await notified.wait()
        return seen

    assert asyncio.run(asyncio.wait_for(main(), 10)) == ["http.request", "http.disconnect"]
    assert log == []


def test_a_middleware_that_responds_with_something_else(log: Log) -> None:
    """If a middleware responds with something else than the application's response, the application gets a disconnect,
    so that it stops."""
    seen = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"some", True))
        await receive()
        seen.append((await receive())["type"])

    async def replacing(request: Request, next: Next) -> Response:
        await next(request)
        return Response("other", 202)

    async def main() -> ClientResponse:
        response = await AsyncClient(inside(application, replacing)).get("/")
        while not seen:
            await asyncio.sleep(0)
        return response

    response = asyncio.run(asyncio.wait_for(main(), 10))
    assert (response.status, response.text) == (202, "other")
    assert seen == ["http.disconnect"]
    assert log == []


def test_a_middleware_that_changes_the_body() -> None:
    async def louder(request: Request, next: Next) -> Response:
        response = await next(request)
        body = response.body

        async def parts() -> Any:
            async for part in body:
                yield part.upper()

        response.body = parts()
        return response

    assert Client(inside(sending(start(), body(b"a", True), body(b"b")), louder)).get("/").text == "AB"


class TestClosing:
    """If middleware closes the body of the application's response and then reads it, the body has ended."""

    def test_a_closed_body_has_ended(self) -> None:
        notified = []

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start())
            await send(body(b"some", True))
            await receive()
            notified.append((await receive())["type"])

        async def closing(request: Request, next: Next) -> Response:
            response = await next(request)
            await response.body.aclose()
            return Response(repr([part async for part in response.body]))

        async def main() -> ClientResponse:
            return await asyncio.wait_for(AsyncClient(inside(application, closing)).get("/"), 10)

        assert (asyncio.run(main()).text, notified) == ("[]", ["http.disconnect"])

    def test_closing_ends_the_wait_of_others(self) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start())
            await send(body(b"some", True))
            await receive()
            await receive()

        async def closing(request: Request, next: Next) -> Response:
            response = await next(request)
            reading = asyncio.ensure_future(collect(response.body))
            await run_turns()
            await response.body.aclose()
            return Response(await reading)

        async def main() -> ClientResponse:
            return await asyncio.wait_for(AsyncClient(inside(application, closing)).get("/"), 10)

        assert asyncio.run(main()).text == "some"

    def test_a_late_reader_gets_an_error_if_another_response_was_sent(self) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start())
            await send(body(b"some", True))
            await receive()
            await receive()

        async def main() -> None:
            reading: list[asyncio.Future[bytes]] = []

            async def replacing(request: Request, next: Next) -> Response:
                response = await next(request)
                reading.append(asyncio.ensure_future(collect(response.body)))
                return Response("other")

            assert (await AsyncClient(inside(application, replacing)).get("/")).text == "other"
            with pytest.raises(Disconnected):
                await asyncio.wait_for(reading[0], 10)

        asyncio.run(main())


async def collect(parts: Any) -> bytes:
    return b"".join([part async for part in parts])


@pytest.mark.parametrize("middleware", [(), (marking,)])
@pytest.mark.parametrize(
    "headers",
    [
        [("x-a", "b")],
        [["x-a", b"b"]],
        [("x-a", "\xe9")],
        [("x-a", bytearray(b"b"))],
        [("x-a", "b"), ("Transfer-Encoding", "chunked")],
    ],
)
def test_headers_as_str(middleware: Any, headers: Any, log: Log) -> None:
    """ASGI requires bytes in header fields. Ropewalk also takes str, with and without middleware."""
    app = App(middleware=middleware)
    app.mount("/", asgi(sending(start(200, headers), body(b"whole")), ASGIOptions(lifespan="off")))
    response = Client(app).get("/")
    value = response.headers["x-a"].encode("latin-1").decode()
    assert (response.status, response.text, value) == (200, "whole", "b" if headers[0][1] != "\xe9" else "\xe9")
    assert log == []


@pytest.mark.parametrize("middleware", [(), (marking,)])
@pytest.mark.parametrize("headers", [[(b"x-a", 1)], [("x-a", "\ud800")], [7]])
def test_an_error_in_the_start_is_not_reported_for_the_body(middleware: Any, headers: Any, log: Log) -> None:
    app = App(middleware=middleware)
    app.mount("/", asgi(sending(start(200, headers), body(b"whole")), ASGIOptions(lifespan="off")))
    assert Client(app, raise_errors=False).get("/").status == 500
    assert "http.response.start was sent with something missing or of the wrong kind" in log.text


def test_an_exception_after_the_head(log: Log) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"some", True))
        await asyncio.sleep(0.001)
        raise LookupError("lost")

    with pytest.raises(ProtocolError):
        Client(inside(application), raise_errors=False).get("/")
    assert "raised LookupError('lost')" in log.text


@pytest.mark.parametrize("handle", [lambda request, error: Response("mapped", 422)])
def test_error_handlers_of_the_app(handle: Callable[..., Any], log: Log) -> None:
    app = inside(raising_later)
    app.error(LookupError)(handle)
    response = Client(app).get("/")
    assert (response.status, response.text, response.headers["x-seen"]) == (422, "mapped", "422")
    assert log == []


WHOLE = [[b"abc"], [b"abcd"], [b"ab"], [b""]]
IN_PARTS = [[b"abcd", b""], [b"ab", b"cd", b""], [b"ab", b""], [b"ab", b"c"], [b"abc", b""]]


@pytest.mark.parametrize("status", [200, 304])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("parts", [*WHOLE, *IN_PARTS], ids=repr)
def test_a_length_that_is_announced_is_held_to_as_without_middleware(
    parts: list[bytes], method: str, status: int, log: Log
) -> None:
    """If a body does not have the announced length, `send` raises the same error with middleware as without. The client
    and the log get the same, too."""

    def outcome(middleware: list[Any]) -> list[str]:
        seen = []
        log.clear()

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await send(start(status, [[b"content-length", b"3"]]))
                for number, part in enumerate(parts, 1):
                    await send(body(part, number < len(parts)))
            except WrongLength as error:
                seen.append(error.message.rpartition(": ")[2])
                raise

        app = App(middleware=middleware)
        app.mount("/", asgi(application, ASGIOptions(lifespan="off")))
        try:
            response = Client(app, raise_errors=False).request(method, "/")
        except ProtocolError:
            seen.append("cut")
        else:
            seen += [str(response.status), response.text]
        return [*seen, *(line[:5] for line in log.text.splitlines())]

    assert outcome([marking]) == outcome([])
