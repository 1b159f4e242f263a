"""Whatever code makes a response, the outermost middleware sees it."""

from asyncio import CancelledError
from collections.abc import AsyncIterator
from errno import EMFILE
from pathlib import Path
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.middleware.handlers import NOTHING, async_parts_that_raise, marking, parts_that_raise, raising

from ropewalk import App, Files, HTTPError, Request, Resource, Response
from ropewalk.middleware import Next
from ropewalk.testing import Client, ProtocolError


class Broken(Resource):
    """A resource that raises during the search for a handler."""

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
        """The status that the client receives, and the status that the outermost middleware has seen."""

        async def outermost(request: Request, next: Next) -> Response:
            response = await next(request)
            response.headers["x-seen"] = str(response.status)
            return response

        app.middlewares.insert(0, outermost)
        response = Client(app, raise_errors=False).request(
            options.pop("method", "GET"), path, headers=headers, **options
        )
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
        assert "Broken.getChild at tests/unit/middleware/test_every_response.py:" in log.text

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
        named = "handle at tests/unit/middleware/test_every_response.py:" in log.text
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
            Client(app, raise_errors=False).get("/")
        assert seen == [(200, LookupError)]
        assert len(log) == 1
