"""The cache together with other parts: handlers of every kind, middleware, hosted applications, stores that fail."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Annotated, Any

import msgspec
import pytest

from ropewalk import App, Depends, HTTPError, Request, Resource, Response, Routes, asgi, wsgi
from ropewalk.auth import BasicAuth, authenticate, requires
from ropewalk.caching import Cache, CacheOptions, CachingLayer
from ropewalk.errors import HandlerError
from ropewalk.middleware import (
    CacheHeadersOptions,
    CORSOptions,
    IdempotencyOptions,
    Next,
    RateLimit,
    RateLimitOptions,
    cache_headers,
    cors,
    idempotency,
    rate_limit,
)
from ropewalk.routing import get
from ropewalk.sessions import SessionsOptions, csrf_token, sessions
from ropewalk.stores import Found, MemoryResponses, MemorySessions, StoreUnavailable
from ropewalk.testing import AsyncClient, Client

Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Room(msgspec.Struct):
    name: str
    beds: int


class Calls:
    """Counts the calls of handlers."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        return self.count


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def cache() -> Cache:
    return Cache()


def texts(app: App, path: str = "/", times: int = 3, **options: Any) -> list[str]:
    client = Client(app)
    return [client.get(path, **options).text for _ in range(times)]


class TestPlaces:
    """Where a cache may be put."""

    def test_a_route(self, cache: Cache, calls: Calls) -> None:
        app = App()
        app.get("/", middleware=[cache(60)])(lambda request: str(calls()))
        app.get("/other")(lambda request: str(calls()))
        assert (texts(app), texts(app, "/other")) == (["1"] * 3, ["2", "3", "4"])

    def test_a_mount(self, cache: Cache, calls: Calls) -> None:
        rooms = App()
        rooms.get("/{name}")(lambda request, name: f"{name} {calls()}")
        app = App()
        app.mount("/rooms", rooms, middleware=[cache(60)])
        assert (texts(app, "/rooms/a"), texts(app, "/rooms/b")) == (["a 1"] * 3, ["b 2"] * 3)
        assert Client(app).get("/rooms/missing/x").status == 404

    def test_a_class_of_routes(self, cache: Cache, calls: Calls) -> None:
        class Rooms(Routes):
            @get("/{name}")
            @cache(60)
            async def show(self, name: str) -> Room:
                return Room(name, calls())

        app = App()
        app.mount("/rooms", Rooms())
        assert texts(app, "/rooms/a") == ['{"name":"a","beds":1}'] * 3

    def test_a_resource(self, cache: Cache, calls: Calls) -> None:
        class Page(Resource):
            @cache(60)
            def render_GET(self, request: Request) -> str:
                return f"<p>{calls()}"

        app = App()
        app.mount("/page", Page())
        assert texts(app, "/page") == ["<p>1"] * 3
        assert Client(app).get("/page").headers["content-type"] == "text/html; charset=utf-8"

    def test_other_decorators(self, cache: Cache, calls: Calls) -> None:
        app = App()

        @app.get("/a")
        @app.get("/b")
        @cache(60, tags=["inner"])
        def handler(request: Request) -> str:
            return str(calls())

        assert (texts(app, "/a"), texts(app, "/b")) == (["1"] * 3, ["2"] * 3)

    def test_the_function_itself_stays_as_it_is(self, cache: Cache, calls: Calls) -> None:
        class Rooms:
            def show(self, request: Request, *, size: int = 1) -> str:
                """Show."""
                return f"{calls()} {size}"

        def show(request: Request, *, size: int = 1) -> str:
            """Show."""
            return f"{calls()} {size}"

        made = cache(60)(show)
        for number, each in enumerate((show, Rooms().show)):
            app = App()
            app.get("/cached")(cache(60, vary_by=lambda request, number=number: str(number))(each))
            app.get("/plain")(each)
            assert len(set(texts(app, "/cached"))) == 1
            assert len(set(texts(app, "/plain"))) == 3
        assert (made.__name__, made.__qualname__, made.__doc__) == (show.__name__, show.__qualname__, "Show.")

    def test_a_decorated_function_can_be_called(self, cache: Cache) -> None:
        @cache(60)
        def double(number: int) -> int:
            return 2 * number

        assert double(2) == 4

    def test_a_missing_page(self, cache: Cache) -> None:
        app = App(middleware=[cache(60)])
        client = Client(app)
        assert [client.get("/missing").status for _ in range(2)] == [404, 404]
        assert client.get("/missing").headers["cache-status"].startswith("Ropewalk; hit")

    def test_above_the_route_decorator(self, cache: Cache) -> None:
        app = App()
        with pytest.raises(HandlerError, match=r"RW239 .*handler.* is above the route decorator.*Put it below"):

            @cache(60)
            @app.get("/")
            def handler(request: Request) -> str:
                return ""

    def test_without_a_time(self, cache: Cache) -> None:
        with pytest.raises(HandlerError, match=r"RW239 .*without a time.*@cache\(60\)"):
            cache(lambda request: "")  # type: ignore[arg-type] # the mistake
        with pytest.raises(HandlerError, match="RW239"):
            cache(60)("handler")  # type: ignore[call-overload] # the mistake
        with pytest.raises(HandlerError, match="RW239"):
            cache(60)(len)

    def test_typed_handlers(self, cache: Cache, calls: Calls) -> None:
        def database() -> Iterator[str]:
            yield "rooms"

        app = App()

        @app.get("/rooms/{name}")
        @cache(60)
        def show(name: str, source: Annotated[str, Depends(database)], page: int = 1) -> Room:
            return Room(f"{source} {name} {page}", calls())

        assert texts(app, "/rooms/a") == ['{"name":"rooms a 1","beds":1}'] * 3
        assert texts(app, "/rooms/a?page=2") == ['{"name":"rooms a 2","beds":2}'] * 3
        client = Client(app)
        assert [client.get("/rooms/a?page=x").status for _ in range(2)] == [422, 422]

    def test_a_provider_that_takes_the_request(self, cache: Cache, calls: Calls) -> None:
        def who(request: Request) -> str:
            return request.header("x-user") or "nobody"

        app = App()
        app.get("/")(cache(60)(_typed(who, calls)))
        app.get("/shared")(cache(60, shared=True)(_typed(who, calls)))
        assert texts(app) == ["nobody 1", "nobody 2", "nobody 3"]
        assert "detail=provider" in Client(app).get("/").headers["cache-status"]
        assert len(set(texts(app, "/shared"))) == 1

    def test_every_kind_of_handler(self, cache: Cache, calls: Calls) -> None:
        async def coroutine(request: Request) -> str:
            await asyncio.sleep(0)
            return str(calls())

        async def parts(request: Request) -> AsyncIterator[str]:
            yield str(calls())

        for handler in (coroutine, parts):
            app = App(middleware=[cache(60, vary_by=lambda request, name=handler.__name__: name)])
            app.get("/")(handler)
            assert len(set(texts(app))) == 1


