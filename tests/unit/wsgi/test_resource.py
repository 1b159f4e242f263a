"""WSGI applications in the tree: calls, middleware, and their end."""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from tests.problems import problem
from tests.unit.conftest import Log
from tests.unit.wsgi.applications import SECONDS, TEXT, Parts, Recorder, client, plain, responding, returning, validated
from tests.unit.wsgi.test_thread_response import middled

from ropewalk import App, HTTPError, Request, Resource, Response, Site
from ropewalk.errors import BadBody
from ropewalk.testing import AsyncClient, Client
from ropewalk.wsgi import Environ, StartResponse, WSGIOptions, wsgi

Next = Callable[[Request], Any]


class TestThreads:
    def test_it_is_never_called_on_the_reactors(self) -> None:
        idents: list[int] = []

        def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            idents.append(threading.get_ident())
            start_response("200 OK", [TEXT])
            return [b""]

        client(application).get("/")
        assert idents != [threading.get_ident()]

    def test_requests_run_at_the_same_time(self) -> None:
        together = threading.Barrier(5)

        def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            together.wait(SECONDS)
            start_response("200 OK", [TEXT])
            return [b"met"]

        async def run() -> list[str]:
            async with AsyncClient(wsgi(validated(application), WSGIOptions(threads=5))) as asked:
                return [response.text for response in await asyncio.gather(*(asked.get("/") for _ in range(5)))]

        assert asyncio.run(run()) == ["met"] * 5

    def test_too_many_wait_for_a_thread(self, log: Log) -> None:
        going, begun = threading.Event(), threading.Event()

        def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            begun.set()
            assert going.wait(SECONDS)
            start_response("200 OK", [TEXT])
            return [b""]

        async def run() -> None:
            hosted = wsgi(validated(application), WSGIOptions(threads=1, waiting=2))
            async with AsyncClient(hosted) as asked:
                first = asyncio.ensure_future(asked.get("/"))
                await asyncio.sleep(0)
                assert await asyncio.to_thread(begun.wait, SECONDS)
                waiting = [asyncio.ensure_future(asked.get("/")) for _ in range(2)]
                await asyncio.sleep(0)
                for _ in range(2):
                    refused = await asked.get("/")
                    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
                going.set()
                assert [response.status for response in await asyncio.gather(first, *waiting)] == [200] * 3

        asyncio.run(run())
        assert len(log) == 1
        assert "RW705 GET /: 2 requests wait for a thread to call validator.<locals>.lint_app" in log.text

    def test_those_whose_client_has_left_are_not_called(self) -> None:
        going, begun = threading.Event(), threading.Event()
        called: list[str] = []

        def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            called.append(environ["PATH_INFO"])
            begun.set()
            assert going.wait(SECONDS)
            start_response("200 OK", [TEXT])
            return [b""]

        async def run() -> None:
            async with AsyncClient(wsgi(validated(application), WSGIOptions(threads=1))) as asked:
                first = asyncio.ensure_future(asked.get("/first"))
                await asyncio.sleep(0)
                assert await asyncio.to_thread(begun.wait, SECONDS)
                second = asyncio.ensure_future(asked.get("/second"))
                await asyncio.sleep(0)
                second.cancel()
                third = asyncio.ensure_future(asked.get("/third"))
                await asyncio.sleep(0)
                going.set()
                await asyncio.gather(first, third)

        asyncio.run(run())
        assert called == ["/first", "/third"]


class TestTree:
    def test_a_site(self) -> None:
        assert Client(Site(wsgi(responding(b"Hello")))).get("/any/where").text == "Hello"

    def test_by_another_resource(self) -> None:
        class Guarded(Resource):
            isLeaf = True
            inner = wsgi(validated(responding(b"Hello, ", b"World!", lazily=True)))

            def render(self, request: Request) -> Any:
                if request.header("authorization") is None:
                    raise HTTPError(401)
                return self.inner.render(request)

        asked = Client(Guarded())
        assert asked.get("/").status == 401
        assert asked.get("/", headers={"Authorization": "x"}).text == "Hello, World!"

    def test_what_the_routes_show(self) -> None:
        app = App()
        app.mount("/blog", wsgi(responding(b"")))
        routes = app.routes()
        assert {route.path for route in routes} == {"/blog/{...}"}
        assert {route.method for route in routes} == {"*"}
        assert {route.name for route in routes} == {"responding.<locals>.application"}
        assert all("applications.py:" in route.place for route in routes)

    def test_asterisk(self) -> None:
        assert client(responding(b"")).options("*").status == 204

    def test_headers_set_by_middleware(self) -> None:
        class Branded(Resource):
            def getChild(self, name: str, request: Request) -> Resource:
                request.setHeader("x-brand", name)
                return wsgi(validated(responding(b"Hello")))

        response = Client(Branded()).get("/acme")
        assert (response.text, response.headers["x-brand"]) == ("Hello", "acme")


