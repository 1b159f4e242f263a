"""The outermost middleware sees every response to an error: of each kind of handler, at each place."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from tests.unit.conftest import Log
from tests.unit.middleware.handlers import marking
from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.internet.defer import Deferred, fail, succeed

from ropewalk import App, Body, HTTPError, Request, Response
from ropewalk.errors import InvalidField
from ropewalk.middleware import Next
from ropewalk.testing import Client
from ropewalk.waiting import call_soon

Act = Callable[[Request], Any]


def raises(error: BaseException) -> Act:
    def act(request: Request) -> Any:
        raise error

    return act


def careless(**attributes: Any) -> Act:
    """A response that was changed after its checks."""

    def act(request: Request) -> Response:
        response = Response("x")
        for name, value in attributes.items():
            setattr(response, name, value)
        return response

    return act


def unknown_charset(request: Request) -> Response:
    response = Response("x")
    response.headers["content-type"] = "text/plain; charset=none"
    return response


def prepared(request: Request) -> str:
    request.setHeader("content-type", "text/plain; charset=none")
    return "x"


ACTS: dict[str, tuple[Act, int, str | None]] = {
    "HTTPError": (raises(HTTPError(409)), 409, None),
    "HTTPError of 500": (raises(HTTPError(503)), 503, None),
    "a mistake": (raises(KeyError("lost")), 500, "RW208"),
    "a cancelled Deferred": (raises(DeferredCancelled()), 500, "RW208"),
    "an exit": (raises(SystemExit()), 500, "RW208"),
    "an exception of a registered class": (raises(LookupError("known")), 404, None),
    "an error handler that fails": (raises(ZeroDivisionError()), 500, "RW208"),
    "a detail that cannot be sent": (raises(HTTPError(409, {"x": object()})), 500, "RW212"),
    "a value that is no response": (lambda request: object(), 500, "RW201"),
    "a value that is no JSON": (lambda request: {"x": object()}, 500, "RW212"),
    "text that is no Unicode": (lambda request: "\ud800", 500, "RW208"),
    "a status that is none": (lambda request: Response("x", 99), 500, "RW304"),
    "a status that was changed": (careless(status=1000), 500, "RW304"),
    "a reason that was changed": (careless(reason=b"a\r\nb"), 500, "RW304"),
    "a reason of another type": (careless(reason=5), 500, "RW304"),
    "a body that was changed": (careless(body=object()), 500, "RW201"),
    "a charset that is unknown": (unknown_charset, 500, "RW213"),
    "a charset that was prepared": (prepared, 500, "RW213"),
    "a wrong length": (lambda request: Response("x", headers={"content-length": "2"}), 500, "RW303"),
    "a body without a place": (lambda request: Response("x", 304), 500, "RW201"),
}


def handlers_for(act: Act) -> dict[str, Any]:
    def plain(request: Request) -> Any:
        return act(request)

    async def coroutine(request: Request) -> Any:
        return act(request)

    async def waiting(request: Request) -> Any:
        waited: Deferred[None] = Deferred()
        call_soon(waited.callback, None)
        await waited
        return act(request)

    def deferred(request: Request) -> Any:
        try:
            return succeed(act(request))
        except BaseException as error:  # noqa: BLE001 - the Deferred fails with whatever the handler raises
            return fail(error)

    def typed(request: Request, limit: int = 5) -> Any:
        return act(request)

    async def typed_coroutine(request: Request, limit: int = 5) -> Any:
        return act(request)

    return {
        "plain": plain,
        "coroutine": coroutine,
        "waiting": waiting,
        "deferred": deferred,
        "typed": typed,
        "typed coroutine": typed_coroutine,
    }


def failing(request: Request, error: Exception) -> Any:
    raise RuntimeError


def build(place: str, where: str, inner: App) -> App:
    """Return the app that is served: `inner` itself, or one in which it is mounted. `where` names the apps that have
    middleware."""
    app = inner
    if place != "served":
        app = App()
        app.mount("/{tenant}" if place == "below a parameter" else "/inner", inner)
    if "app" in where:
        app.middlewares.append(marking("app"))
    if "mount" in where:
        inner.middlewares.append(marking("mount"))
    return app


PLACES = [
    ("served", "app"),
    ("mounted", "app"),
    ("mounted", "mount"),
    ("mounted", "app and mount"),
    ("below a parameter", "app and mount"),
]


def marks(place: str, where: str) -> list[str]:
    return [each for each in ("mount", "app") if each in where]


@pytest.mark.parametrize(("place", "where"), PLACES)
@pytest.mark.parametrize("kind", list(handlers_for(lambda request: None)))
@pytest.mark.parametrize("name", ACTS)
def test_of_handlers(name: str, kind: str, place: str, where: str, log: Log) -> None:
    act, status, code = ACTS[name]
    inner = App()
    inner.get("/")(handlers_for(act)[kind])
    app = build(place, where, inner)
    app.error(LookupError)(lambda request, error: Response("known", 404))
    app.error(KeyError)(lambda request, error: Response("mistake", 500))
    app.error(ZeroDivisionError)(failing)
    response = Client(app, raise_errors=False).get("/" if place == "served" else "/inner/")
    assert (response.status, response.headers.all("x-marks")) == (status, marks(place, where))
    assert {event["code"] for event in log} == ({code} if code else set())


@pytest.mark.parametrize(("place", "where"), PLACES)
@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("GET", "none", {}, None, 404),
        ("PUT", "", {}, None, 405),
        ("OPTIONS", "", {}, None, 204),
        ("GET", "folder", {}, None, 308),
        ("GET", "numbers/x", {}, None, 404),
        ("GET", "typed?limit=x", {}, None, 422),
        ("POST", "plain", {}, b"12345", 413),
        ("POST", "async", {}, b"12345", 413),
        ("POST", "plain", {}, [b"123", b"45"], 413),
        ("POST", "async", {}, [b"123", b"45"], 413),
        ("POST", "typed", {"content-type": "application/json"}, b"12345", 413),
        ("POST", "typed", {"content-type": "text/csv"}, b"1", 415),
        ("POST", "typed", {}, b"1", 415),
        ("POST", "typed", {"content-type": "application/json"}, b"{", 400),
        ("POST", "typed", {"content-type": "application/json"}, b'"x"', 422),
        ("GET", "broken", {}, None, 500),
    ],
)
@pytest.mark.parametrize("handled", [False, True])
def test_of_the_app_itself(
    method: str, path: str, headers: Any, body: Any, status: int, place: str, where: str, handled: bool, log: Log
) -> None:
    inner = App()
    inner.get("/")(lambda request: "")
    inner.get("/folder/")(lambda request: "")
    inner.get("/numbers/{number:int}")(lambda request, number: "")
    inner.post("/plain", body_limit=4)(lambda request: "")

    @inner.post("/async", body_limit=4)
    async def read(request: Request) -> bytes:
        return await request.body()

    @inner.get("/typed")
    def limited(limit: int) -> str:
        return ""

    @inner.post("/typed", body_limit=4)
    def numbered(number: Annotated[int, Body()]) -> str:
        return ""

    inner.get("/broken")(lambda request: 1 // 0)
    app = build(place, where, inner)
    if handled:
        app.error(Exception)(lambda request, error: Response("any", 500))
    response = Client(app, raise_errors=False).request(
        method, f"/{path}" if place == "served" else f"/inner/{path}", headers=headers, body=body
    )
    assert (response.status, response.headers.all("x-marks")) == (status, marks(place, where))
    assert len(log) == (status == 500)


@pytest.mark.parametrize("path", ["/%ff", "/inner/%ff", "/inner/x%80y"])
@pytest.mark.parametrize(("place", "where"), [each for each in PLACES if "app" in each[1]])
def test_a_path_that_is_not_utf_8(path: str, place: str, where: str) -> None:
    """Such a path does not match any mounted app."""
    inner = App()
    response = Client(build(place, where, inner)).get(path)
    assert (response.status, response.headers.all("x-marks")) == (400, ["app"])


@pytest.mark.parametrize("caught", [False, True])
def test_a_cancellation_around_the_next_step(caught: bool, log: Log) -> None:
    """A middleware runs `next` as a Deferred and cancels it. This middleware gets the exception, and the middleware
    around it gets a response."""

    async def cancelling(request: Request, next: Next) -> Response:
        step: Any = next(request)
        running = Deferred.fromCoroutine(step)
        running.cancel()
        try:
            response: Response = await running
            return response
        except DeferredCancelled:
            if caught:
                return Response("late", 504)
            raise

    async def handler(request: Request) -> Any:
        return await Deferred()

    app = App(middleware=[marking("outer"), cancelling, marking("inner")])
    app.get("/")(handler)
    response = Client(app, raise_errors=False).get("/")
    assert (response.status, response.headers.all("x-marks")) == (504 if caught else 500, ["outer"])
    assert len(log) == (not caught)


def test_a_reason_that_is_wrong_raises_where_it_is_assigned() -> None:
    response = Response("x", reason="Fine")
    with pytest.raises(InvalidField, match="RW304"):
        response.reason = "a\nb"
    response.reason = b"Good"
    assert response.reason == b"Good"
    response.reason = None
    assert response.reason is None