def _typed(provider: Any, calls: Calls) -> Any:
    def handler(who: Annotated[str, Depends(provider)]) -> str:
        return f"{who} {calls()}"

    return handler


class TestUsers:
    """A response for one user must not reach another one."""

    def test_a_session(self, cache: Cache, calls: Calls) -> None:
        app = App(middleware=[sessions(SessionsOptions(store=MemorySessions(), csrf=None)), cache(60)])

        @app.get("/login/{name}")
        def login(request: Request, name: str) -> str:
            request.session["name"] = name
            return "in"

        @app.get("/")
        def page(request: Request) -> str:
            return f"{request.session.get('name', 'nobody')}"

        @app.get("/plain")
        def plain(request: Request) -> str:
            return str(calls())

        ada, bob, anonymous = (Client(app, secure=True) for _ in range(3))
        assert anonymous.get("/").text == "nobody"
        ada.get("/login/ada")
        bob.get("/login/bob")
        for _ in range(2):
            assert [client.get("/").text for client in (ada, bob, anonymous)] == ["ada", "bob", "nobody"]
            assert "set-cookie" not in Client(app, secure=True).get("/").headers
        assert [client.get("/plain").text for client in (ada, bob, anonymous)] == ["1"] * 3

    def test_a_form_with_a_csrf_token(self, cache: Cache) -> None:
        app = App(middleware=[sessions(SessionsOptions(store=MemorySessions())), cache(60)])
        app.get("/")(lambda request: csrf_token(request))
        assert Client(app, secure=True).get("/").text != Client(app, secure=True).get("/").text

    def test_before_sessions_the_app_does_not_start(self, cache: Cache) -> None:
        app = App(middleware=[cache(60), sessions(SessionsOptions(store=MemorySessions()))])
        app.get("/")(lambda request: "")
        with pytest.raises(HandlerError, match=r"RW238 a cache is outside of sessions"):
            Client(app).get("/")

    def test_before_authenticate_the_app_does_not_start(self, cache: Cache) -> None:
        app = App(middleware=[cache(60), authenticate(BasicAuth(lambda user, password: user))])
        app.get("/")(lambda request: "")
        with pytest.raises(HandlerError, match=r"RW238 a cache is outside of authenticate.*before a cache\."):
            Client(app).get("/")

    @pytest.mark.parametrize("above", [True, False])
    def test_a_guarded_handler(self, cache: Cache, above: bool) -> None:
        app = App(middleware=[authenticate(BasicAuth(lambda user, password: user))])

        def page(request: Request) -> str:
            return str(request.state.authentication.principal)

        decorated: Any = requires()(cache(60)(page)) if above else cache(60)(requires()(page))
        app.get("/")(decorated)
        client = Client(app)
        for _ in range(2):
            for name in ("ada", "bob"):
                client.login(name, "x")
                assert client.get("/").text == name
            client.logout()
            assert client.get("/").status == 401

    def test_a_user_that_middleware_finds(self, cache: Cache) -> None:
        async def find(request: Request, next: Next) -> Response:
            request.state.user = request.header("x-user")
            return await next(request)

        app = App(middleware=[find, cache(60)])
        app.get("/")(lambda request: str(request.state.user))
        client = Client(app)
        found = [
            client.get("/", headers={"x-user": name} if name else {}).text for name in ("", "ada", "bob", "", "ada")
        ]
        assert found == ["None", "ada", "bob", "None", "ada"]


