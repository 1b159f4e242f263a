"""Handlers that set a field of the response in every way. The client chooses the field."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from tests.wire.output.later import later
from twisted.internet.defer import Deferred

from ropewalk import NOT_DONE_YET, App, HTTPError, Request, Resource, Response
from ropewalk.headers import Text

app = App()

ways: dict[str, str] = {}
"""The names of the handlers, by path."""


def way(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register a handler at the path of its name."""
    ways[f"/{function.__name__}"] = function.__name__
    return app.get(f"/{function.__name__}")(function)


def resource(kind: type[Resource]) -> type[Resource]:
    """Register a leaf resource at the path of its name."""
    ways[f"/{kind.__name__}"] = f"{kind.__name__}.render_GET"
    app.mount(f"/{kind.__name__}", kind())
    return kind


def given(request: Request) -> tuple[Text, Text]:
    """The name and the value that the client has chosen."""
    name, value = (read(request.query[part]) for part in ("name", "value"))
    return name, value


def read(written: str) -> Text:
    data = bytes.fromhex(written[1:])
    return data if written[0] == "b" else data.decode("utf-8", "surrogatepass")


@way
def by_mapping(request: Request) -> Response:
    name, value = given(request)
    return Response("x", headers={name: value})  # type: ignore[arg-type] # the client chooses their types


@way
def by_pairs(request: Request) -> Response:
    return Response("x", headers=[given(request)])


@way
def by_assignment(request: Request) -> Response:
    response = Response("x")
    name, value = given(request)
    response.headers[name] = value
    return response


@way
def by_add(request: Request) -> Response:
    response = Response("x")
    response.headers.add(*given(request))
    return response


@way
async def in_time(request: Request) -> Response:
    await later()
    return Response("x", headers=[given(request)])


@way
def by_deferred(request: Request) -> "Deferred[Response]":
    return later().addCallback(lambda _: Response("x", headers=[given(request)]))


@way
def with_a_dict(request: Request) -> Response:
    return Response({"a": 1}, headers=[given(request)])


@way
def with_a_file(request: Request) -> Response:
    return Response.file(Path(__file__), headers=[given(request)])


@way
def with_parts(request: Request) -> Response:
    return Response(iter(["x"]), headers=[given(request)])


@way
async def with_async_parts(request: Request) -> Response:
    async def parts() -> AsyncIterator[str]:
        yield "x"

    return Response(parts(), headers=[given(request)])


@way
def with_a_redirect(request: Request) -> Response:
    return Response.redirect("/", headers=[given(request)])


@way
def prepared(request: Request) -> str:
    request.setHeader(*given(request))
    return "x"


@way
def by_http_error(request: Request) -> None:
    raise HTTPError(404, headers=[given(request)])  # type: ignore[list-item] # bytes are not documented


@way
def by_http_error_of_a_mapping(request: Request) -> None:
    name, value = given(request)
    raise HTTPError(404, headers={name: value})  # type: ignore[arg-type] # bytes are not documented


@way
def by_the_engine(request: Request) -> None:
    request.respond(200, [given(request)], b"x")


@way
def begun_by_the_engine(request: Request) -> None:
    request.begin(200, [given(request)])


@way
def by_interim(request: Request) -> str:
    request.interim(103, [given(request)])
    return "x"


@way
def by_upgrade(request: Request) -> None:
    request.upgrade([given(request)])


