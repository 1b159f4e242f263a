"""Apps and resources of ours in a tree of twisted.web."""

import io
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import msgspec
import pytest
import twisted.internet
from klein import Klein
from tests.unit.conftest import Log
from tests.unit.dropin.mounts import mount, shown, tree
from tests.unit.dropin.world import WAYS, World, world
from tests.unit.dropin.world import Client as Wire
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.resource import EncodingResourceWrapper, IResource
from twisted.web.resource import Resource as TwistedResource
from twisted.web.server import GzipEncoderFactory, Site
from twisted.web.static import Data
from twisted.web.vhost import VHostMonsterResource
from zope.interface.verify import verifyObject

from ropewalk import NOT_DONE_YET, App, Request, Resource, Response, TrustedProxies
from ropewalk.dropin import HTTPChannel, accelerate, around, graft
from ropewalk.errors import StartError, TreeError
from ropewalk.middleware import Next
from ropewalk.resource import Hosted
from ropewalk.testing import Client


class Books(Site):
    """A site that keeps what it is asked to log."""

    def __init__(self, resource: Any, world: World) -> None:
        super().__init__(resource, reactor=world.reactor)
        self.logged: list[Any] = []

    def log(self, request: Any) -> None:
        self.logged.append(request)


class Program:
    """A program of twisted.web, on the engine."""

    def __init__(self, world: World, way: str) -> None:
        self.world = world
        self._way = way
        self.site: Books

    def serve(self, root: Any) -> "Program":
        self.site = Books(root, self.world)
        self.port = self.world.listen(self.site, self._way)
        return self

    def graft(self, app: Any, at: str = "api") -> "Program":
        return self.serve(tree(**{at: graft(app)}))

    def connect(self) -> Wire:
        return self.world.connect(self.port)

    def ask(self, method: str, path: str, *fields: str, body: bytes = b"", version: str = "1.1") -> "Reply":
        client = self.connect()
        lines = [f"{method} {path} HTTP/{version}", "Host: a", "Connection: close", *fields]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        client.send("\r\n".join([*lines, "", ""]).encode() + body)
        return Reply(method, client.rest())

    def shut_down(self) -> None:
        self.world.reactor.fireSystemEvent("shutdown")
        self.world.until(lambda: self._way != "accepted" or not self.port.connected)

    def get(self, path: str, *fields: str) -> "Reply":
        return self.ask("GET", path, *fields)


class Reply:
    def __init__(self, method: str, received: bytes) -> None:
        class Socket:
            def makefile(self, mode: str) -> Any:
                return io.BytesIO(received)

        socket: Any = Socket()
        response = HTTPResponse(socket, method=method)
        response.begin()
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        self.text = self.body.decode()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world() as made:
        monkeypatch.setattr(twisted.internet, "reactor", made.reactor, raising=False)
        yield made


@pytest.fixture(params=WAYS)
def program(request: pytest.FixtureRequest, made: World) -> Program:
    return Program(made, request.param)


@pytest.fixture
def one(made: World) -> Program:
    """For what the way of being connected makes no difference to."""
    return Program(made, "accepted")


def answering(call: Callable[..., Any], **options: Any) -> App:
    app = App(**options)
    app.route("/", methods=["GET", "POST"])(call)
    return app