class TestMiddleware:
    def test_a_rate_limit_outside_counts_every_request(self, cache: Cache) -> None:
        app = App(middleware=[rate_limit(RateLimitOptions(limits=RateLimit(2, 60))), cache(60)])
        app.get("/")(lambda request: "x")
        client = Client(app)
        assert [client.get("/").status for _ in range(3)] == [200, 200, 429]

    def test_a_rate_limit_inside_counts_calls_of_the_handler(self, cache: Cache) -> None:
        app = App(middleware=[cache(60)])
        app.get("/", middleware=[rate_limit(RateLimitOptions(limits=RateLimit(1, 60)))])(lambda request: "x")
        assert [Client(app).get("/").status for _ in range(3)] == [200, 200, 200]

    def test_cache_headers_outside(self, cache: Cache, calls: Calls) -> None:
        app = App(middleware=[cache_headers(CacheHeadersOptions(max_age=5, visibility="public")), cache(60)])
        app.get("/")(lambda request: str(calls()))
        assert texts(app) == ["1"] * 3
        assert Client(app).get("/").headers.all("cache-control") == ["public, max-age=5"]

    def test_cache_headers_inside(self, cache: Cache, calls: Calls) -> None:
        app = App(middleware=[cache(60), cache_headers(CacheHeadersOptions(max_age=5))])
        app.get("/")(lambda request: str(calls()))
        assert texts(app) == ["1", "2", "3"]
        assert "detail=private" in Client(app).get("/").headers["cache-status"]

    def test_cors(self, cache: Cache, calls: Calls) -> None:
        for inside in (False, True):
            origins = cors(CORSOptions(origins=["https://a.example", "https://b.example"]))
            app = App(middleware=[cache(60), origins] if inside else [origins, cache(60)])
            app.get(f"/{inside}")(lambda request: str(calls()))
            client = Client(app)
            for origin in ("https://a.example", "https://b.example") * 2:
                found = client.get(f"/{inside}", headers={"origin": origin})
                assert found.headers["access-control-allow-origin"] == origin
        assert calls.count == 3  # outside of cors, the cache has a variant for each origin

    def test_idempotency(self, cache: Cache, calls: Calls) -> None:
        app = App(middleware=[cache(60), idempotency(IdempotencyOptions())])
        app.route("/", methods=["GET", "POST"])(lambda request: str(calls()))
        client = Client(app)
        client.get("/")
        key = {"idempotency-key": '"a"'}
        assert [client.post("/", headers=key).text for _ in range(2)] == ["2", "2"]
        assert client.get("/").text == "3"

    def test_middleware_inside_runs_only_with_the_handler(self, cache: Cache, calls: Calls) -> None:
        async def mark(request: Request, next: Next) -> Response:
            response = await next(request)
            response.headers["x-call"] = str(calls())
            return response

        app = App(middleware=[cache(60), mark])
        app.get("/")(lambda request: "x")
        client = Client(app)
        assert [client.get("/").headers["x-call"] for _ in range(3)] == ["1"] * 3

    def test_work_after_the_response(self, cache: Cache, calls: Calls) -> None:
        app = App()

        @app.get("/")
        @cache(60)
        def handler(request: Request) -> str:
            request.after(calls)
            return "x"

        assert texts(app) == ["x"] * 3
        assert calls.count == 1


