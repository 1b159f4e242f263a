"""Messages that an application sends, and the bytes that reach the client."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.unit.asgi.applications import PLAIN, body, hosting, sending, start
from tests.unit.asgi.responses import response_to
from tests.unit.conftest import Log

from ropewalk import Limits, Request
from ropewalk.asgi import Message, Receive, Scope, Send
from ropewalk.asgi.sending import ASGICall
from ropewalk.server import Service
from ropewalk.testing import AsyncClient, Client, ClientResponse


class TestResponses:
    def test_whole(self) -> None:
        response = response_to(
            start(201, [(b"content-type", b"text/plain"), (b"x-two", b"1"), (b"x-two", b"2")]), body(b"hi")
        )
        assert (response.status, response.body) == (201, b"hi")
        assert response.headers["content-length"] == "2"
        assert response.headers.all("x-two") == ["1", "2"]

    def test_in_parts(self) -> None:
        response = response_to(start(), body(b"one ", True), body(b"", True), body(b"two"))
        assert (response.body, response.headers["transfer-encoding"]) == (b"one two", "chunked")

    def test_in_parts_of_an_announced_length(self) -> None:
        response = response_to(start(200, [(b"content-length", b"6")]), body(b"one", True), body(b"two"))
        assert (response.body, response.headers.all("content-length")) == (b"onetwo", ["6"])

    def test_empty(self) -> None:
        response = response_to({"type": "http.response.start", "status": 200}, {"type": "http.response.body"})
        assert (response.status, response.body, response.headers["content-length"]) == (200, b"", "0")

    @pytest.mark.parametrize("kind", [bytearray, memoryview])
    def test_bytes_of_other_kinds(self, kind: Callable[[bytes], Any]) -> None:
        assert response_to(start(), body(kind(b"one"), True), body(kind(b"two"))).body == b"onetwo"

    @pytest.mark.parametrize(
        "headers",
        [
            [[b"x-a", b"1"], [b"content-type", b"text/plain"]],
            ((b"x-a", b"1"),),
            ({b"x-a": b"1"}).items(),
            [(b"X-A", b"1"), (b"Transfer-Encoding", b"chunked"), (b"transfer-encoding", b"gzip")],
        ],
    )
    @pytest.mark.parametrize("parts", [[body(b"one")], [body(b"one", True), body()]])
    def test_headers_of_any_shape(self, headers: Any, parts: list[Message]) -> None:
        response = response_to(start(200, headers), *parts)
        assert (response.status, response.body, response.headers["x-a"]) == (200, b"one", "1")

    def test_headers_that_can_be_read_once(self) -> None:
        response = response_to(start(200, iter([[b"x-a", b"1"]])), body(b"one"))
        assert (response.body, response.headers["x-a"]) == (b"one", "1")

    @pytest.mark.parametrize("parts", [[body(b"four")], [body(b"fo", True), body(b"ur")]])
    def test_head(self, parts: list[Message]) -> None:
        response = response_to(start(200, [(b"content-length", b"4")]), *parts, method="HEAD")
        assert (response.status, response.body, response.headers["content-length"]) == (200, b"", "4")

    @pytest.mark.parametrize("status", [204, 304])
    @pytest.mark.parametrize("parts", [[body(b"null")], [body(b"nu", True), body(b"ll")]])
    def test_statuses_that_have_no_body(self, status: int, parts: list[Message]) -> None:
        response = response_to(start(status), *parts)
        assert (response.status, response.body) == (status, b"")

    def test_keeps_the_connection_or_closes_it(self) -> None:
        assert "connection" not in response_to(start(), body()).headers
        assert response_to(start(200, [(b"connection", b"close")]), body()).headers["connection"] == "close"

    def test_http_1_0(self) -> None:
        """HTTP/1.0 has no chunks: the end of the connection ends the body (RFC 9112, section 6.3)."""
        received = bytearray()

        class Sink:
            def write(self, data: bytes, /) -> None:
                received.extend(data)

            def close(self) -> None:
                received.extend(b"|closed")

            def end_writing(self) -> None: ...
            def abort(self) -> None: ...
            def pause_reading(self) -> None: ...
            def resume_reading(self) -> None: ...

        async def main() -> None:
            application = sending(start(200, []), body(b"one", True), body(b"two"))
            call_later = asyncio.get_running_loop().call_later
            service = Service(hosting(application), call_later, Limits(turn_time=60))  # no later turn runs
            service.engine.open_pipe(Sink()).feed(b"GET / HTTP/1.0\r\n\r\n")
            service.close()

        asyncio.run(main())
        head, _, rest = bytes(received).partition(b"\r\n\r\n")
        assert rest == b"onetwo|closed"
        assert b"Transfer-Encoding" not in head


class TestParts:
    """When the parts of a body are passed to the engine."""

    @staticmethod
    def written(headers: Any) -> list[bytes]:
        """Return the writes of an application that sends without waiting, waits, and sends again."""
        written: list[bytes] = []

        class Watched(Request):
            def write(self, data: Any, /) -> bool:
                written.append(data)
                return super().write(data)

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start(200, headers))
            for part in (b"1", b"", b"2"):
                await send(body(part, True))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await send(body(b"3", True))
            await send(body(b"4" * 70_000, True))
            await send(body(b"5", True))
            await send(body(b"6"))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Service, "request", Watched)
            assert Client(hosting(application)).get("/").body == b"123" + b"4" * 70_000 + b"56"
        return written

    def test_those_of_one_turn_leave_together(self) -> None:
        assert self.written(PLAIN) == [b"12", b"3" + b"4" * 70_000, b"56"]

    def test_but_not_where_their_length_is_to_be_kept_to(self) -> None:
        headers = [(b"Content-Length", b"70005")]
        assert self.written(headers) == [b"1", b"2", b"3", b"4" * 70_000, b"5", b"6"]

    def test_what_waits_when_the_client_leaves_is_dropped(self, log: Log) -> None:
        async def main() -> str:
            leaving: asyncio.Future[Callable[[], None]] = asyncio.get_running_loop().create_future()
            done: asyncio.Future[str] = asyncio.get_running_loop().create_future()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                await receive()
                await send(start())
                await send(body(b"first", True))
                leave = await leaving
                await send(body(b"waits", True))
                leave()
                done.set_result((await receive())["type"])

            response = await AsyncClient(hosting(application)).stream("GET", "/")
            leaving.set_result(response.close)
            return await done

        assert asyncio.run(main()) == "http.disconnect"
        assert "RW" not in log.text


class TestTheHead:
    """When the head is passed to the engine."""

    def test_is_kept_until_there_is_a_body(self) -> None:
        """An exception before the first part can still be responded to with a 500."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start())
            raise KeyError("between")

        assert Client(hosting(application), raise_errors=False).get("/").status == 500

    @pytest.mark.parametrize("in_a_task", [False, True])
    def test_is_not_kept_while_the_application_waits(self, in_a_task: bool) -> None:
        async def main() -> list[Any]:
            going_on = asyncio.Event()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                if in_a_task:
                    await asyncio.create_task(send(start()))  # type: ignore[arg-type] # ASGI says awaitable
                else:
                    await send(start())
                await going_on.wait()
                await send(body(b"late"))

            async with await AsyncClient(hosting(application)).stream("GET", "/") as response:
                seen = [response.status]
                going_on.set()
                return [*seen, (await response.whole()).body]

        assert asyncio.run(main()) == [200, b"late"]

    def test_one_that_cannot_be_sent_while_the_application_waits(self, log: Log) -> None:
        async def main() -> ClientResponse:
            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                await send(start(200, [(b"x", b"a\r\nb")]))
                assert (await receive())["type"] == "http.request"
                assert (await receive())["type"] == "http.disconnect"
                await send(body(b"dropped"))

            return await AsyncClient(hosting(application), raise_errors=False).get("/")

        assert asyncio.run(main()).status == 500
        assert "RW304" in log.text

    def test_what_middleware_of_ours_has_set_counts(self) -> None:
        app = hosting(sending(start(200, [[b"x-a", b"theirs"], [b"x-b", b"theirs"]]), body(b"hi")))

        @app.middleware
        async def before(request: Request, next: Any) -> Any:
            request.setHeader("x-a", "ours")
            request.setResponseCode(202)
            return await next(request)

        response = Client(app).get("/")
        assert (response.status, response.headers["x-a"], response.headers["x-b"]) == (202, "ours", "theirs")