class TestPlaces:
    def where(self, request: Request) -> str:
        return f"{request.prepath} {request.postpath}"

    def test_it_is_a_resource_of_twisteds(self) -> None:
        assert verifyObject(IResource, graft(App()))

    def test_routes(self, program: Program) -> None:
        app = App()
        app.get("/")(self.where)
        app.get("/rooms/{number:int}")(lambda request, number: f"{number!r} {self.where(request)}")
        program.graft(app)
        assert program.get("/api/").text == "['api', ''] []"
        assert program.get("/api/rooms/7?a=b").text == "7 ['api', 'rooms', '7'] []"
        assert program.get("/api/rooms/seven").status == 404
        assert program.get("/elsewhere").status == 404

    def test_at_the_root(self, one: Program) -> None:
        app = App()
        app.get("/")(self.where)
        app.get("/a")(self.where)
        one.serve(graft(app))
        assert one.get("/").text == "[''] []"
        assert one.get("/a").text == "['a'] []"

    def test_a_leaf(self, one: Program) -> None:
        class Rest(Resource):
            isLeaf = True

            def render_GET(leaf, request: Request) -> str:
                return self.where(request)

        root = Resource()
        root.putChild("rest", Rest())
        one.serve(tree(deep=tree(api=graft(root))))
        assert one.get("/deep/api/rest/a%2Fb/%C3%BC").text == "['deep', 'api', 'rest'] ['a/b', 'ü']"

    def test_slashes(self, one: Program) -> None:
        one.graft(answering(self.where))
        reply = one.get("/api")
        assert (reply.status, reply.headers["location"]) == (308, "/api/")

    def test_methods(self, one: Program) -> None:
        one.graft(answering(self.where))
        reply = one.ask("DELETE", "/api/")
        assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
        assert one.ask("OPTIONS", "/api/").status == 204

    def test_urls(self, one: Program) -> None:
        app = App()
        app.get("/rooms/{number}", name="room")(lambda request, number: request.url_for("room", number="a b"))
        one.serve(tree(**{"an api": graft(app)}))
        assert one.get("/an%20api/rooms/7").text == "/an%20api/rooms/a%20b"

    def test_in_klein(self, one: Program) -> None:
        klein = Klein()
        grafted = graft(answering(self.where))

        @klein.route("/api/", branch=True)
        def api(request: Any) -> Any:
            return grafted

        one.serve(tree(klein=klein.resource()))
        assert one.get("/klein/api/").text == "['klein', 'api', ''] []"
        assert one.get("/klein/api/nothing").status == 404

    def test_behind_what_rewrites_paths(self, one: Program) -> None:
        """As proxies do that name the host and port in the path."""
        monster = VHostMonsterResource()
        one.serve(tree(vhost=monster, api=graft(answering(self.where))))
        assert one.get("/vhost/http/example.com/api/").text == "['api', ''] []"

    def test_a_path_that_is_not_utf8(self, one: Program) -> None:
        one.graft(App())
        assert one.get("/api/%ff").status == 400


class Room(msgspec.Struct):
    number: int


class TestBodies:
    def test_in_every_way(self, program: Program) -> None:
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
        said = b'{"number": 7}'
        expected = {"json": b"7", "body": said + said, "both": said[:5] + said + said[5:]}
        for path in ("content", "body", "text", "json", "stream", "both"):
            assert program.ask("POST", f"/api/{path}", body=said).body == expected.get(path, said), path

    def test_what_does_not_fit(self, one: Program) -> None:
        app = App()

        @app.post("/")
        async def json(request: Request) -> str:
            return str(await request.json(Room))

        one.graft(app)
        assert one.ask("POST", "/api/", body=b'{"number": "seven"}').status == 422
        assert one.ask("POST", "/api/", body=b"{").status == 400

    def test_a_large_one(self, program: Program) -> None:
        """That is in a file by then."""
        app = App()
        app.post("/plain")(lambda request: str(len(request.content.read())))

        @app.post("/async")
        async def body(request: Request) -> str:
            return str(len(await request.body()))

        program.graft(app)
        for path in ("plain", "async"):
            assert program.ask("POST", f"/api/{path}", body=bytes(2_000_000)).text == "2000000"

    def test_chunks(self, one: Program) -> None:
        one.graft(answering(lambda request: request.content.read()))
        client = one.connect()
        client.send(b"POST /api/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")
        assert client.until(b"ab")

    def test_none(self, one: Program) -> None:
        app = App()

        @app.get("/")
        async def nothing(request: Request) -> str:
            return repr([request.content.read(), await request.body(), [part async for part in request.stream()]])

        one.graft(app)
        assert one.get("/api/").text == "[b'', b'', []]"

    def test_a_form_that_twisted_has_read(self, one: Program) -> None:
        one.graft(answering(lambda request: request.content.read()))
        kind = "Content-Type: application/x-www-form-urlencoded"
        assert one.ask("POST", "/api/", kind, body=b"a=b").text == "a=b"

    @pytest.mark.parametrize("middleware", [False, True])
    def test_the_limit_of_a_route(self, one: Program, middleware: bool) -> None:
        app = App()
        app.post("/", body_limit=3)(lambda request: request.content.read())
        if middleware:
            app.middleware(pass_on)
        one.graft(app)
        assert one.ask("POST", "/api/", body=b"abc").text == "abc"
        assert one.ask("POST", "/api/", body=b"abcd").status == 413

    @pytest.mark.parametrize("way", ["body", "stream"])
    def test_the_limit_of_a_handler(self, one: Program, way: str) -> None:
        app = App()

        @app.post("/")
        async def read(request: Request) -> bytes:
            if way == "body":
                return await request.body(3)
            return b"".join([part async for part in request.stream(3)])

        one.graft(app)
        assert one.ask("POST", "/api/", body=b"abc").text == "abc"
        assert one.ask("POST", "/api/", body=b"abcd").status == 413


