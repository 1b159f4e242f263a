"""The request of twisted.web during the response of a grafted app."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.graft.program import Program, app_of
from tests.unit.dropin.mounts import mount, shown, tree
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.web.resource import EncodingResourceWrapper
from twisted.web.resource import Resource as TwistedResource
from twisted.web.server import GzipEncoderFactory

from ropewalk import NOT_DONE_YET, App, Request, Resource, Response
from ropewalk.dropin import around, graft


class TestFinish:
    """When the app has responded, twisted.web finishes and logs the request like any other."""

    @pytest.mark.parametrize(("method", "sent"), [("GET", 5), ("HEAD", 0)])
    def test_the_logged_request(self, program: Program, method: str, sent: int) -> None:
        program.graft(app_of(lambda request: Response("hello", 203)))
        program.ask(method, "/api/")
        [request] = program.site.logged
        assert (request.code, request.code_message) == (203, b"Non-Authoritative Information")
        assert (request.sentLength, request.finished) == (sent, 1)

    def test_the_line_in_the_access_log(self, socket_program: Program, tmp_path: Path) -> None:
        socket_program.graft(app_of(lambda request: "hello"))
        from twisted.web.http import combinedLogFormatter

        socket_program.get("/api/?a=b", "User-Agent: test")
        assert '"GET /api/?a=b HTTP/1.1" 200 5 "-" "test"' in combinedLogFormatter("now", socket_program.site.logged[0])

    def test_both_requests_are_finished(self, program: Program) -> None:
        finished: list[Any] = []

        def hello(request: Request) -> str:
            around(request).notifyFinish().addCallback(lambda _: finished.append("theirs"))
            request.notifyFinish().addCallback(lambda _: finished.append("ours"))
            return "hello"

        program.graft(app_of(hello))
        program.get("/api/")
        assert sorted(finished) == ["ours", "theirs"]

    def test_the_client_disconnects(self, program: Program) -> None:
        events: list[Any] = []

        async def wait(request: Request) -> None:
            around(request).notifyFinish().addErrback(lambda failure: events.append(failure.type))
            waiting: Deferred[None] = Deferred(lambda _: events.append("cancelled"))
            events.append("waiting")
            await waiting

        program.graft(app_of(wait))
        client = program.connect()
        client.get("/api/")
        program.world.until(lambda: events)
        client.socket.close()
        program.world.until(lambda: len(events) == 3)
        assert sorted(events, key=str) == [ConnectionDone, "cancelled", "waiting"]
        assert program.site.logged == []

    def test_a_client_that_does_not_read(self, program: Program) -> None:
        sent: list[int] = []

        def parts(request: Request) -> Iterator[bytes]:
            for number in range(300):
                sent.append(number)
                yield bytes(25_000)

        program.graft(app_of(parts))
        client = program.connect()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000)
        client.get("/api/", "Connection: close")
        program.world.until(lambda: sent)
        program.world.turn(300)
        taken = len(sent)
        program.world.turn(300)
        assert taken == len(sent) < 300
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        assert client.rest().count(b"\0") == 7_500_000


class TestCarriedFields:
    """Fields and cookies that are set on the request of twisted.web before the app responds."""

    def serve(self, program: Program, prepare: Callable[[Any], None], app: App | None = None) -> Program:
        class Root(TwistedResource):
            def getChildWithDefault(self, name: bytes, request: Any) -> Any:
                prepare(request)
                return super().getChildWithDefault(name, request)

        root = Root()
        root.putChild(b"api", graft(app or app_of(lambda request: "hello")))
        return program.serve(root)

    def test_fields(self, program: Program) -> None:
        def prepare(request: Any) -> None:
            request.setHeader("X-Frame-Options", "DENY")
            request.setHeader("Content-Security-Policy", "default-src 'self'")
            request.setHeader("Content-Type", "text/html")
            request.setHeader("Content-Encoding", "gzip")

        reply = self.serve(program, prepare).get("/api/")
        assert reply.headers["x-frame-options"] == "DENY"
        assert reply.headers["content-security-policy"] == "default-src 'self'"
        assert reply.headers.get_all("content-type") == ["text/plain; charset=utf-8"]
        assert reply.headers["content-encoding"] is None
        assert len(reply.headers.get_all("date") or ()) == 1

    @pytest.mark.parametrize("path", ["text", "response", "stream", "itself", "error", "nowhere"])
    def test_fields_of_every_kind_of_response(self, socket_program: Program, log: Log, path: str) -> None:
        class Itself(Resource):
            def render_GET(self, request: Request) -> int:
                request.write("itself")
                request.finish()
                return NOT_DONE_YET

        app = App()
        app.get("/text")(lambda request: "text")
        app.get("/response")(lambda request: Response("response"))
        app.get("/stream")(lambda request: iter(["a", "b"]))
        app.get("/error")(lambda request: 1 / 0)
        app.mount("/itself", Itself())
        reply = self.serve(socket_program, lambda request: request.setHeader("X-A", "b"), app).get(f"/api/{path}")
        assert reply.headers.get_all("x-a") == ["b"]

    def test_fields_of_the_app_have_priority(self, socket_program: Program) -> None:
        app = app_of(lambda request: Response("hello", headers={"x-a": "ours"}))
        reply = self.serve(socket_program, lambda request: request.setHeader("X-A", "theirs"), app).get("/api/")
        assert reply.headers.get_all("x-a") == ["ours"]

    def test_cookies(self, socket_program: Program) -> None:
        def hello(request: Request) -> Response:
            response = Response("hello")
            response.set_cookie("ours", "b")
            return response

        reply = self.serve(socket_program, lambda request: request.addCookie("theirs", "a"), app_of(hello)).get("/api/")
        assert [cookie.split(";")[0] for cookie in reply.headers.get_all("set-cookie") or ()] == ["ours=b", "theirs=a"]

    def test_an_encoder_does_not_encode_the_response(self, socket_program: Program) -> None:
        wrapped = EncodingResourceWrapper(graft(app_of(lambda request: "hello")), [GzipEncoderFactory()])
        reply = socket_program.serve(tree(api=wrapped)).get("/api/", "Accept-Encoding: gzip")
        assert (reply.headers["content-encoding"], reply.text) == (None, "hello")


class TestSessions:
    def count(self, request: Any) -> Any:
        session = request.getSession()
        session.count = getattr(session, "count", 0) + 1
        return str(session.count).encode()

    def test_one_session_for_the_whole_tree(self, socket_program: Program) -> None:
        app = mount(self.count, "/deep")
        app.get("/")(lambda request: self.count(around(request)))
        socket_program.serve(tree(theirs=self.count, ours=graft(app)))
        reply = socket_program.get("/ours/")
        cookie = "Cookie: " + reply.headers["set-cookie"].split(";")[0]
        assert reply.text == "1"
        assert socket_program.get("/theirs", cookie).text == "2"
        assert socket_program.get("/ours/deep", cookie).text == "3"
        assert socket_program.get("/ours/", cookie).text == "4"
        for session in list(socket_program.site.sessions.values()):
            session.expire()


class TestMountedInside:
    """A resource of twisted.web in an app in a tree of twisted.web."""

    def test_places(self, program: Program) -> None:
        def where(request: Any) -> bytes:
            return shown(request.prepath, request.postpath, request.childLink(b"x"), request.prePathURL())

        program.graft(mount(tree(leaf=where)))
        port = program.port.getHost().port
        url = f"http://a:{port}/api/legacy/leaf".encode()
        assert program.get("/api/legacy/leaf/a").body == shown([b"api", b"legacy", b"leaf"], [b"a"], b"x", url)

    def test_bodies(self, socket_program: Program) -> None:
        socket_program.graft(mount(lambda request: request.content.read()))
        assert socket_program.ask("POST", "/api/legacy", body=b"hello").text == "hello"