class TestBackPressure:
    def test_send_waits_while_the_client_takes_nothing(self) -> None:
        async def main() -> list[Any]:
            sent = 0
            paused = asyncio.Event()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                nonlocal sent
                await send(start())
                await paused.wait()
                for _ in range(64):
                    await send(body(bytes(64 * 1024), True))
                    sent += 1
                await send(body())

            async with await AsyncClient(hosting(application)).stream("GET", "/") as response:
                response.pause()
                paused.set()
                for _ in range(100):
                    await asyncio.sleep(0)
                stuck = sent
                response.resume()
                size = len((await response.whole()).body)
                return [stuck < 64, sent, size]

        assert asyncio.run(main()) == [True, 64, 64 * 64 * 1024]

    def test_others_have_their_turn_where_the_client_takes_all(self) -> None:
        request: Any = Taking()
        call = ASGICall(request)
        turns = 0
        for message in [start(200, [(b"content-length", b"1048576")]), *[body(bytes(1024), True)] * 1024]:
            sending = call.send(message)
            with suppress(StopIteration):
                while True:
                    sending.send(None)
                    turns += 1
        assert request.size == 1024 * 1024
        assert turns == 4


class Taking:
    """A request whose client reads everything."""

    prepared = False
    size = 0

    def begin(self, status: int, fields: Any) -> None: ...

    def end_stream_by(self, end: Any) -> None: ...

    def write(self, data: bytes) -> bool:
        self.size += len(data)
        return True