class TestMiddleware:
    PARTS = (b"Hello, ", b"World!")

    @pytest.mark.parametrize("lazily", [False, True])
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_it_gets_the_whole_response(self, method: str, *, lazily: bool) -> None:
        app = App()

        @app.middleware
        async def brand(request: Request, next: Next) -> Response:
            response: Response = await next(request)
            response.headers["x-brand"] = f"{response.status}"
            return response

        application = responding(*self.PARTS, status="418 Teapot", headers=[TEXT, ("Set-Cookie", "a=1")], lazily=lazily)
        app.mount("/", wsgi(validated(application)))
        response = Client(app).request(method, "/")
        assert (response.status, response.reason) == (418, "Teapot")
        assert (response.headers["x-brand"], response.headers["set-cookie"]) == ("418", "a=1")
        assert response.text == ("Hello, World!" if method == "GET" else "")

    def test_what_it_leaves_in_the_context_is_seen(self) -> None:
        user = contextvars.ContextVar("user", default="nobody")
        app = App()

        @app.middleware
        async def login(request: Request, next: Next) -> Any:
            user.set("Ada")
            return await next(request)

        def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            start_response("200 OK", [TEXT])
            seen = user.get()
            user.set("left behind")
            return [seen.encode()]

        app.mount("/", wsgi(validated(application), WSGIOptions(threads=1)))
        assert [Client(app).get("/").text for _ in range(2)] == ["Ada"] * 2

    def test_it_may_return_another_response(self) -> None:
        body = Parts([bytes(100_000)] * 100)
        app = App()

        @app.middleware
        async def replace(request: Request, next: Next) -> str:
            await next(request)
            return "something else"

        app.mount("/", wsgi(validated(returning(body))))
        assert Client(app).get("/").text == "something else"
        body.wait()
        assert body.count < 100

    def test_it_sees_what_is_raised(self) -> None:
        def broken(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            raise LookupError("no such guest")

        app = App()

        @app.middleware
        async def catch(request: Request, next: Next) -> Any:
            response = await next(request)
            return f"caught {response.error}"

        app.mount("/", wsgi(validated(broken)))
        assert Client(app, raise_errors=False).get("/").text == "caught no such guest"

    def test_it_may_give_up(self) -> None:
        going = threading.Event()

        def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
            start_response("200 OK", [TEXT])
            assert going.wait(SECONDS)
            yield b"too late"

        app = App()

        @app.middleware
        async def hurry(request: Request, next: Next) -> Any:
            try:
                async with asyncio.timeout(0):
                    return await next(request)
            except TimeoutError:
                raise HTTPError(504) from None

        app.mount("/", wsgi(validated(application)))
        asked = Client(app)
        assert asked.get("/").status == 504
        going.set()
        with asked:
            pass

    def test_it_may_wait_as_asyncio_programs_do(self) -> None:
        app = App()
        going = threading.Event()

        @app.middleware
        async def patient(request: Request, next: Next) -> Response:
            response: Response = await asyncio.wait_for(next(request), SECONDS)
            first = await asyncio.wait_for(anext(response.body), SECONDS)
            asyncio.get_running_loop().call_soon(going.set)
            second = await asyncio.wait_for(anext(response.body), SECONDS)
            response.body = (first + second).upper()
            return response

        def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
            start_response("200 OK", [TEXT])
            yield b"Hello, "
            assert going.wait(SECONDS)
            yield b"World!"

        app.mount("/", wsgi(validated(application)))
        assert Client(app).get("/").text == "HELLO, WORLD!"

    def test_the_body_of_the_request(self) -> None:
        recorder = Recorder()
        body = bytes(range(256)) * 8192
        assert Client(middled(validated(recorder), "middleware")).post("/", body=body).status == 200
        assert recorder.body == body


class TestErrorHandlers:
    def test_of_the_app(self) -> None:
        def broken(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            raise LookupError("no such guest")

        app = App()

        @app.error(LookupError)
        def not_found(request: Request, error: LookupError) -> Response:
            return Response(f"{error}", 404)

        app.mount("/", wsgi(validated(broken)))
        response = Client(app).get("/")
        assert (response.status, response.text) == (404, "no such guest")

    def test_an_error_of_ropewalks_own(self) -> None:
        def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            raise BadBody("not like this")

        response = client(application).get("/")
        assert (response.status, response.text) == (400, problem(400, "not like this"))

    def test_debug_shows_the_traceback(self) -> None:
        def broken(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            raise LookupError("no such guest")

        app = App(debug=True)
        app.mount("/", wsgi(plain(broken)))
        assert '    raise LookupError("no such guest")' in Client(app, raise_errors=False).get("/").json()["traceback"]


class TestEnd:
    def test_a_loop_that_is_gone(self) -> None:
        """A call may end after the loop that would send its response has ended. The body is still closed."""
        going, ended = threading.Event(), threading.Event()

        def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            assert going.wait(SECONDS)
            start_response("200 OK", [TEXT])
            return Parts([b"a", b"b"], ended.set)

        async def run() -> None:
            asked = AsyncClient(wsgi(plain(application)))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await asked.get("/")

        asyncio.run(run())
        going.set()
