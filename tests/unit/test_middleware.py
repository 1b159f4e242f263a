"""Middleware, and error handlers within it."""

import asyncio
import gc
import re
import sys
from asyncio import CancelledError, current_task, sleep, timeout
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextvars import ContextVar
from copy import copy
from errno import EMFILE
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.unit.conftest import Log
from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.task import Clock

from ropewalk import NOT_DONE_YET, App, Files, HTTPError, Request, Resource, Response
from ropewalk.errors import BodyTooLarge, Disconnected, HandlerError, InvalidField, RopewalkError
from ropewalk.headers import Headers
from ropewalk.middleware import Next
from ropewalk.testing import AsyncClient, Client, ProtocolError
from ropewalk.tracebacks import PACKAGE

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime

NOTHING: dict[str, str] = {}
variable: ContextVar[str] = ContextVar("variable")


def marking(mark: str) -> Any:
    """A middleware that adds its mark to a header of the response."""

    async def middleware(request: Request, next: Next) -> Response:
        response = await next(request)
        response.headers.add("x-marks", mark)
        return response

    return middleware


class TestOrder:
    def test_the_first_is_outermost(self) -> None:
        app = App(middleware=[marking("first")])
        app.middleware(marking("second"))
        app.get("/")(lambda request: "")
        assert Client(app).get("/").headers.all("x-marks") == ["second", "first"]

    def test_a_mounted_apps_stands_inside(self) -> None:
        inner, app = App(middleware=[marking("inner")]), App(middleware=[marking("outer")])
        inner.get("/a")(lambda request: "")
        app.get("/b")(lambda request: "")
        app.mount("/inner", inner)
        client = Client(app)
        assert client.get("/inner/a").headers.all("x-marks") == ["inner", "outer"]
        assert client.get("/b").headers.all("x-marks") == ["outer"]

    def test_it_runs_around_the_apps_own_responses(self) -> None:
        app = App(middleware=[marking("yes")])
        app.get("/a")(lambda request: "")
        client = Client(app)
        for method, path, status in (
            ("GET", "/none", 404),
            ("PUT", "/a", 405),
            ("OPTIONS", "/a", 204),
            ("GET", "/a/", 308),
        ):
            response = client.request(method, path)
            assert (response.status, response.headers["x-marks"]) == (status, "yes")

    def test_one_that_is_added_later_is_seen(self) -> None:
        app = App()
        app.get("/")(lambda request: "")
        client = Client(app)
        assert "x-marks" not in client.get("/").headers
        app.middleware(marking("late"))
        assert "x-marks" in client.get("/").headers


class TestResponses:
    @pytest.mark.parametrize("value", ["text", b"bytes", {"a": 1}, [1], None, Response("x", 201)])
    def test_next_gives_a_response_whatever_the_handler_returns(self, value: Any) -> None:
        seen = []

        async def middleware(request: Request, next: Next) -> Response:
            seen.append(await next(request))
            return seen[0]

        app = App(middleware=[middleware])
        app.get("/")(lambda request: value)
        Client(app).get("/")
        assert isinstance(seen[0], Response)

    def test_a_deferred_is_waited_for(self) -> None:
        app = App(middleware=[marking("x")])

        @app.get("/")
        def handler(request: Request) -> Deferred[str]:
            from asyncio import get_running_loop

            deferred: Deferred[str] = Deferred()
            get_running_loop().call_later(0.01, deferred.callback, "late")
            return deferred

        assert Client(app).get("/").text == "late"

    def test_a_plain_handler_has_its_body(self) -> None:
        app = App(middleware=[marking("x")])
        app.post("/")(lambda request: request.content.read())
        assert Client(app).post("/", body="sent").text == "sent"

    def test_a_stream_passes(self) -> None:
        app = App(middleware=[marking("x")])

        @app.get("/")
        async def handler(request: Request) -> AsyncIterator[str]:
            yield "a"
            yield "b"

        response = Client(app).get("/")
        assert (response.text, response.headers["x-marks"]) == ("ab", "x")

    def test_a_middleware_may_return_any_value(self) -> None:
        async def short(request: Request, next: Next) -> Any:
            return {"short": True}

        app = App(middleware=[marking("x"), short])
        app.get("/")(lambda request: "never")
        response = Client(app).get("/")
        assert response.json() == {"short": True}
        assert response.headers["x-marks"] == "x"

    def test_a_resource_that_sends_the_response_itself(self) -> None:
        class Own(Resource):
            def render_GET(self, request: Request) -> int:
                request.setResponseCode(202)
                request.write("own")
                request.finish()
                return NOT_DONE_YET

        seen = []

        async def middleware(request: Request, next: Next) -> Response:
            response = await next(request)
            seen.append(response.status)
            return response

        app = App(middleware=[middleware])
        app.resource.putChild("", Own())
        assert Client(app).get("/").text == "own"
        assert seen == [202]