class TestEarlyHints:
    @pytest.mark.parametrize("before", [[], [start()]])
    def test_they_come_before_the_head(self, before: list[Message]) -> None:
        hint = {"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload", b"</b.js>; rel=preload"]}
        after = [body(b"hi")] if before else [start(), body(b"hi")]
        response = response_to(*before, hint, *after)
        ((status, headers),) = response.interim
        assert (status, headers.all("link")) == (103, ["</a.css>; rel=preload", "</b.js>; rel=preload"])
        assert response.body == b"hi"

    def test_it_is_dropped_after_the_head(self) -> None:
        hint = {"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]}
        response = response_to(start(), body(b"one", True), hint, body(b"two"))
        assert (response.interim, response.body) == ([], b"onetwo")


class TestTrailers:
    MESSAGES = (
        start(trailers=True),
        body(b"one", True),
        body(b"two"),
        {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")], "more_trailers": True},
        {"type": "http.response.trailers", "headers": [[b"x-more", b"2"]]},
    )

    def test_they_follow_the_body(self) -> None:
        response = response_to(*self.MESSAGES, headers={"te": "trailers"})
        assert (response.body, dict(response.trailers)) == (b"onetwo", {"x-sum": "1", "x-more": "2"})

    def test_not_to_a_client_that_does_not_accept_them(self) -> None:
        response = response_to(*self.MESSAGES)
        assert (response.body, dict(response.trailers)) == (b"onetwo", {})

    def test_after_a_body_in_one_piece(self) -> None:
        trailers = {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")]}
        response = response_to(start(trailers=True), body(b"one"), trailers, headers={"te": "gzip, Trailers"})
        assert (response.body, dict(response.trailers)) == (b"one", {"x-sum": "1"})


class TestFiles:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "file.bin"
        path.write_bytes(bytes(range(256)) * 1024)
        return path

    @staticmethod
    def pathsend(path: Path) -> Message:
        return {"type": "http.response.pathsend", "path": str(path)}

    @pytest.mark.parametrize("headers", [PLAIN, [(b"content-length", b"262144")]])
    def test_sent_by_the_engine(self, file: Path, headers: Any) -> None:
        response = response_to(start(200, headers), self.pathsend(file))
        assert response.body == file.read_bytes()
        assert response.headers["content-length"] == "262144"

    def test_to_head(self, file: Path) -> None:
        response = response_to(start(200, [(b"content-length", b"262144")]), self.pathsend(file), method="HEAD")
        assert (response.body, response.headers["content-length"]) == (b"", "262144")

    @pytest.mark.parametrize("headers", [PLAIN, [(b"content-length", b"262144")]])
    def test_after_a_head_that_was_sent(self, file: Path, headers: Any) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start(200, headers))
            await asyncio.sleep(0)
            await send(self.pathsend(file))

        assert Client(hosting(application)).get("/").body == file.read_bytes()

    @pytest.mark.parametrize("waits", [False, True])
    @pytest.mark.parametrize("parts", [[], [b"before"]])
    def test_one_that_has_grown_since_its_length_was_announced(
        self, file: Path, waits: bool, parts: list[bytes]
    ) -> None:
        content = file.read_bytes()

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            length = len(content) + len(b"".join(parts))
            with file.open("ab") as log:
                log.write(b"more")
            await send(start(200, [(b"content-length", b"%d" % length)]))
            for part in parts:
                await send(body(part, True))
            if waits:
                await asyncio.sleep(0)
            await send(self.pathsend(file))

        response = Client(hosting(application)).get("/")
        assert (response.status, response.body) == (200, b"".join(parts) + content)

    def test_one_that_grows_as_fast_as_it_is_read(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        content = file.read_bytes()

        def read(fd: int, size: int, offset: int) -> bytes:
            if file.stat().st_size < 10 * len(content):
                with file.open("ab") as log:
                    log.write(b"x" * size)
            return os.pread(fd, size, offset)

        monkeypatch.setitem(vars(sys.modules["ropewalk.asgi.sending"]), "pread", read)

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start(200, []))
            await asyncio.sleep(0)
            await send(self.pathsend(file))

        assert Client(hosting(application)).get("/").body == content

    def test_one_that_is_no_regular_file(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert response_to(start(), self.pathsend(tmp_path / "pipe")).status == 404

    def test_one_that_is_not_there(self, tmp_path: Path) -> None:
        assert response_to(start(), self.pathsend(tmp_path / "missing")).status == 404