class TestHostedApplications:
    def test_wsgi(self, cache: Cache, calls: Calls) -> None:
        def application(environ: Any, start_response: Any) -> list[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain"), ("Cache-Control", "max-age=60")])
            return [b"wsgi ", str(calls()).encode()]

        app = App()
        app.mount("/", wsgi(application), middleware=[cache(None)])
        assert texts(app) == ["wsgi 1"] * 3
        assert Client(app).get("/").headers["content-type"] == "text/plain"

    def test_asgi(self, cache: Cache, calls: Calls, run: Run) -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            assert scope["type"] == "http"
            await send({"type": "http.response.start", "status": 200, "headers": [(b"x-kind", b"asgi")]})
            await send({"type": "http.response.body", "body": f"asgi {calls()}".encode()})

        app = App()
        app.mount("/", asgi(application), middleware=[cache(60)])

        async def main() -> None:
            async with AsyncClient(app) as client:
                found = [await client.get("/") for _ in range(3)]
                assert len({each.text for each in found}) == 1
                assert [each.headers["x-kind"] for each in found] == ["asgi"] * 3
                assert "content-type" not in found[2].headers

        run(main())


class TestStoresThatFail:
    def test_one_flight_without_a_store(self, calls: Calls, run: Run) -> None:
        class Gone(MemoryResponses):
            async def find(self, key: str, variant: Any) -> Found:
                raise StoreUnavailable("The store is gone.")

        cache = Cache(CacheOptions(store=Gone()))
        app = App(middleware=[cache(60)])

        @app.get("/")
        async def handler(request: Request) -> str:
            number = calls()
            await asyncio.sleep(0.01)
            return str(number)

        async def main() -> None:
            async with AsyncClient(app) as client:
                found = await asyncio.gather(*(client.get("/") for _ in range(5)))
                assert {each.text for each in found} == {"1"}
                assert (await client.get("/")).text == "2"

        run(main())


def test_under_the_development_server_nothing_is_cached(cache: Cache, calls: Calls) -> None:
    from ropewalk.calling import DeveloperPages

    app = App(middleware=[cache(60)])
    app.get("/")(lambda request: str(calls()))
    app.developer = DeveloperPages()
    client = Client(app)
    assert [client.get("/").text for _ in range(3)] == ["1", "2", "3"]
    app.developer = None
    assert [client.get("/").text for _ in range(3)] == ["4", "4", "4"]


def test_clear_between_tests(calls: Calls) -> None:
    store = MemoryResponses()
    app = App(middleware=[Cache(CacheOptions(store=store))(60)])
    app.get("/")(lambda request: str(calls()))
    assert texts(app) == ["1"] * 3
    store.clear()
    assert texts(app) == ["2"] * 3


def test_an_error_in_the_short_cut_becomes_a_response(monkeypatch: pytest.MonkeyPatch) -> None:
    def only_variant(self: MemoryResponses, key: str) -> Any:
        raise ValueError("a bug")

    def find_now(self: MemoryResponses, key: str, variant: Any) -> Found:
        raise HTTPError(418)

    monkeypatch.setattr(MemoryResponses, "only_variant", only_variant)
    monkeypatch.setattr(MemoryResponses, "find_now", find_now)
    app = App(middleware=[Cache()(60)])
    app.get("/")(lambda request: "x")
    assert Client(app).get("/").status == 418


def test_the_layer_is_public(cache: Cache) -> None:
    assert isinstance(cache(60), CachingLayer)