class TestErrors:
    def test_an_http_error_is_a_response(self) -> None:
        app = App(middleware=[marking("x")])

        @app.get("/")
        def handler(request: Request) -> str:
            raise HTTPError(409, "Conflict here.", [("x-more", "1")])

        response = Client(app).get("/")
        assert (response.status, response.text) == (409, "Conflict here.")
        assert (response.headers["x-marks"], response.headers["x-more"]) == ("x", "1")

    def test_a_registered_exception_is_a_response(self) -> None:
        app = App(middleware=[marking("x")])
        app.error(LookupError)(lambda request, error: Response("not there", 404))
        app.get("/")(lambda request: NOTHING["a"])
        response = Client(app).get("/")
        assert (response.status, response.text, response.headers["x-marks"]) == (404, "not there", "x")

    def test_any_other_is_a_response_too(self, log: Log) -> None:
        seen: list[BaseException | None] = []

        async def middleware(request: Request, next: Next) -> Response:
            response = await next(request)
            seen.append(response.error)
            return response

        app = App(middleware=[marking("x"), middleware])
        app.get("/")(lambda request: str(1 // 0))
        response = Client(app).get("/")
        assert (response.status, response.headers["x-marks"]) == (500, "x")
        assert [type(error) for error in seen] == [ZeroDivisionError]
        assert len(log) == 1
        assert "raised ZeroDivisionError" in log.text
        assert "<lambda> at tests/unit/test_middleware.py:" in log.text

    def test_what_an_inner_middleware_raises(self) -> None:
        async def refusing(request: Request, next: Next) -> Response:
            raise HTTPError(401)

        app = App(middleware=[marking("x"), refusing])
        response = Client(app).get("/")
        assert (response.status, response.headers["x-marks"]) == (401, "x")

    def test_a_mounted_apps_error_handlers_are_for_it_alone(self) -> None:
        inner, app = App(), App()
        inner.error(404)(lambda request, error: "inner")
        app.error(404)(lambda request, error: "outer")
        app.mount("/inner", inner)
        client = Client(app)
        assert client.get("/inner/none").text == "inner"
        assert client.get("/none").text == "outer"

    def test_an_outer_error_handler_serves_a_mounted_app(self) -> None:
        inner, app = App(), App()
        app.error(ZeroDivisionError)(lambda request, error: Response("outer", 422))
        inner.get("/a")(lambda request: str(1 // 0))
        app.mount("/inner", inner)
        assert Client(app).get("/inner/a").text == "outer"


def raising(error: BaseException) -> Any:
    def handler(request: Request) -> Any:
        raise error

    return handler


def parts_that_raise(error: Exception) -> Any:
    def handler(request: Request) -> Iterator[str]:
        raise error
        yield "never"  # type: ignore[unreachable] # makes it a generator

    return handler


def async_parts_that_raise(error: Exception) -> Any:
    async def handler(request: Request) -> AsyncIterator[str]:
        raise error
        yield "never"  # type: ignore[unreachable] # makes it a generator

    return handler


class Broken(Resource):
    """Raises while the handler is looked up."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def getChild(self, name: str, request: Request) -> Resource | None:
        raise self.error


async def wrong_part(request: Request) -> AsyncIterator[Any]:
    yield 5


OUTCOMES: dict[str, tuple[Any, int, str | None]] = {
    "a value": (lambda request: "fine", 200, None),
    "HTTPError": (raising(HTTPError(409)), 409, None),
    "an exception": (raising(LookupError("lost")), 500, "RW208"),
    "an exit": (raising(SystemExit(3)), 500, "RW208"),
    "a cancellation without a cause": (raising(CancelledError()), 500, "RW208"),
    "no descriptors": (raising(OSError(EMFILE, "none")), 503, "RW506"),
    "parts that raise": (parts_that_raise(LookupError("lost")), 500, "RW208"),
    "parts that are an HTTPError": (parts_that_raise(HTTPError(410)), 410, None),
    "async parts that raise": (async_parts_that_raise(LookupError("lost")), 500, "RW208"),
    "a part that is none": (wrong_part, 500, "RW201"),
    "a value that is none": (lambda request: object(), 500, "RW201"),
    "a file": (lambda request: Path(__file__), 200, None),
    "a file that is missing": (lambda request: Path(__file__, "missing"), 404, None),
    "a status that is none": (lambda request: Response("x", 99), 500, "RW304"),
    "a body where there can be none": (lambda request: Response("x", 204), 500, "RW201"),
    "a length that is wrong": (lambda request: Response("x", headers={"content-length": "2"}), 500, "RW303"),
    "a length that is none": (lambda request: Response("x", headers={"content-length": "+1"}), 500, "RW304"),
    "a framing of its own": (lambda request: Response("x", headers={"transfer-encoding": "chunked"}), 500, "RW304"),
    "a body that is too large": (lambda request: request.content.read(), 413, None),
}


class TestEveryResponseIsSeen:
    """The outermost middleware sees every response, whatever code makes it."""

    def ask(self, app: App, path: str = "/", *, headers: Any = (), **options: Any) -> tuple[int, int]:
        """The status that the client receives, and the one that the outermost middleware has seen."""

        async def outermost(request: Request, next: Next) -> Response:
            response = await next(request)
            response.headers["x-seen"] = str(response.status)
            return response

        app.middlewares.insert(0, outermost)
        response = Client(app).request(options.pop("method", "GET"), path, headers=headers, **options)
        return response.status, int(response.headers.get("x-seen", "0"))

    @pytest.mark.parametrize("mounted", [False, True])
    @pytest.mark.parametrize("between", [False, True])
    @pytest.mark.parametrize("name", OUTCOMES)
    def test_of_handlers(self, name: str, between: bool, mounted: bool, log: Log) -> None:
        handler, status, code = OUTCOMES[name]
        inner = App(middleware=[marking("between")] if between else [])
        inner.post("/", body_limit=3)(handler)
        app = inner
        if mounted:
            app = App()
            app.mount("/", inner)
        assert self.ask(app, method="POST", body="four" if status == 413 else "one") == (status, status)
        assert [event["code"] for event in log] == ([] if code is None else [code])

    @pytest.mark.parametrize(
        ("path", "method", "status"),
        [
            ("/%ff", "GET", 400),
            ("/none", "GET", 404),
            ("/", "PUT", 405),
            ("/folder", "GET", 308),
            ("/", "OPTIONS", 204),
            ("/way/http", "GET", 402),
            ("/way/code", "GET", 500),
        ],
    )
    def test_of_the_app_itself(self, path: str, method: str, status: int, tmp_path: Path) -> None:
        app = App()
        app.get("/")(lambda request: "")
        app.mount("/folder", Files(tmp_path))
        way = Resource()
        way.putChild("http", Broken(HTTPError(402)))
        way.putChild("code", Broken(LookupError()))
        app.mount("/way", way)
        if path.startswith("/way"):
            path += "/below"
        assert self.ask(app, path, method=method) == (status, status)

    def test_the_log_names_what_raised_on_the_way(self, log: Log) -> None:
        app = App()
        app.mount("/", Broken(LookupError("lost")))
        assert self.ask(app, "/below") == (500, 500)
        assert "Broken.getChild at tests/unit/test_middleware.py:" in log.text

    @pytest.mark.parametrize(("name", "status"), [("missing", 404), (".hidden", 404), ("there", 200)])
    def test_of_files(self, name: str, status: int, tmp_path: Path) -> None:
        (tmp_path / "there").write_text("here")
        app = App()
        app.mount("/", Files(tmp_path))
        assert self.ask(app, f"/{name}") == (status, status)

    @pytest.mark.parametrize("error", [HTTPError(401), LookupError("lost"), SystemExit()])
    def test_of_inner_middleware(self, error: BaseException) -> None:
        async def refusing(request: Request, next: Next) -> Response:
            raise error

        app = App(middleware=[refusing])
        app.get("/")(lambda request: "")
        status = 401 if isinstance(error, HTTPError) else 500
        assert self.ask(app) == (status, status)

    @pytest.mark.parametrize("answer", [Response("x", 99), Response(Path("missing")), Response("x", 204)])
    def test_of_inner_middleware_that_responds_with_what_cannot_be_sent(self, answer: Response) -> None:
        async def wrong(request: Request, next: Next) -> Response:
            return answer

        app = App(middleware=[wrong])
        app.get("/")(lambda request: "")
        seen = self.ask(app)
        assert seen[0] == seen[1] >= 404

    @pytest.mark.parametrize("kind", [LookupError, Exception, 500])
    @pytest.mark.parametrize("raised", [KeyError("in the handler of errors"), HTTPError(418), SystemExit()])
    def test_of_error_handlers_that_fail(self, kind: Any, raised: BaseException, log: Log) -> None:
        app = App()
        app.get("/")(lambda request: NOTHING["lost"])

        @app.error(kind)
        def handle(request: Request, error: Exception) -> None:
            raise raised

        status = 418 if isinstance(raised, HTTPError) else 500
        assert self.ask(app) == (status, status)
        named = "handle at tests/unit/test_middleware.py:" in log.text
        assert named == (status == 500)

    def test_of_error_handlers_whose_response_cannot_be_sent(self, log: Log) -> None:
        app = App()
        app.get("/")(lambda request: NOTHING["lost"])
        app.error(KeyError)(lambda request, error: Response(parts_that_raise(ValueError("of parts"))(request), 422))
        assert self.ask(app) == (500, 500)
        assert "of parts" in log.text

    def test_with_debug(self) -> None:
        app = App(debug=True)
        app.get("/")(lambda request: NOTHING["lost"])
        assert self.ask(app) == (500, 500)

    def test_after_the_head(self, log: Log) -> None:
        """A response that has begun cannot be replaced: it is cut off, and the middleware gets the exception."""
        seen = []

        class Own(Resource):
            def render_GET(self, request: Request) -> int:
                request.write("some")
                raise LookupError("lost")

        async def middleware(request: Request, next: Next) -> Response:
            response = await next(request)
            seen.append((response.status, type(response.error)))
            return response

        app = App(middleware=[middleware])
        app.resource.putChild("", Own())
        with pytest.raises(ProtocolError):
            Client(app).get("/")
        assert seen == [(200, LookupError)]
        assert len(log) == 1


class Transaction:
    """A context manager around the work of a request."""

    def __init__(self) -> None:
        self.outcome = ""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self.outcome = "commit" if error is None else "rollback"


async def telling_outcome(request: Request, next: Next) -> Response:
    response = await next(request)
    outcome = "none" if response.error is None else type(response.error).__name__
    response = copy(response)
    response.headers = Headers({"x-outcome": outcome})
    return response


class TestErrorsAgain:
    """`raise_error` raises the exception of a response inside context managers."""

    @pytest.mark.parametrize(
        ("error", "status", "outcome"),
        [(LookupError("lost"), 500, "rollback"), (HTTPError(409), 409, "rollback"), (None, 204, "commit")],
    )
    def test_a_transaction(self, error: Exception | None, status: int, outcome: str, log: Log) -> None:
        transaction = Transaction()

        async def transacting(request: Request, next: Next) -> Response:
            with transaction:
                response = await next(request)
                response.headers["x-outcome"] = "known"
                response.raise_error()
            return response

        app = App(middleware=[marking("x"), transacting, marking("y")])
        app.get("/")(lambda request: None if error is None else raising(error)(request))
        response = Client(app).get("/")
        assert (response.status, response.headers["x-outcome"]) == (status, "known")
        assert response.headers.all("x-marks") == ["y", "x"]
        assert transaction.outcome == outcome
        assert len(log) == (status == 500)

    def test_another_error_in_its_place(self, log: Log) -> None:
        async def replacing(request: Request, next: Next) -> Response:
            response = await next(request)
            raise HTTPError(502) from response.error

        app = App(middleware=[marking("x"), replacing])
        app.get("/")(raising(LookupError("lost")))
        response = Client(app).get("/")
        assert (response.status, response.headers["x-marks"]) == (502, "x")
        assert len(log) == 1

    @pytest.mark.parametrize(
        ("error", "said"), [(RuntimeError("r"), r" raised RuntimeError\('r'\)\."), (InvalidField("i"), r": i")]
    )
    def test_the_log_names_what_raised_another_error(self, error: Exception, said: str, log: Log) -> None:
        async def wrapping(request: Request, next: Next) -> Response:
            await next(request)
            raise error

        app = App(middleware=[wrapping])

        @app.get("/")
        def handler(request: Request) -> str:
            return ""

        assert Client(app).get("/").status == 500
        (line,) = log
        name = r"\S+\.{} at \S+:\d+"
        wanted = f"The middleware {name.format('wrapping')}{said} The handler is {name.format('handler')}"
        assert re.fullmatch(rf"{wanted}\.", line["what"])

    def test_a_timeout_of_a_middleware(self, log: Log) -> None:
        """A cancellation is raised through `next`, for the code that requested it."""

        async def impatient(request: Request, next: Next) -> Response:
            try:
                async with timeout(0.001):
                    return await next(request)
            except TimeoutError:
                return Response("late", 504)

        async def handler(request: Request) -> str:
            return await sleep(60, "never")

        app = App(middleware=[marking("x"), impatient, marking("y")])
        app.get("/")(handler)
        response = Client(app).get("/")
        assert (response.status, response.headers.all("x-marks")) == (504, ["x"])
        assert log == []

    @pytest.mark.parametrize("where", ["handler", "error handler", "stream", "inner middleware"])
    def test_a_timeout_by_twisted(self, where: str, log: Log) -> None:
        clock = Clock()
        closed = []

        async def impatient(request: Request, next: Next) -> Response:
            waiting = ensureDeferred(cast("Coroutine[Deferred[Any], Any, Response]", next(request)))
            waiting.addTimeout(1, cast("IReactorTime", clock))
            clock.advance(2)
            try:
                return await waiting
            except DeferredTimeout:
                return Response("late", 504)

        async def inner(request: Request, next: Next) -> Response:
            if where == "inner middleware":
                await Deferred()
            return await next(request)

        async def handler(request: Request) -> Any:
            if where == "error handler":
                raise LookupError
            if where == "stream":
                return stream()
            return await Deferred()

        async def stream() -> AsyncIterator[str]:
            try:
                await Deferred()
                yield ""
            finally:
                closed.append(True)

        async def on_error(request: Request, error: Exception) -> str:
            await Deferred()
            return "never"

        app = App(middleware=[marking("x"), impatient, marking("y"), inner])
        app.error(LookupError)(on_error)
        app.get("/")(handler)
        response = Client(app).get("/")
        assert (response.status, response.headers.all("x-marks")) == (504, ["x"])
        assert log == []
        assert closed == [True] * (where == "stream")

    @pytest.mark.parametrize("shaped", [False, True])
    def test_a_cancellation_that_no_code_catches(self, shaped: bool, log: Log) -> None:
        app = App(middleware=[marking("x")])
        app.get("/")(raising(DeferredCancelled()))
        if shaped:
            app.error(500)(lambda request, error: Response("shaped", 500))
        response = Client(app).get("/")
        assert (response.status, response.text == "shaped") == (500, shaped)
        assert len(log) == 1
        assert "RW208" in log.text

    def test_a_cancellation_that_an_error_handler_names(self, log: Log) -> None:
        app = App(middleware=[marking("x")])
        app.error(DeferredCancelled)(lambda request, error: Response("named", 409))
        app.get("/")(raising(DeferredCancelled()))
        response = Client(app).get("/")
        assert (response.status, response.headers["x-marks"]) == (409, "x")
        assert log == []


class TestOneResponseForManyClients:
    def test_it_keeps_no_error(self) -> None:
        busy = Response("busy", 503)
        app = App(middleware=[telling_outcome])
        app.error(LookupError)(lambda request, error: busy)
        app.get("/failing")(raising(LookupError("another client's")))
        app.get("/busy")(lambda request: busy)
        client = Client(app)
        assert client.get("/failing").headers["x-outcome"] == "LookupError"
        assert client.get("/busy").headers["x-outcome"] == "none"
        assert busy.error is None

    def test_it_keeps_no_headers_of_an_error(self) -> None:
        refused = Response("no", 405)
        app = App()
        app.error(405)(lambda request, error: refused)
        app.get("/a")(lambda request: "")
        app.post("/b")(lambda request: "")
        client = Client(app)
        assert client.put("/a").headers["allow"] == "GET, HEAD, OPTIONS"
        assert client.put("/b").headers["allow"] == "OPTIONS, POST"
        assert "allow" not in refused.headers

    @pytest.mark.parametrize("whose", ["route", "error handler", "middleware"])
    def test_it_keeps_nothing_of_a_middleware(self, whose: str, log: Log) -> None:
        """A cookie of one client must not reach another one."""
        shared = Response("shared", 503)

        async def setting_cookies(request: Request, next: Next) -> Response:
            response = await next(request)
            response.set_cookie("client", request.query["client"])
            return response

        async def inner(request: Request, next: Next) -> Response:
            return shared if whose == "middleware" else await next(request)

        app = App(middleware=[marking("x"), setting_cookies, inner])
        app.error(LookupError)(lambda request, error: shared)
        app.get("/")(lambda request: shared if whose == "route" else raising(LookupError())(request))
        client = Client(app)
        for name in "ab":
            response = client.get(f"/?client={name}")
            assert [each.split(";")[0] for each in response.headers.all("set-cookie")] == [f"client={name}"]
            assert response.headers.all("x-marks") == ["x"]
        assert list(shared.headers) == ["content-type"]


class Parts:
    """A body that records when it is closed."""

    def __init__(self, events: list[str], error: BaseException | None = None) -> None:
        self._events = events
        self._error = error
        self._left = 3

    def __iter__(self) -> "Parts":
        return self

    def __next__(self) -> str:
        self._left -= 1
        if not self._left:
            raise StopIteration
        return "part"

    def close(self) -> None:
        self._events.append("closed")
        if self._error is not None:
            raise self._error


def generator(events: list[str], error: BaseException | None = None) -> Iterator[str]:
    try:
        yield "part"
        yield "part"
    finally:
        events.append("closed")
        if error is not None:
            raise error


async def async_generator(events: list[str], error: BaseException | None = None) -> AsyncIterator[str]:
    try:
        yield "part"
        yield "part"
    finally:
        await Turn()
        events.append("closed")
        if error is not None:
            raise error


class Turn:
    """An awaitable that lets the event loop run one turn."""

    def __await__(self) -> Generator[None, None, None]:
        yield


async def first_part(body: Any) -> AsyncIterator[str]:
    if hasattr(body, "__aiter__"):
        async for part in body:
            yield part
            return
    else:
        yield next(body)


class TestDroppedStreams:
    """A stream that a middleware replaces is closed when the response is complete."""

    @pytest.mark.parametrize("body", [Parts, generator, async_generator])
    @pytest.mark.parametrize("how", ["another", "another stream", "another body", "its first part", "an error", "sent"])
    def test_it_is_closed(self, body: Any, how: str, log: Log) -> None:
        events: list[str] = []
        kept = []

        async def dropping(request: Request, next: Next) -> Any:
            response = await next(request)
            kept.append((response, response.body))  # or the garbage collector might close it
            if how == "another":
                return "instead"
            if how == "another stream":
                return iter(["ins", "tead"])
            if how == "another body":
                response.body = "instead"
            elif how == "its first part":
                response.body = first_part(response.body)
            elif how == "an error":
                raise HTTPError(409, "instead")
            return response

        app = App(middleware=[marking("x"), dropping, marking("y")])
        app.get("/")(lambda request: body(events))
        text = Client(app).get("/").text
        assert text == {"its first part": "part", "sent": "partpart"}.get(how, "instead")
        assert events == ["closed"]
        assert log == []

    @pytest.mark.parametrize("body", [Parts, generator, async_generator])
    def test_one_that_cannot_be_closed_is_logged(self, body: Any, log: Log) -> None:
        async def dropping(request: Request, next: Next) -> str:
            await next(request)
            return "instead"

        events: list[str] = []
        app = App(middleware=[dropping])
        app.get("/")(lambda request: body(events, LookupError("lost")))
        assert Client(app).get("/").text == "instead"
        assert events == ["closed"]
        assert len(log) == 1
        assert "lost" in log.text

    def test_that_of_a_head(self) -> None:
        events: list[str] = []

        async def dropping(request: Request, next: Next) -> str:
            await next(request)
            return "instead"

        app = App(middleware=[dropping])
        app.get("/")(lambda request: Parts(events))
        assert Client(app).head("/").status == 200
        assert events == ["closed"]

    def test_where_the_client_leaves(self, log: Log) -> None:
        events: list[str] = []

        async def dropping(request: Request, next: Next) -> str:
            await next(request)
            await sleep(60)
            return "never"

        app = App(middleware=[dropping])
        app.get("/")(lambda request: async_generator(events))

        async def main() -> None:
            async with AsyncClient(app) as client:
                asking = asyncio.ensure_future(client.get("/"))
                await sleep(0)
                asking.cancel()
                while not events:
                    await sleep(0)

        asyncio.run(asyncio.wait_for(main(), 10))
        assert events == ["closed"]
        assert log == []


def say_as(kind: str, body: str) -> Callable[[Request, Response], object]:
    """A change of the body and its Content-Type."""

    def change(request: Request, response: Response) -> None:
        response.headers["content-type"] = kind
        response.body = body

    return change


CHANGES: dict[str, Callable[[Request, Response], object]] = {
    "status": lambda request, response: setattr(response, "status", 99),
    "status that is none": lambda request, response: setattr(response, "status", "200"),
    "status without a body": lambda request, response: setattr(response, "status", 204),
    "body": lambda request, response: setattr(response, "body", object()),
    "body in a charset": say_as("text/plain; charset=ascii", "caf\xe9"),
    "charset": say_as("text/plain; charset=none", "text"),
    "length": lambda request, response: response.headers.__setitem__("content-length", "99"),
    "another length": lambda request, response: response.headers.add("content-length", "99"),
    "coding": lambda request, response: response.headers.add("transfer-encoding", "gzip"),
    "replaced headers": lambda request, response: setattr(response, "headers", Headers({"content-length": "99"})),
    "field of the request": lambda request, response: request.setHeader("content-length", "99"),
}


class TestChanges:
    """A response that a middleware has changed is checked, so that the next one sees the error."""

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    @pytest.mark.parametrize("value", ["text", b"bytes", {"a": 1}, Response("x", headers={"content-length": "1"})])
    def test_that_cannot_be_sent(self, change: Callable[[Request, Response], object], value: Any, log: Log) -> None:
        seen = []

        async def seeing(request: Request, next: Next) -> Response:
            response = await next(request)
            seen.append(response.status)
            return response

        async def changing(request: Request, next: Next) -> Response:
            response = await next(request)
            change(request, response)
            return response

        app = App(middleware=[seeing, seeing, changing, marking("x")])
        app.get("/")(lambda request: value)
        assert Client(app).get("/").status == 500
        assert seen == [500, 500]
        assert len(log) == 1

    @pytest.mark.parametrize("value", ["text", b"bytes"])
    def test_one_that_is_not_changed_costs_few_calls(self, value: Any) -> None:
        """The cost of one more middleware, in calls of the package's functions."""

        async def passing(request: Request, next: Next) -> Response:
            return await next(request)

        def calls(middlewares: int) -> int:
            app = App(middleware=[passing] * middlewares)
            app.get("/")(lambda request: value)
            client = Client(app)
            client.get("/")
            count = 0

            def profile(frame: FrameType, event: str, arg: Any) -> None:
                nonlocal count
                count += event == "call" and frame.f_code.co_filename.startswith(PACKAGE)

            before = sys.getprofile()
            gc.disable()  # it would call what other tests have left
            sys.setprofile(profile)
            try:
                client.get("/")
            finally:
                sys.setprofile(before)
                gc.enable()
            return count

        assert calls(11) - calls(1) <= 4 * 10


class TestStreams:
    def test_its_parts_are_made_in_one_task_and_context(self) -> None:
        tasks = []

        async def handler(request: Request) -> AsyncIterator[str]:
            token = variable.set("mine")
            for part in "ab":
                await sleep(0)
                tasks.append(current_task())
                yield part
            variable.reset(token)

        app = App(middleware=[marking("x")])
        app.get("/")(handler)
        assert Client(app).get("/").text == "ab"
        assert tasks[0] is tasks[1]

    @pytest.mark.parametrize("wrapped", [False, True])
    def test_it_is_closed_where_the_client_leaves(self, wrapped: bool) -> None:
        seen = []

        async def handler(request: Request) -> AsyncIterator[str]:
            try:
                yield "begun"
                await sleep(60)
            finally:
                seen.append("closed")

        async def wrapping(request: Request, next: Next) -> Response:
            response = await next(request)
            body = response.body

            async def parts() -> AsyncIterator[Any]:
                async for part in body:
                    yield part

            response.body = parts()
            return response

        app = App(middleware=[wrapping] if wrapped else [marking("x")])
        app.get("/")(handler)

        async def main() -> None:
            async with await AsyncClient(app).stream("GET", "/") as response:
                assert await anext(response) == b"begun"
            await sleep(0)

        asyncio.run(main())
        assert seen == ["closed"]

    def test_an_empty_one(self) -> None:
        app = App(middleware=[marking("x")])
        app.get("/")(lambda request: iter(()))
        response = Client(app).get("/")
        assert (response.status, response.text, response.headers["x-marks"]) == (200, "", "x")

    def test_a_head(self) -> None:
        app = App(middleware=[marking("x")])
        app.get("/")(parts_that_raise(LookupError()))
        assert Client(app).head("/").status == 200


class TestWhoIsCalled:
    """Which error handler is called, and whether the exception is logged."""

    def ask(self, error: BaseException, *kinds: Any, middleware: bool, status: int = 422) -> str:
        app = App(middleware=[marking("x")] if middleware else [])
        app.get("/")(raising(error))
        for kind in kinds:
            app.error(kind)(lambda request, error, kind=kind: Response(str(getattr(kind, "__name__", kind)), status))
        return Client(app).get("/").text

    @pytest.mark.parametrize("middleware", [False, True])
    @pytest.mark.parametrize(
        ("error", "kinds", "called", "logged"),
        [
            (KeyError("x"), (Exception, LookupError), "LookupError", False),
            (KeyError("x"), (Exception, LookupError, KeyError), "KeyError", False),
            (KeyError("x"), (Exception,), "Exception", True),
            (KeyError("x"), (Exception, 500), "Exception", True),
            (KeyError("x"), (500,), "500", True),
            (HTTPError(404), (Exception,), "Not Found\n", False),
            (HTTPError(404), (Exception, HTTPError), "HTTPError", False),
            (HTTPError(404), (Exception, HTTPError, 404), "404", False),
            (HTTPError(500), (Exception, 500), "500", False),
            (BodyTooLarge("x"), (Exception, HTTPError, 413), "413", False),
            (BodyTooLarge("x"), (Exception, HTTPError, 413, BodyTooLarge), "BodyTooLarge", False),
            (Disconnected("elsewhere"), (Exception,), "Internal Server Error\n", True),
            (InvalidField("x"), (Exception,), "Exception", True),
            (InvalidField("x"), (ValueError,), "Internal Server Error\n", True),
            (InvalidField("x"), (ValueError, Exception), "Exception", True),
            (InvalidField("x"), (ValueError, RopewalkError), "RopewalkError", True),
            (OSError(EMFILE, "none"), (Exception,), "Service Unavailable\n", True),
            (OSError(EMFILE, "none"), (OSError,), "OSError", False),
            (OSError(EMFILE, "none"), (Exception, 503), "503", True),
            (SystemExit(), (Exception,), "Internal Server Error\n", True),
            (SystemExit(), (Exception, 500), "500", True),
        ],
    )
    def test_of_one_app(
        self, error: BaseException, kinds: Any, called: str, logged: bool, middleware: bool, log: Log
    ) -> None:
        assert self.ask(error, *kinds, middleware=middleware) == called
        assert len(log) == logged

    @pytest.mark.parametrize("middleware", [False, True])
    def test_a_class_that_is_made_500_is_logged(self, middleware: bool, log: Log) -> None:
        assert self.ask(KeyError("x"), KeyError, middleware=middleware, status=500) == "KeyError"
        assert "raised KeyError('x')" in log.text

    def test_the_innermost_app_comes_first(self, log: Log) -> None:
        inner, app = App(), App()
        inner.error(Exception)(lambda request, error: Response("inner", 503))
        app.error(KeyError)(lambda request, error: Response("outer", 404))
        inner.get("/a")(raising(KeyError("x")))
        app.mount("/inner", inner)
        assert Client(app).get("/inner/a").text == "inner"
        assert len(log) == 1

    def test_an_unexpected_error_is_logged_once_however_many_there_are_around_it(self, log: Log) -> None:
        app = App(middleware=[marking(mark) for mark in "abc"])
        app.error(Exception)(lambda request, error: Response("shaped", 500))
        app.get("/")(raising(KeyError("x")))
        assert Client(app).get("/").headers.all("x-marks") == ["c", "b", "a"]
        assert len(log) == 1


class TestShape:
    def test_it_returns_a_response(self, log: Log) -> None:
        async def forgetful(request: Request, next: Next) -> None:
            await next(request)

        app = App(middleware=[forgetful])
        app.get("/")(lambda request: "")
        assert Client(app).get("/").status == 500
        line = forgetful.__code__.co_firstlineno
        assert f"forgetful at tests/unit/test_middleware.py:{line} returned None. End it with `return resp" in log.text
        assert f"RW209 GET /: {forgetful.__qualname__} at " in log.text

    def test_what_it_returns_is_not_said_to_be_the_handlers(self, log: Log) -> None:
        async def strange(request: Request, next: Next) -> int:
            return 5

        app = App(middleware=[strange])
        app.get("/")(lambda request: "")
        assert Client(app).get("/").status == 500
        assert f"RW201 GET /: {strange.__qualname__} at " in log.text

    def test_it_is_a_coroutine_function(self) -> None:
        with pytest.raises(HandlerError, match=r"RW205 .*<lambda> at tests/unit/test_middleware.py:\d+"):
            App(middleware=[lambda request, next: next(request)])

    def test_or_an_object_that_is_called_like_one(self) -> None:
        class Middleware:
            async def __call__(self, request: Request, next: Next) -> Any:
                return "object"

        assert Client(App(middleware=[Middleware()])).get("/").text == "object"
