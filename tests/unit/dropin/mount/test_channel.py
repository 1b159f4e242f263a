"""Requests to mounted resources of twisted.web: what the resource writes, and the response that the app sends."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Any

import pytest
from tests.problems import problem
from tests.unit.conftest import Log
from tests.unit.dropin.mounts import Leaf, Renderer, mount, shown, tree
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.web.resource import Resource as TwistedResource
from twisted.web.server import NOT_DONE_YET
from twisted.web.static import ASISProcessor

from ropewalk import App, HTTPError, Limits, Request, Response
from ropewalk.dropin import mounted
from ropewalk.middleware import Next
from ropewalk.testing import AsyncClient, Client
from ropewalk.waiting import call_soon


class TestResponses:
    def test_a_whole_response(self, fetch: Any) -> None:
        response = fetch(lambda request: b"hello")
        assert (response.status, response.body) == (200, b"hello")
        assert response.headers["content-length"] == "5"
        assert response.headers["content-type"] == "text/html"
        assert response.headers["server"].startswith("TwistedWeb/")
        assert response.headers.all("date") == [response.headers["date"]]

    def test_parts_that_are_written_before_the_program_returns(self, fetch: Any) -> None:
        def write(request: Any) -> int:
            request.write(b"a")
            request.write(b"b")
            request.finish()
            return NOT_DONE_YET

        response = fetch(write)
        assert (response.body, response.headers["content-length"]) == (b"ab", "2")
        assert "transfer-encoding" not in response.headers

    def test_a_whole_response_after_the_program_returned(self, fetch: Any) -> None:
        def write(request: Any) -> int:
            call_soon(finish, request)
            return NOT_DONE_YET

        def finish(request: Any) -> None:
            request.setResponseCode(201)
            request.write(b"a")
            request.write(b"b")
            request.finish()

        response = fetch(write)
        assert (response.status, response.body, response.headers["content-length"]) == (201, b"ab", "2")

    def test_a_stream(self, fetch: Any) -> None:
        def write(request: Any) -> int:
            request.write(b"a")
            call_soon(more, request)
            return NOT_DONE_YET

        def more(request: Any) -> None:
            request.write(b"b")
            call_soon(request.finish)

        response = fetch(write)
        assert (response.body, response.headers["transfer-encoding"]) == (b"ab", "chunked")

    def test_a_stream_that_begins_after_the_program_returned(self, fetch: Any) -> None:
        def write(request: Any) -> int:
            call_soon(begin, request)
            return NOT_DONE_YET

        def begin(request: Any) -> None:
            request.setHeader(b"Content-Length", b"2")
            request.write(b"a")
            call_soon(call_soon, finish, request)

        def finish(request: Any) -> None:
            request.write(b"b")
            request.finish()

        response = fetch(write)
        assert (response.body, response.headers["content-length"]) == (b"ab", "2")
        assert "transfer-encoding" not in response.headers

    def test_the_request_is_finished(self) -> None:
        finished: list[None] = []

        def render(request: Any) -> bytes:
            request.notifyFinish().addCallback(finished.append)
            return b"hello"

        Client(mount(render)).get("/legacy")
        assert finished == [None]

    def test_head(self, fetch: Any) -> None:
        response = fetch(lambda request: b"hello", "HEAD")
        assert (response.status, response.headers["content-length"], response.body) == (200, "5", b"")

    @pytest.mark.parametrize("status", [204, 304])
    def test_a_write_to_a_response_that_has_no_body(self, fetch: Any, status: int, log: Log) -> None:
        finished: list[None] = []

        def write(request: Any) -> int:
            request.notifyFinish().addCallback(finished.append)
            request.setResponseCode(status)
            request.write(b"")
            call_soon(finish, request)
            return NOT_DONE_YET

        def finish(request: Any) -> None:
            request.write(b"")
            request.finish()

        response = fetch(write)
        assert (response.status, response.body, finished) == (status, b"", [None])
        assert log == []

    def test_a_body_that_middleware_closes_is_at_its_end(self) -> None:
        async def closing(request: Request, next: Next) -> Response:
            response = await next(request)
            await response.body.aclose()
            return Response(repr([part async for part in response.body]))

        def write(request: Any) -> int:
            request.notifyFinish().addErrback(lambda _: None)
            request.write(b"a")
            return NOT_DONE_YET

        async def ask() -> Any:
            return await asyncio.wait_for(AsyncClient(mount(write, middleware=[closing])).get("/legacy"), 10)

        assert asyncio.run(ask()).text == "[]"

    def test_head_of_a_stream(self) -> None:
        finished: list[None] = []

        def write(request: Any) -> int:
            request.notifyFinish().addCallback(finished.append)
            request.write(b"a")
            call_soon(call_soon, finish, request)
            return NOT_DONE_YET

        def finish(request: Any) -> None:
            request.write(b"b")
            request.finish()

        async def ask() -> Any:
            async with AsyncClient(mount(write)) as client:
                response = await client.head("/legacy")
                while not finished:
                    await asyncio.sleep(0)
                return response

        response = asyncio.run(ask())
        assert (response.status, response.body, finished) == (200, b"", [None])

    def test_an_empty_body(self, fetch: Any) -> None:
        response = fetch(lambda request: b"")
        assert (response.status, response.body, response.headers["content-length"]) == (200, b"", "0")
        assert "content-type" not in response.headers

    def test_no_content_type(self, fetch: Any) -> None:
        def write(request: Any) -> bytes:
            request.defaultContentType = None
            return b"hello"

        assert "content-type" not in fetch(write).headers

    def test_no_content_type_in_a_stream(self, fetch: Any) -> None:
        def write(request: Any) -> int:
            request.defaultContentType = None
            request.write(b"hel")
            call_soon(call_soon, finish, request)
            return NOT_DONE_YET

        def finish(request: Any) -> None:
            request.write(b"lo")
            request.finish()

        response = fetch(write)
        assert (response.text, "content-type" in response.headers) == ("hello", False)

    def test_status_and_fields(self, fetch: Any) -> None:
        def render(request: Any) -> bytes:
            request.setResponseCode(418, b"Short and stout")
            request.setHeader("X-Latin", b"caf\xe9")
            request.responseHeaders.setRawHeaders("X-Two", ["1", "2"])
            request.addCookie("a", "b", path="/legacy")
            request.addCookie("c", "d")
            return b""

        response = fetch(render)
        assert (response.status, response.reason) == (418, "Short and stout")
        assert response.headers["x-latin"] == "café"
        assert response.headers.all("x-two") == ["1", "2"]
        assert response.headers.all("set-cookie") == ["a=b; Path=/legacy", "c=d"]

    def test_not_modified(self, fetch: Any) -> None:
        def render(request: Any) -> bytes:
            return b"" if request.setETag(b'"1"') else b"hello"

        response = fetch(render, headers={"if-none-match": '"1"'})
        assert (response.status, response.body, response.headers["etag"]) == (304, b"", '"1"')

    def test_methods(self, fetch: Any) -> None:
        class Both(TwistedResource):
            def render_PROPFIND(self, request: Any) -> bytes:
                return b"found"

            def render_OPTIONS(self, request: Any) -> bytes:
                return b"options"

        assert fetch(Both(), "PROPFIND").body == b"found"
        assert fetch(Both(), "OPTIONS").body == b"options"
        response = fetch(Both(), "POST")
        assert (response.status, {*response.headers["allow"].split(", ")}) == (405, {"HEAD", "OPTIONS", "PROPFIND"})
        assert fetch(Both(), "BREW").status == 501

    def test_options_star(self) -> None:
        response = Client(mount(lambda request: b"", "/")).request("OPTIONS", "*")
        assert (response.status, response.body) == (200, b"")

    def test_middleware_can_change_the_body(self) -> None:
        app = mount(tree(whole=lambda request: b"hello", streamed=self.stream))

        @app.middleware
        async def louder(request: Request, next: Next) -> Response:
            response = await next(request)
            response.headers["x-seen"] = str(response.status)
            if isinstance(response.body, bytes):
                del response.headers["content-length"]
                response.body = response.body.upper()
            else:
                response.body = upper(response.body)
            return response

        async def upper(parts: Any) -> Any:
            async for part in parts:
                yield part.upper()

        for path, body in (("whole", b"HELLO"), ("streamed", b"HELLO")):
            response = Client(app).get(f"/legacy/{path}")
            assert (response.body, response.headers["x-seen"]) == (body, "200")

    @staticmethod
    def stream(request: Any) -> int:
        request.write(b"hel")
        call_soon(request.write, b"lo")
        call_soon(request.finish)
        return NOT_DONE_YET

    def test_middleware_can_set_status_and_fields(self) -> None:
        app = mount(lambda request: b"hello")

        @app.middleware
        async def teapot(request: Request, next: Next) -> Response:
            request.setResponseCode(418)
            request.setHeader("x-seen", "yes")
            return await next(request)

        response = Client(app).get("/legacy")
        assert (response.status, response.headers["x-seen"], response.body) == (418, "yes", b"hello")

    def test_middleware_can_send_another_response(self) -> None:
        lost: list[Any] = []
        app = mount(self.never_ending(lost))

        @app.middleware
        async def instead(request: Request, next: Next) -> Response:
            await next(request)
            return Response("instead")

        assert Client(app).get("/legacy").text == "instead"
        assert lost == ["stopped", ConnectionLost]

    def test_a_response_after_middleware_has_given_up(self) -> None:
        late: list[Any] = []

        def render(request: Any) -> int:
            late.append(request)
            return NOT_DONE_YET

        app = mount(render)

        @app.middleware
        async def give_up(request: Request, next: Next) -> Any:
            try:
                async with asyncio.timeout(0):
                    return await next(request)
            except TimeoutError:
                raise HTTPError(504) from None

        assert Client(app).get("/legacy").status == 504
        late[0].write(b"hello")
        with pytest.raises(RuntimeError, match="after its connection was lost"):
            late[0].finish()

    @staticmethod
    def never_ending(lost: list[Any]) -> Renderer:
        class Producer:
            def resumeProducing(self) -> None: ...
            def pauseProducing(self) -> None: ...
            def stopProducing(self) -> None:
                lost.append("stopped")

        def render(request: Any) -> int:
            request.notifyFinish().addErrback(lambda failure: lost.append(failure.type))
            request.registerProducer(Producer(), True)
            request.write(b"hello")
            return NOT_DONE_YET

        return render

    def test_the_client_disconnects(self, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        lost: list[Any] = []

        async def leave() -> None:
            client = AsyncClient(mount(self.never_ending(lost)))
            async with await client.stream("GET", "/legacy") as response:
                assert await anext(response) == b"hello"

        run(leave())
        assert lost == ["stopped", ConnectionDone]

    @pytest.mark.parametrize(("resets", "reason"), [(True, ConnectionLost), (False, ConnectionDone)])
    def test_a_reset_and_a_close_have_different_reasons(self, serve: Any, resets: bool, reason: type) -> None:
        lost: list[Any] = []
        server = serve(mount(self.never_ending(lost), limits=Limits(half_close_timeout=0.001)))
        client = server.connect()
        client.get("/legacy")
        client.until(b"hello\r\n")
        if resets:
            client.socket.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
        client.socket.close()
        server.until(lambda: len(lost) == 2)
        assert lost == ["stopped", reason]

    def test_an_asis_file(self, tmp_path: Path) -> None:
        path = tmp_path / "raw.asis"
        path.write_bytes(b"HTTP/1.0 203 Just So\r\nX-Raw: yes\r\nContent-Length: 2\r\n\r\nok")
        response = Client(mount(ASISProcessor(str(path)))).get("/legacy")
        assert (response.status, response.headers["x-raw"], response.body) == (203, "yes", b"ok")


class TestBodies:
    def test_a_form(self, fetch: Any) -> None:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        response = fetch(lambda request: shown(request.args), "POST", headers=kind, body="a=1&b=%C3%BC")
        assert response.body == shown({b"a": [b"1"], b"b": ["ü".encode()]})

    def test_a_multipart_form(self, fetch: Any) -> None:
        kind = {"content-type": "multipart/form-data; boundary=x"}
        body = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ndata\r\n--x--\r\n'
        response = fetch(lambda request: shown(request.args), "POST", headers=kind, body=body)
        assert response.body == shown({b"file": [b"data"]})

    def test_a_malformed_form(self, fetch: Any) -> None:
        kind = {"content-type": "multipart/form-data"}
        response = fetch(lambda request: b"never", "POST", headers=kind, body=b"--x")
        assert (response.status, response.text) == (400, problem(400, "The form is malformed."))

    def test_chunks(self, fetch: Any) -> None:
        assert fetch(lambda request: request.content.read(), "POST", body=[b"a", b"b"]).body == b"ab"

    def test_a_large_body(self, fetch: Any) -> None:
        response = fetch(lambda request: shown(len(request.content.read())), "POST", body=bytes(5_000_000))
        assert response.body == shown(5_000_000)

    def test_a_body_over_its_limit(self) -> None:
        app = App()
        app.mount("/legacy", mounted(Leaf(lambda request: request.content.read()), body_limit=10))
        assert Client(app).post("/legacy", body=bytes(10)).status == 200
        assert Client(app).post("/legacy", body=bytes(11)).status == 413

    def test_a_body_over_the_limit_of_the_engine(self) -> None:
        app = App(limits=Limits(body_size=20))
        app.mount("/legacy", mounted(Leaf(lambda request: request.content.read()), body_limit=None))
        assert Client(app).post("/legacy", body=bytes(20)).status == 200
        assert Client(app).post("/legacy", body=bytes(21)).status == 413


class TestFailures:
    def boom(self, request: Any) -> bytes:
        raise ZeroDivisionError("boom")

    def test_the_app_responds(self, log: Log) -> None:
        response = Client(mount(self.boom), raise_errors=False).get("/legacy")
        assert (response.status, response.text) == (500, problem(500))
        assert "RW208 GET /legacy: " in log.text
        assert "ZeroDivisionError('boom')" in log.text

    def test_the_app_shows_a_traceback_in_debug_mode(self, log: Log) -> None:
        details = Client(mount(self.boom, debug=True), raise_errors=False).get("/legacy").json()
        assert 'raise ZeroDivisionError("boom")' in "\n".join(details["traceback"])

    @pytest.mark.parametrize("later", [False, True])
    def test_an_error_handler_responds(self, later: bool) -> None:
        finished: list[None] = []

        def fail(request: Any) -> Any:
            request.notifyFinish().addCallback(finished.append)
            if not later:
                raise ZeroDivisionError
            failing: Deferred[None] = Deferred()
            failing.addErrback(request.processingFailed).addErrback(lambda _: None)
            call_soon(failing.errback, ZeroDivisionError())
            return NOT_DONE_YET

        app = mount(fail)
        app.error(ZeroDivisionError)(lambda request, error: Response("mended", 422))
        response = Client(app).get("/legacy")
        assert (response.status, response.text, finished) == (422, "mended", [None])

    def test_an_http_error(self) -> None:
        def refuse(request: Any) -> bytes:
            raise HTTPError(403, "Not for you.")

        response = Client(mount(refuse)).get("/legacy")
        assert (response.status, response.text) == (403, problem(403, "Not for you."))

    def test_a_failure_after_the_head(self, log: Log, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        def fail(request: Any) -> int:
            request.write(b"a")
            call_soon(call_soon, request.processingFailed, failure())
            return NOT_DONE_YET

        async def ask() -> None:
            async with (
                AsyncClient(mount(fail), raise_errors=False) as client,
                await client.stream("GET", "/legacy") as response,
            ):
                assert await anext(response) == b"a"
                with pytest.raises(Exception, match="closed"):
                    await anext(response)

        run(ask())
        assert "ZeroDivisionError" in log.text

    def test_a_field_that_cannot_be_sent(self, log: Log) -> None:
        def render(request: Any) -> bytes:
            request.setHeader(b"X", b"\x01")
            return b"never"

        assert Client(mount(render), raise_errors=False).get("/legacy").status == 500
        assert "RW304" in log.text

    def test_a_malformed_content_length(self, log: Log) -> None:
        def render(request: Any) -> int:
            request.setHeader(b"Content-Length", b"3")
            request.write(b"ab")
            request.finish()
            return NOT_DONE_YET

        assert Client(mount(render), raise_errors=False).get("/legacy").status == 500
        assert "RW303" in log.text

    def test_a_failure_after_the_response_is_logged(self, log: Log) -> None:
        def render(request: Any) -> int:
            request.write(b"done")
            request.finish()
            request.processingFailed(failure())
            return NOT_DONE_YET

        assert Client(mount(render)).get("/legacy").text == "done"
        assert len(log) == 1


def failure() -> Any:
    from twisted.python.failure import Failure

    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        return Failure()