async def pass_on(request: Request, next: Next) -> Any:
    return await next(request)


class TestAnswers:
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
            soon: Deferred[Any] = Deferred()
            program.world.reactor.callLater(0, soon.callback, value)
            return await soon

        program.graft(answering(wait if later else lambda request: value))
        reply = program.get("/api/")
        assert (reply.headers["content-type"], reply.body) == (kind, body)
        assert reply.headers["server"] is None

    def test_a_deferred(self, one: Program) -> None:
        one.graft(answering(lambda request: succeed("fired")))
        assert one.get("/api/").text == "fired"

    def test_head(self, program: Program) -> None:
        program.graft(answering(lambda request: "hello"))
        reply = program.ask("HEAD", "/api/")
        assert (reply.headers["content-length"], reply.body) == ("5", b"")

    def test_a_stream(self, program: Program) -> None:
        async def parts(request: Request) -> AsyncIterator[bytes]:
            for _ in range(20):
                soon: Deferred[None] = Deferred()
                program.world.reactor.callLater(0, soon.callback, None)
                await soon
                yield bytes(10_000)

        program.graft(answering(parts))
        reply = program.get("/api/")
        assert (reply.headers["transfer-encoding"], reply.body) == ("chunked", bytes(200_000))

    def test_a_file(self, program: Program, tmp_path: Path) -> None:
        (tmp_path / "large.bin").write_bytes(bytes(1_000_000))
        program.graft(answering(lambda request: tmp_path / "large.bin"))
        assert program.get("/api/").body == bytes(1_000_000)

    def test_a_resource_that_answers_by_itself(self, program: Program) -> None:
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
        app.error(ZeroDivisionError)(lambda request, error: Response("mended", 422))
        program.graft(app)
        assert program.get("/api/").headers["x-stamp"] == "200"
        reply = program.get("/api/error")
        assert (reply.status, reply.text, reply.headers["x-stamp"]) == (422, "mended", "422")

    def test_what_nothing_handles(self, program: Program, log: Log) -> None:
        program.graft(answering(lambda request: 1 / 0))
        assert program.get("/api/").status == 500
        assert "RW208 GET /api/: " in log.text
        assert "raised ZeroDivisionError" in log.text

    def test_a_traceback_for_who_wants_it(self, one: Program, log: Log) -> None:
        one.graft(answering(lambda request: 1 / 0, debug=True))
        assert "ZeroDivisionError: division by zero" in one.get("/api/").text

    def test_http_1_0(self, program: Program) -> None:
        program.graft(answering(lambda request: (part for part in ("a", "b"))))
        client = program.connect()
        client.send(b"GET /api/ HTTP/1.0\r\n\r\n")
        head, body = client.rest().split(b"\r\n\r\n")
        assert body == b"ab"
        assert b"Transfer-Encoding" not in head

    def test_one_connection_for_many(self, program: Program) -> None:
        root = tree(theirs=lambda request: b"theirs", ours=graft(answering(lambda request: "ours")))
        program.serve(root)
        client = program.connect()
        for _ in range(3):
            client.get("/theirs")
            client.until(b"theirs")
            client.get("/ours/")
            client.until(b"ours")

    def test_pipelined(self, program: Program) -> None:
        async def wait(request: Request) -> str:
            soon: Deferred[str] = Deferred()
            program.world.reactor.callLater(0, soon.callback, f"[{request.query['n']}]")
            return await soon

        program.graft(answering(wait))
        client = program.connect()
        client.send(b"".join(b"GET /api/?n=%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(20)))
        received = client.until(b"[19]")
        assert [received.count(b"[%d]" % number) for number in range(20)] == [1] * 20
        assert [request.args[b"n"] for request in program.site.logged] == [[b"%d" % n] for n in range(20)]


class TestBooks:
    """Twisted's own, in which the request is finished like any other."""

    @pytest.mark.parametrize(("method", "sent"), [("GET", 5), ("HEAD", 0)])
    def test_what_is_logged(self, program: Program, method: str, sent: int) -> None:
        program.graft(answering(lambda request: Response("hello", 203)))
        program.ask(method, "/api/")
        [request] = program.site.logged
        assert (request.code, request.code_message) == (203, b"Non-Authoritative Information")
        assert (request.sentLength, request.finished) == (sent, 1)

    def test_the_line(self, one: Program, tmp_path: Path) -> None:
        one.graft(answering(lambda request: "hello"))
        from twisted.web.http import combinedLogFormatter

        one.get("/api/?a=b", "User-Agent: test")
        assert '"GET /api/?a=b HTTP/1.1" 200 5 "-" "test"' in combinedLogFormatter("now", one.site.logged[0])

    def test_finished(self, program: Program) -> None:
        finished: list[Any] = []

        def hello(request: Request) -> str:
            around(request).notifyFinish().addCallback(lambda _: finished.append("theirs"))
            request.notifyFinish().addCallback(lambda _: finished.append("ours"))
            return "hello"

        program.graft(answering(hello))
        program.get("/api/")
        assert sorted(finished) == ["ours", "theirs"]

    def test_the_client_leaves(self, program: Program) -> None:
        told: list[Any] = []

        async def wait(request: Request) -> None:
            around(request).notifyFinish().addErrback(lambda failure: told.append(failure.type))
            waiting: Deferred[None] = Deferred(lambda _: told.append("cancelled"))
            told.append("waiting")
            await waiting

        program.graft(answering(wait))
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

        program.graft(answering(parts))
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
        root.putChild(b"api", graft(app or answering(lambda request: "hello")))
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
        app = answering(lambda request: Response("hello", headers={"x-a": "ours"}))
        reply = self.serve(one, lambda request: request.setHeader("X-A", "theirs"), app).get("/api/")
        assert reply.headers.get_all("x-a") == ["ours"]

    def test_cookies(self, one: Program) -> None:
        def hello(request: Request) -> Response:
            response = Response("hello")
            response.set_cookie("ours", "b")
            return response

        reply = self.serve(one, lambda request: request.addCookie("theirs", "a"), answering(hello)).get("/api/")
        assert [cookie.split(";")[0] for cookie in reply.headers.get_all("set-cookie") or ()] == ["ours=b", "theirs=a"]

    def test_an_encoder_has_nothing_to_do(self, one: Program) -> None:
        wrapped = EncodingResourceWrapper(graft(answering(lambda request: "hello")), [GzipEncoderFactory()])
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


class TestLife:
    def test_it_starts_with_its_first_request_and_stops_with_the_last(self, program: Program) -> None:
        told: list[str] = []
        app = App()
        starting: Deferred[None] = Deferred()
        answer: Deferred[str] = Deferred()

        @app.on_start
        async def start() -> None:
            told.append("starting")
            await starting

        app.on_stop(lambda: told.append("stopped"))

        @app.get("/")
        async def wait(request: Request) -> str:
            told.append("asked")
            return await answer

        program.graft(app)
        clients = [program.connect() for _ in range(2)]
        for client in clients:
            client.get("/api/")
        program.world.until(lambda: told)
        program.world.turn()
        assert told == ["starting"]
        starting.callback(None)
        program.world.until(lambda: told == ["starting", "asked", "asked"])
        program.shut_down()
        assert len(told) == 3
        answer.callback("hello")
        for client in clients:
            assert client.rest().endswith(b"hello")
        program.world.until(lambda: told[3:] == ["stopped"])

    def test_work_after_responses_has_the_time_that_the_drain_leaves(self, one: Program) -> None:
        class Working(Hosted):
            given: Any = None

            def render(self, request: Request) -> str:
                return "hello"

            async def finish_calls(self, seconds: float | None) -> None:
                self.given = seconds

        work = Working()
        app = App()
        app.mount("/", work)
        one.graft(app)
        assert one.ask("GET", "/api/").text == "hello"
        one.shut_down()
        one.world.until(lambda: work.given is not None)
        assert 0 < work.given <= 30

    def test_it_never_starts(self, one: Program) -> None:
        app = App()
        app.on_stop(lambda: pytest.fail("stopped"))
        one.graft(app)
        assert one.get("/elsewhere").status == 404
        one.shut_down()

    def test_a_start_that_fails(self, one: Program, log: Log) -> None:
        app = answering(lambda request: "never")
        app.on_start(lambda: 1 / 0)
        app.on_stop(lambda: pytest.fail("stopped"))
        one.graft(app)
        for _ in range(2):
            assert one.get("/api/").status == 500
        assert log.text.count("RW403 A start hook of the app failed.") == 1
        assert log.text.count("A start hook failed: ZeroDivisionError") == 2
        one.shut_down()

    def test_a_start_that_is_cut_short(self, one: Program, log: Log) -> None:
        app = answering(lambda request: "never")
        app.on_start(Deferred)
        one.graft(app)
        client = one.connect()
        client.get("/api/", "Connection: close")
        one.world.until(lambda: one.world.reactor._eventTriggers["shutdown"].before)
        one.world.turn()
        one.shut_down()
        assert client.rest().startswith(b"HTTP/1.1 500 ")
        assert "RW403" in log.text


class TestElsewhere:
    def test_a_site_that_the_engine_does_not_serve(self, log: Log) -> None:
        site = Site(tree(api=graft(App())), reactor=Clock())
        protocol = site.buildProtocol(None)
        transport = StringTransport()
        protocol.makeConnection(transport)
        protocol.dataReceived(b"GET /api/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert transport.value().startswith(b"HTTP/1.1 500 ")
        text = str(log[0]["log_failure"].value)
        assert text.startswith("RW730 An app is grafted upon a tree whose site the engine does not serve: ")
        assert "Serve it by `ropewalk.dropin.accelerate(site)`" in text

    def test_a_request_of_nothing(self) -> None:
        class Request:
            method = b"GET"

        with pytest.raises(Exception, match="RW730"):
            graft(App()).render(Request())

    def test_in_a_mounted_tree(self, log: Log) -> None:
        assert Client(mount(tree(api=graft(App())))).get("/legacy/api/").status == 500
        assert "RW731" in log.text

    def test_a_transport_of_a_tests(self) -> None:
        site = Site(tree(api=graft(answering(lambda request: "hello"))), reactor=Clock())
        channel = accelerate(site).buildProtocol(None)
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(b"GET /api/ HTTP/1.1\r\nHost: a\r\n\r\n")
        assert transport.value().endswith(b"\r\n\r\nhello")

    @pytest.mark.parametrize(
        ("overridden", "told"),
        [("writeHeaders", "RW742"), ("lineReceived", "RW730"), ("allHeadersReceived", None)],
    )
    def test_a_channel_with_overrides(self, log: Log, overridden: str, told: str | None) -> None:
        def override(self: Any, *args: Any) -> Any:
            return base(self, *args)

        base = getattr(HTTPChannel, overridden)
        site = Site(tree(api=graft(answering(lambda request: "hello"))), reactor=Clock())
        site.protocol = type("Own", (HTTPChannel,), {overridden: override})  # type: ignore[method-assign]
        channel: Any = site.buildProtocol(None)
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(b"GET /api/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        if told is None:
            assert transport.value().endswith(b"\r\n\r\nhello")
        else:
            assert transport.value().startswith(b"HTTP/1.1 500 ")
            (error,) = (str(event["log_failure"].value) for event in log if "log_failure" in event)
            assert error.startswith(told)
            assert overridden in error

    def test_what_is_not_ours(self) -> None:
        with pytest.raises(TreeError, match="RW105"):
            graft("a string")

    def test_what_is_twisted_s_already(self) -> None:
        with pytest.raises(
            TreeError, match=r"RW105 .*Data, is a resource of twisted.web already\. Put it into the tree"
        ):
            graft(Data(b"", "text/plain"))

    def test_proxies_would_not_count(self) -> None:
        with pytest.raises(StartError, match="RW404"):
            graft(App(proxies=TrustedProxies(["127.0.0.1"], headers="x-forwarded")))

    def test_around_nothing(self) -> None:
        app = answering(lambda request: repr(around(request)))
        assert Client(app).get("/").text == "None"
