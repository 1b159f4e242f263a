"""The request of twisted.web while a grafted app responds to it."""

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


class TestBooks:
    """Twisted's own, in which the request is finished like any other."""

    @pytest.mark.parametrize(("method", "sent"), [("GET", 5), ("HEAD", 0)])
    def test_what_is_logged(self, program: Program, method: str, sent: int) -> None:
        program.graft(app_of(lambda request: Response("hello", 203)))
        program.ask(method, "/api/")
        [request] = program.site.logged
        assert (request.code, request.code_message) == (203, b"Non-Authoritative Information")
        assert (request.sentLength, request.finished) == (sent, 1)

    def test_the_line(self, one: Program, tmp_path: Path) -> None:
        one.graft(app_of(lambda request: "hello"))
        from twisted.web.http import combinedLogFormatter

        one.get("/api/?a=b", "User-Agent: test")
        assert '"GET /api/?a=b HTTP/1.1" 200 5 "-" "test"' in combinedLogFormatter("now", one.site.logged[0])

    def test_finished(self, program: Program) -> None:
        finished: list[Any] = []

        def hello(request: Request) -> str:
            around(request).notifyFinish().addCallback(lambda _: finished.append("theirs"))
            request.notifyFinish().addCallback(lambda _: finished.append("ours"))
            return "hello"

        program.graft(app_of(hello))
        program.get("/api/")
        assert sorted(finished) == ["ours", "theirs"]

    def test_the_client_leaves(self, program: Program) -> None:
        told: list[Any] = []

        async def wait(request: Request) -> None:
            around(request).notifyFinish().addErrback(lambda failure: told.append(failure.type))
            waiting: Deferred[None] = Deferred(lambda _: told.append("cancelled"))
            told.append("waiting")
            await waiting

        program.graft(app_of(wait))
        client = program.connect()
        client.get("/api/")
        program.world.until(lambda: told)
        client.socket.close()
        program.world.until(lambda: len(told) == 3)
        assert sorted(told, key=str) == [ConnectionDone, "cancelled", "waiting"]
        assert program.site.logged == []

    def test_a_client_that_takes_nothing(self, program: Program) -> None:
        given: list[int] = []

        def parts(request: Request) -> Iterator[bytes]:
            for number in range(300):
                given.append(number)
                yield bytes(25_000)

        program.graft(app_of(parts))
        client = program.connect()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000)
        client.get("/api/", "Connection: close")
        program.world.until(lambda: given)
        program.world.turn(300)
        taken = len(given)
        program.world.turn(300)
        assert taken == len(given) < 300
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        assert client.rest().count(b"\0") == 7_500_000


class TestCarried:
    """What was set on Twisted's request before, for the answer."""

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
    def test_of_any_answer(self, one: Program, log: Log, path: str) -> None:
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
        reply = self.serve(one, lambda request: request.setHeader("X-A", "b"), app).get(f"/api/{path}")
        assert reply.headers.get_all("x-a") == ["b"]

    def test_our_own_count(self, one: Program) -> None:
        app = app_of(lambda request: Response("hello", headers={"x-a": "ours"}))
        reply = self.serve(one, lambda request: request.setHeader("X-A", "theirs"), app).get("/api/")
        assert reply.headers.get_all("x-a") == ["ours"]

    def test_cookies(self, one: Program) -> None:
        def hello(request: Request) -> Response:
            response = Response("hello")
            response.set_cookie("ours", "b")
            return response

        reply = self.serve(one, lambda request: request.addCookie("theirs", "a"), app_of(hello)).get("/api/")
        assert [cookie.split(";")[0] for cookie in reply.headers.get_all("set-cookie") or ()] == ["ours=b", "theirs=a"]

    def test_an_encoder_has_nothing_to_do(self, one: Program) -> None:
        wrapped = EncodingResourceWrapper(graft(app_of(lambda request: "hello")), [GzipEncoderFactory()])
        reply = one.serve(tree(api=wrapped)).get("/api/", "Accept-Encoding: gzip")
        assert (reply.headers["content-encoding"], reply.text) == (None, "hello")


class TestSessions:
    def count(self, request: Any) -> Any:
        session = request.getSession()
        session.count = getattr(session, "count", 0) + 1
        return str(session.count).encode()

    def test_one_session_for_the_whole_tree(self, one: Program) -> None:
        app = mount(self.count, "/deep")
        app.get("/")(lambda request: self.count(around(request)))
        one.serve(tree(theirs=self.count, ours=graft(app)))
        reply = one.get("/ours/")
        told = "Cookie: " + reply.headers["set-cookie"].split(";")[0]
        assert reply.text == "1"
        assert one.get("/theirs", told).text == "2"
        assert one.get("/ours/deep", told).text == "3"
        assert one.get("/ours/", told).text == "4"
        for session in list(one.site.sessions.values()):
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

    def test_bodies(self, one: Program) -> None:
        one.graft(mount(lambda request: request.content.read()))
        assert one.ask("POST", "/api/legacy", body=b"hello").text == "hello"