@resource
class Written(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> int:
        request.setHeader(*given(request))
        request.write("x")
        request.finish()
        return NOT_DONE_YET


@resource
class Finished(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> int:
        request.setHeader(*given(request))
        request.finish()
        return NOT_DONE_YET


@resource
class Returned(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> Iterator[str]:
        request.setHeader(*given(request))
        return iter(["x"])


async def changing(request: Request, next: Any) -> Response:
    response: Response = await next(request)
    name, value = given(request)
    response.headers[name] = value
    return response


async def replacing(request: Request, next: Any) -> Response:
    await next(request)
    return Response("x", headers=[given(request)])


def inner(request: Request) -> str:
    return "inner"


for middleware in (changing, replacing):
    around = App(middleware=[middleware])
    around.get("/")(inner)
    app.mount(f"/{middleware.__name__}", around)
    ways[f"/{middleware.__name__}/"] = middleware.__name__

handling = App()
app.mount("/handling", handling)
ways["/handling/"] = "handle"


@handling.get("/")
def failing(request: Request) -> None:
    raise HTTPError(404)


@handling.error(404)
def handle(request: Request, error: HTTPError) -> Response:
    return Response("x", 404, headers=[given(request)])


@app.get("/content-type")
def content_type(request: Request) -> Response:
    return Response("x", content_type=read(request.query["value"]))  # type: ignore[arg-type] # str


@app.get("/of-the-route", content_type="text/plain\r\nX-Forged: a")
def of_the_route(request: Request) -> str:
    return "x"


@app.get("/redirect")
def redirect(request: Request) -> Response:
    return Response.redirect(read(request.query["value"]))


@app.get("/redirect-status/{status:int}")
def redirect_status(request: Request, status: int) -> Response:
    return Response.redirect("/", status)


@app.get("/prepared-redirect")
def prepared_redirect(request: Request) -> bytes:
    request.redirect(read(request.query["value"]))
    return b""


@app.get("/cookie")
def cookie(request: Request) -> Response:
    response = Response("x")
    response.set_cookie(read(request.query["name"]), read(request.query["value"]))  # type: ignore[arg-type] # str
    return response


@app.get("/twisted-cookie")
def twisted_cookie(request: Request) -> str:
    request.addCookie(read(request.query["name"]), read(request.query["value"]))
    return "x"


@app.get("/attribute/{name}")
def attribute(request: Request, name: str) -> Response:
    response = Response("x")
    given: dict[str, Any] = {name: read(request.query["value"])}
    response.set_cookie("a", "b", **given)
    return response


@app.get("/cookies")
def cookies(request: Request) -> Response:
    request.addCookie(b"one", b"1", path=b"/", httpOnly=True, sameSite=b"lax")
    request.addCookie("two", "2", secure=True, max_age=60)
    response = Response("x")
    response.set_cookie("three", "3")
    return response


@app.get("/reason")
def reason(request: Request) -> str:
    request.setResponseCode(200, read(request.query["value"]))
    return "x"


@app.get("/download")
def download(request: Request) -> Response:
    return Response.file(Path(__file__), download=read(request.query["value"]))  # type: ignore[arg-type] # str


class Trailers(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> int:
        request.write("x")
        request.end([given(request)])
        return NOT_DONE_YET


app.mount("/trailers", Trailers())


class Raising(dict[str, str]):
    def items(self) -> Any:
        yield "x-one", "1"
        raise LookupError("no second field")


@app.get("/not-fields/{number:int}")
def not_fields(request: Request, number: int) -> Response:
    given: list[Any] = [["x-a: b"], ["ab"], "x-a: b", b"xy", 5, [("x",)], [("x", "y", "z")], {"x": 5}, {5: "x"}]
    return Response("x", headers=given[number])


@app.get("/raising-fields")
def raising_fields(request: Request) -> Response:
    return Response("x", headers=Raising(x="y"))


@app.get("/other-headers")
def other_headers(request: Request) -> Response:
    response = Response("x")
    response.headers = {"x-one": "1"}  # type: ignore[assignment] # the mistake
    return response


@app.get("/very-long")
def very_long(request: Request) -> Response:
    return Response("x", headers={"x-one": "x" * 1_000_000})


@app.get("/bytes-names")
def bytes_names(request: Request) -> Response:
    response = Response("x", headers={b"X-One": b"1"})
    response.headers[b"X-Two"] = b"2"
    response.headers[b"x-two"] = "3"
    return response


STATUSES: tuple[Any, ...] = (0, 99, 100, 101, 199, 600, 999, -1, 70_000, 1 << 70, True, "404", None, 404.0)
"""Values that are not the status of a final response."""


def status_of(request: Request) -> Any:
    return STATUSES[int(request.query["number"])]


@app.get("/status-of-response")
def status_of_response(request: Request) -> Response:
    return Response("x", status_of(request))


@app.get("/status-set-later")
def status_set_later(request: Request) -> Response:
    response = Response("x")
    response.status = status_of(request)
    return response


@app.get("/status-of-parts")
def status_of_parts(request: Request) -> Response:
    response = Response(iter(["x"]))
    response.status = status_of(request)
    return response


@app.get("/status-prepared")
def status_prepared(request: Request) -> str:
    request.setResponseCode(status_of(request))
    return "x"


@app.get("/status-of-http-error")
def status_of_http_error(request: Request) -> None:
    raise HTTPError(status_of(request))


@app.get("/status-by-the-engine")
def status_by_the_engine(request: Request) -> None:
    request.respond(status_of(request), (), b"x")
