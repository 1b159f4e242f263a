"""The body of a request that a grafted app receives."""

from typing import Any

import pytest
from tests.unit.dropin.graft.program import Program, Reply, Room, app_of
from tests.unit.dropin.mounts import pass_on

from ropewalk import App, Request, Response
from ropewalk.middleware import BodyLimitOptions, body_limit

AS_JSON = "Content-Type: application/json"


class TestBody:
    def test_every_method_that_reads_it(self, program: Program) -> None:
        app = App()

        @app.post("/content")
        def content(request: Request) -> bytes:
            return request.content.read()

        @app.post("/body")
        async def body(request: Request) -> bytes:
            return await request.body() + await request.body()

        @app.post("/text")
        async def text(request: Request) -> str:
            return await request.text()

        @app.post("/json")
        async def json(request: Request) -> Response:
            return Response(str((await request.json(Room)).number))

        @app.post("/stream")
        async def stream(request: Request) -> Any:
            return (part async for part in request.stream())

        @app.post("/both")
        async def both(request: Request) -> bytes:
            start = request.content.read(5)
            return start + await request.body() + request.content.read()

        program.graft(app)
        sent = b'{"number": 7}'
        expected = {"json": b"7", "body": sent + sent, "both": sent[:5] + sent + sent[5:]}
        for path in ("content", "body", "text", "json", "stream", "both"):
            assert program.ask("POST", f"/api/{path}", AS_JSON, body=sent).body == expected.get(path, sent), path

    def test_a_body_of_the_wrong_type(self, socket_program: Program) -> None:
        app = App()

        @app.post("/")
        async def json(request: Request) -> str:
            return str(await request.json(Room))

        socket_program.graft(app)
        assert socket_program.ask("POST", "/api/", AS_JSON, body=b'{"number": "seven"}').status == 422
        assert socket_program.ask("POST", "/api/", AS_JSON, body=b"{").status == 400
        assert socket_program.ask("POST", "/api/", body=b"{}").status == 415

    def test_a_large_body(self, program: Program) -> None:
        """twisted.web keeps a large body in a file."""
        app = App()
        app.post("/plain")(lambda request: str(len(request.content.read())))

        @app.post("/async")
        async def body(request: Request) -> str:
            return str(len(await request.body()))

        program.graft(app)
        for path in ("plain", "async"):
            assert program.ask("POST", f"/api/{path}", body=bytes(2_000_000)).text == "2000000"

    def test_chunks(self, socket_program: Program) -> None:
        socket_program.graft(app_of(lambda request: request.content.read()))
        client = socket_program.connect()
        client.send(b"POST /api/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")
        assert client.until(b"ab")

    def test_no_body(self, socket_program: Program) -> None:
        app = App()

        @app.get("/")
        async def nothing(request: Request) -> str:
            return repr([request.content.read(), await request.body(), [part async for part in request.stream()]])

        socket_program.graft(app)
        assert socket_program.get("/api/").text == "[b'', b'', []]"

    def test_a_form_that_twisted_has_parsed(self, socket_program: Program) -> None:
        socket_program.graft(app_of(lambda request: request.content.read()))
        kind = "Content-Type: application/x-www-form-urlencoded"
        assert socket_program.ask("POST", "/api/", kind, body=b"a=b").text == "a=b"

    @pytest.mark.parametrize("middleware", [False, True])
    def test_the_limit_of_a_route(self, socket_program: Program, middleware: bool) -> None:
        app = App()
        app.post("/", body_limit=3)(lambda request: request.content.read())
        if middleware:
            app.middleware(pass_on)
        socket_program.graft(app)
        assert socket_program.ask("POST", "/api/", body=b"abc").text == "abc"
        assert socket_program.ask("POST", "/api/", body=b"abcd").status == 413

    def test_the_limit_of_a_middleware(self, socket_program: Program) -> None:
        app = App(middleware=[body_limit(BodyLimitOptions(body_limit=3))])
        app.post("/")(lambda request: request.content.read())
        socket_program.graft(app)
        assert socket_program.ask("POST", "/api/", body=b"abc").text == "abc"
        assert socket_program.ask("POST", "/api/", body=b"abcd").status == 413
        client = socket_program.connect()
        head = b"POST /api/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        client.send(head + b"4\r\nabcd\r\n0\r\n\r\n")
        assert Reply("POST", client.rest()).status == 413

    @pytest.mark.parametrize("way", ["body", "stream"])
    def test_the_limit_of_a_handler(self, socket_program: Program, way: str) -> None:
        app = App()

        @app.post("/")
        async def read(request: Request) -> bytes:
            if way == "body":
                return await request.body(3)
            return b"".join([part async for part in request.stream(3)])

        socket_program.graft(app)
        assert socket_program.ask("POST", "/api/", body=b"abc").text == "abc"
        assert socket_program.ask("POST", "/api/", body=b"abcd").status == 413
