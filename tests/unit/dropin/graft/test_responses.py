"""The responses of a grafted app."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.graft.program import Program, Room, app_of
from tests.unit.dropin.mounts import tree
from twisted.internet.defer import Deferred, succeed

from ropewalk import NOT_DONE_YET, App, Request, Resource, Response
from ropewalk.dropin import graft
from ropewalk.middleware import Next


class TestResponses:
    @pytest.mark.parametrize(
        ("value", "kind", "body"),
        [
            ("text", "text/plain; charset=utf-8", b"text"),
            (b"bytes", "application/octet-stream", b"bytes"),
            ({"a": 1}, "application/json", b'{"a":1}'),
            (Room(7), "application/json", b'{"number":7}'),
            (Response("whole", 201, {"X": "y"}), "text/plain; charset=utf-8", b"whole"),
            (None, None, b""),
        ],
    )
    @pytest.mark.parametrize("later", [False, True])
    def test_values(self, program: Program, value: Any, kind: str | None, body: bytes, later: bool) -> None:
        async def wait(request: Request) -> Any:
            result: Deferred[Any] = Deferred()
            program.world.reactor.callLater(0, result.callback, value)
            return await result

        program.graft(app_of(wait if later else lambda request: value))
        reply = program.get("/api/")
        assert (reply.headers["content-type"], reply.body) == (kind, body)
        assert reply.headers["server"] is None

    def test_a_deferred(self, socket_program: Program) -> None:
        socket_program.graft(app_of(lambda request: succeed("fired")))
        assert socket_program.get("/api/").text == "fired"

    def test_head(self, program: Program) -> None:
        program.graft(app_of(lambda request: "hello"))
        reply = program.ask("HEAD", "/api/")
        assert (reply.headers["content-length"], reply.body) == ("5", b"")

    def test_a_stream(self, program: Program) -> None:
        async def parts(request: Request) -> AsyncIterator[bytes]:
            for _ in range(20):
                result: Deferred[None] = Deferred()
                program.world.reactor.callLater(0, result.callback, None)
                await result
                yield bytes(10_000)

        program.graft(app_of(parts))
        reply = program.get("/api/")
        assert (reply.headers["transfer-encoding"], reply.body) == ("chunked", bytes(200_000))

    def test_a_file(self, program: Program, tmp_path: Path) -> None:
        (tmp_path / "large.bin").write_bytes(bytes(1_000_000))
        program.graft(app_of(lambda request: tmp_path / "large.bin"))
        assert program.get("/api/").body == bytes(1_000_000)

    def test_a_resource_that_writes_its_response(self, program: Program) -> None:
        class Writer(Resource):
            def render_GET(self, request: Request) -> int:
                request.setResponseCode(203)
                request.setHeader("X", "y")
                request.write("a")
                program.world.reactor.callLater(0, self.more, request)
                return NOT_DONE_YET

            def more(self, request: Request) -> None:
                request.write("b")
                request.finish()

        program.graft(Writer())
        reply = program.get("/api")
        assert (reply.status, reply.headers["x"], reply.text) == (203, "y", "ab")

    def test_middleware_and_error_handlers(self, program: Program) -> None:
        async def stamp(request: Request, next: Next) -> Response:
            response = await next(request)
            response.headers["X-Stamp"] = str(response.status)
            return response

        app = App(middleware=[stamp])
        app.get("/")(lambda request: "hello")
        app.get("/error")(lambda request: 1 / 0)
        app.error(ZeroDivisionError)(lambda request, error: Response("handled", 422))
        program.graft(app)
        assert program.get("/api/").headers["x-stamp"] == "200"
        reply = program.get("/api/error")
        assert (reply.status, reply.text, reply.headers["x-stamp"]) == (422, "handled", "422")

    def test_an_exception_without_error_handler(self, program: Program, log: Log) -> None:
        program.graft(app_of(lambda request: 1 / 0))
        assert program.get("/api/").status == 500
        assert "RW208 GET /api/: " in log.text
        assert "raised ZeroDivisionError" in log.text

    def test_a_traceback_in_debug_mode(self, socket_program: Program, log: Log) -> None:
        socket_program.graft(app_of(lambda request: 1 / 0, debug=True))
        assert "ZeroDivisionError: division by zero" in socket_program.get("/api/").text

    def test_http_1_0(self, program: Program) -> None:
        program.graft(app_of(lambda request: (part for part in ("a", "b"))))
        client = program.connect()
        client.send(b"GET /api/ HTTP/1.0\r\n\r\n")
        head, body = client.rest().split(b"\r\n\r\n")
        assert body == b"ab"
        assert b"Transfer-Encoding" not in head

    def test_one_connection_for_several_requests(self, program: Program) -> None:
        root = tree(theirs=lambda request: b"theirs", ours=graft(app_of(lambda request: "ours")))
        program.serve(root)
        client = program.connect()
        for _ in range(3):
            client.get("/theirs")
            client.until(b"theirs")
            client.get("/ours/")
            client.until(b"ours")

    def test_pipelined(self, program: Program) -> None:
        async def wait(request: Request) -> str:
            result: Deferred[str] = Deferred()
            program.world.reactor.callLater(0, result.callback, f"[{request.query['n']}]")
            return await result

        program.graft(app_of(wait))
        client = program.connect()
        client.send(b"".join(b"GET /api/?n=%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(20)))
        received = client.until(b"[19]")
        assert [received.count(b"[%d]" % number) for number in range(20)] == [1] * 20
        assert [request.args[b"n"] for request in program.site.logged] == [[b"%d" % n] for n in range(20)]
