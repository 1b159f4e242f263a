"""Compressed responses: which they are, their fields, and the switches of an app, a route and a response."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.compressed import GZIP, TEXT, coding, served

from ropewalk import NOT_DONE_YET, App, Compression, Files, HTTPError, Request, Resource, Response, asgi, wsgi
from ropewalk.errors import HandlerError, OptionError
from ropewalk.middleware import IdempotencyOptions, conditional, idempotency
from ropewalk.stores import MemoryIdempotency
from ropewalk.testing import Client


class TestWhatIsCompressed:
    @pytest.mark.parametrize(
        ("value", "body"),
        [
            (TEXT, TEXT.encode()),
            ({"a": TEXT}, b'{"a":"' + TEXT.replace("\n", "\\n").encode() + b'"}'),
            (lambda: Response.html(TEXT, 404), TEXT.encode()),
            (lambda: Response(TEXT, headers={"x": "y"}), TEXT.encode()),
            (lambda: Response(TEXT.encode(), content_type="image/svg+xml"), TEXT.encode()),
            (lambda: iter([TEXT, TEXT]), (TEXT * 2).encode()),
            ("x" * 65536, b"x" * 65536),
            ("y" * 300_000, b"y" * 300_000),
        ],
    )
    def test_values_of_handlers(self, value: Any, body: bytes) -> None:
        response = served(value)
        assert (coding(response), response.headers["vary"]) == ("gzip", "Accept-Encoding")
        assert response.body == body
        assert response.encoded_size < len(body)
        length = response.headers.get("content-length")
        assert length in (None, f"{response.encoded_size}")
        assert (length is None) == (len(body) > 65536 or body == (TEXT * 2).encode())

    @pytest.mark.parametrize("accepts", ["", "identity", "gzip;q=0", "br;q=0, *;q=0", "compress", "gzip;q=x"])
    def test_a_client_that_accepts_no_coding(self, accepts: str) -> None:
        response = served(TEXT, accepts=accepts)
        assert (coding(response), response.text) == (None, TEXT)
        assert response.headers["vary"] == "Accept-Encoding"

    def test_a_client_without_the_field(self) -> None:
        app = App(compression=True)
        app.get("/")(lambda request: TEXT)
        response = Client(app).get("/")
        assert (coding(response), response.text, response.headers["vary"]) == (None, TEXT, "Accept-Encoding")

    @pytest.mark.parametrize(
        ("accepts", "expected"),
        [
            ("gzip, deflate, br, zstd", "zstd"),
            ("gzip, deflate, br", "br"),
            ("br;q=0.5, gzip", "gzip"),
            ("*", "gzip"),
            ("identity;q=0, *;q=0.1", "gzip"),
            ("gzip, " + "x, " * 5000, "gzip"),
        ],
    )
    def test_the_client_chooses_the_coding(self, accepts: str, expected: str) -> None:
        assert coding(served(TEXT, accepts=accepts)) == expected

    @pytest.mark.parametrize(
        "value",
        [
            "short",
            b"x" * 5000,
            lambda: Response(TEXT.encode(), content_type="image/png"),
            lambda: Response(TEXT, headers={"cache-control": "no-cache, no-transform"}),
            lambda: Response(TEXT, 206, headers={"content-range": "bytes 0-9/10"}),
        ],
    )
    def test_what_is_left_as_it_is(self, value: Any) -> None:
        response = served(value)
        assert (coding(response), response.headers.get("vary")) == (None, None)

    def test_a_body_is_never_compressed_twice(self) -> None:
        zipped = gzip.compress(TEXT.encode()) * 100
        response = served(lambda: Response(zipped, headers={"content-encoding": "gzip"}, content_type="text/css"))
        assert (response.headers.all("content-encoding"), response.text) == (["gzip"], TEXT * 100)
        assert response.encoded_size == len(zipped)

    @pytest.mark.parametrize("status", [204, 304])
    def test_a_response_without_a_body(self, status: int) -> None:
        response = served(lambda: Response(status=status, content_type="text/html"))
        assert (response.status, coding(response), response.body) == (status, None, b"")

    def test_error_responses(self) -> None:
        def fail(request: Request) -> None:
            raise HTTPError(409, TEXT)

        app = App(compression=True)
        app.get("/")(fail)
        response = Client(app).get("/", headers=GZIP)
        assert (response.status, coding(response)) == (409, "gzip")
        assert TEXT[:5].encode() in response.body


class TestFields:
    @pytest.mark.parametrize("size", [10, 5000, 200_000])
    def test_head_has_the_fields_of_get(self, size: int) -> None:
        app = App(compression=True)

        @app.get("/")
        def text(request: Request) -> Response:
            return Response("x" * size, headers={"etag": '"a"'})

        client = Client(app)
        lines = [client.request(method, "/", headers=GZIP).headers.lines() for method in ("GET", "HEAD")]
        assert lines[0] == lines[1]

    @pytest.mark.parametrize(
        ("given", "expected"),
        [("cookie", "cookie, Accept-Encoding"), ("*", "*"), ("Accept-Encoding", "Accept-Encoding")],
    )
    def test_vary_is_merged(self, given: str, expected: str) -> None:
        assert served(lambda: Response(TEXT, headers={"vary": given})).headers.all("vary") == [expected]

    def test_a_strong_etag_becomes_weak(self) -> None:
        tagged = served(lambda: Response(TEXT, headers={"etag": '"a"'}))
        assert tagged.headers["etag"] == 'W/"a"'
        assert served(lambda: Response(TEXT, headers={"etag": '"a"'}), accepts="").headers["etag"] == '"a"'

    def test_a_304_has_the_etag_that_the_client_holds(self) -> None:
        app = App(compression=True, middleware=[conditional()])
        app.get("/")(lambda request: TEXT)
        client = Client(app)
        for headers in (GZIP, {}):
            first = client.get("/", headers=headers)
            second = client.get("/", headers={**headers, "if-none-match": first.headers["etag"]})
            assert (second.status, second.headers["etag"]) == (304, first.headers["etag"])
            assert second.headers["vary"] == "Accept-Encoding"
        assert first.headers["etag"].startswith('"')


class TestSwitches:
    def test_it_is_off_by_default(self) -> None:
        response = served(TEXT, app=App())
        assert (coding(response), response.headers.get("vary")) == (None, None)

    @pytest.mark.parametrize(
        ("of_app", "of_route", "of_response", "expected"),
        [
            (True, None, None, "gzip"),
            (True, False, None, None),
            (False, True, None, "gzip"),
            (True, None, False, None),
            (False, None, True, "gzip"),
            (False, True, False, None),
            (True, False, True, "gzip"),
        ],
    )
    def test_the_innermost_choice_counts(
        self, *, of_app: bool, of_route: bool | None, of_response: bool | None, expected: str | None
    ) -> None:
        def value() -> Response:
            response = Response(TEXT)
            response.compress = of_response
            assert response.compress is of_response
            return response

        assert coding(served(value, app=App(compression=of_app), compress=of_route)) == expected

    def test_a_handler_or_middleware_may_choose_for_the_request(self) -> None:
        app = App(compression=True)

        @app.middleware
        async def never_for_admins(request: Request, next: Callable[..., Any]) -> Response:
            request.compress = False
            return await next(request)  # type: ignore[no-any-return]

        assert coding(served(TEXT, app=app)) is None

    @pytest.mark.parametrize("value", [TEXT, {"a": TEXT}, TEXT.encode()])
    def test_middleware_may_choose_for_the_response(self, value: Any) -> None:
        app = App(compression=True)

        @app.middleware
        async def never(request: Request, next: Callable[..., Any]) -> Response:
            response: Response = await next(request)
            response.compress = False
            return response

        assert coding(served(value, app=app)) is None

    @pytest.mark.parametrize("of_route", [True, False])
    def test_a_route_of_a_mounted_app(self, *, of_route: bool) -> None:
        inner, outer = App(compression=True), App()
        inner.get("/a", compress=of_route)(lambda request: TEXT)
        inner.get("/b")(lambda request: TEXT)
        outer.mount("/in", inner)
        client = Client(outer)
        assert (coding(client.get("/in/a", headers=GZIP)) is not None) == of_route
        assert coding(client.get("/in/b", headers=GZIP)) is None  # the setting of the served app counts

    def test_a_response_that_is_written(self) -> None:
        class Written(Resource):
            isLeaf = True

            def render_GET(self, request: Request) -> Any:
                request.setHeader("content-type", "text/plain")
                for _ in range(3):
                    request.write(TEXT.encode())
                request.finish()
                return NOT_DONE_YET

        app = App(compression=True)
        app.mount("/", Written())
        response = Client(app).get("/", headers=GZIP)
        assert (coding(response), response.text) == ("gzip", TEXT * 3)

    def test_a_choice_can_be_taken_back(self) -> None:
        response = Response(TEXT)
        response.compress = False
        response.compress = None
        assert coding(served(response)) == "gzip"

    def test_wrong_choices(self) -> None:
        with pytest.raises(
            OptionError, match=r"RW271 App has the invalid value compression='gzip' \(.*\)\. Write compr"
        ):
            App(compression="gzip")  # type: ignore[arg-type]
        with pytest.raises(OptionError, match="RW271 The route '/' has the invalid value compress=1 "):
            App().get("/", compress=1)  # type: ignore[arg-type]
        with pytest.raises(HandlerError, match="RW271 A response has the invalid value compress='no'."):
            Response().compress = "no"  # type: ignore[assignment]

    def test_options(self) -> None:
        assert coding(served("x" * 50, app=App(compression=Compression(min_size=50)))) == "gzip"
        assert coding(served("x" * 49, app=App(compression=Compression(min_size=50)))) is None
        no_gzip = App(compression=Compression(gzip=None))
        assert coding(served(TEXT, app=no_gzip)) is None
        typed = App(compression=Compression(types=["Application/X-Log"]))
        assert coding(served(lambda: Response(TEXT.encode(), content_type="application/x-log"), app=typed)) == "gzip"
        no_streams = App(compression=Compression(streams=0))
        assert coding(served(lambda: iter([TEXT]), app=no_streams)) is None

    def test_levels_make_a_difference(self) -> None:
        sizes = [served(TEXT, app=App(compression=Compression(gzip=level))).encoded_size for level in (1, 9)]
        assert sizes[1] < sizes[0]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"gzip": 10}, "gzip=10 .* Give an int from 1 to 9, or None."),
            ({"zstd": 0}, "zstd=0 .* Give an int from 1 to 19, or None."),
            ({"br": -1}, "br=-1 .* Give an int from 0 to 11, or None."),
            ({"min_size": -1}, "min_size=-1 .* Give an int of at least 0."),
            ({"types": "text/x"}, "types='text/x' .* Write types="),
            ({"types": ["text"]}, r"types=\['text'\] .* Write types="),
        ],
    )
    def test_wrong_options(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(HandlerError, match=f"RW271 Compression has the invalid value {message}"):
            Compression(**options)

    def test_no_coding(self) -> None:
        with pytest.raises(HandlerError, match="RW271 Compression has no coding .* Set a level"):
            Compression(zstd=None, br=None, gzip=None)


class TestResponsesThatMiddlewareMakes:
    """They keep the choice of the response that they stand for."""

    def test_a_304(self) -> None:
        app = App(compression=True, middleware=[conditional()])

        @app.get("/")
        def text(request: Request) -> Response:
            response = Response(TEXT)
            response.compress = False
            return response

        client = Client(app)
        first = client.get("/", headers=GZIP)
        second = client.get("/", headers={**GZIP, "if-none-match": first.headers["etag"]})
        assert (second.status, second.headers.get("vary"), first.headers.get("vary")) == (304, None, None)

    def test_a_repeated_response(self) -> None:
        app = App(compression=True, middleware=[idempotency(IdempotencyOptions(store=MemoryIdempotency()))])

        @app.post("/{choice}")
        def text(request: Request, choice: str) -> Response:
            response = Response(TEXT)
            response.compress = {"yes": True, "no": False}.get(choice)
            return response

        client = Client(app)
        for choice, expected in (("no", None), ("yes", "gzip"), ("unset", "gzip")):
            headers = {**GZIP, "idempotency-key": f'"{choice}"'}
            assert [coding(client.post(f"/{choice}", headers=headers)) for _ in range(2)] == [expected, expected]


class TestFiles:
    @pytest.mark.parametrize(("size", "expected"), [(1000, None), (20_000, "gzip"), (300_000, "gzip"), (400_001, None)])
    def test_files_up_to_a_size(self, tmp_path: Path, size: int, expected: str | None) -> None:
        content = (TEXT * 60)[:size]
        (tmp_path / "a.txt").write_text(content)
        app = App(compression=Compression(file_size=400_000))
        app.mount("/", Files(tmp_path))
        response = Client(app).get("/a.txt", headers=GZIP)
        assert coding(response) == expected
        assert response.text == content

    def test_a_large_file_is_revalidated_by_its_weak_etag(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text(TEXT * 20)
        app = App(compression=True, middleware=[conditional()])
        app.mount("/", Files(tmp_path))
        client = Client(app)
        first = client.get("/a.txt", headers=GZIP)
        assert (coding(first), first.headers["etag"][:2]) == ("gzip", "W/")
        again = client.get("/a.txt", headers={**GZIP, "if-none-match": first.headers["etag"]})
        assert (again.status, again.headers["etag"]) == (304, first.headers["etag"])


class TestHosted:
    def test_a_wsgi_application(self) -> None:
        def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", f"{len(TEXT)}")])
            return [TEXT.encode()]

        app = App(compression=True)
        app.mount("/", wsgi(application))
        response = Client(app).get("/", headers=GZIP)
        assert (coding(response), response.body) == ("gzip", TEXT.encode())

    def test_an_asgi_application(self) -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "lifespan":
                return
            headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % (2 * len(TEXT)))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": TEXT.encode(), "more_body": True})
            await send({"type": "http.response.body", "body": TEXT.encode()})

        app = App(compression=True)
        app.mount("/", asgi(application))
        response = Client(app).get("/", headers=GZIP)
        assert (coding(response), response.body) == ("gzip", 2 * TEXT.encode())


class TestIfMatch:
    def test_the_tag_of_a_compressed_body_still_protects_changes(self) -> None:
        app = App(compression=True)
        version = ['"1"']

        @app.get("/")
        def read(request: Request) -> Response:
            return Response(TEXT, headers={"etag": version[0]})

        @app.put("/")
        def write(request: Request) -> str:
            request.if_match(version[0])
            version[0] = '"2"'
            return "written"

        client = Client(app)
        tag = client.get("/", headers=GZIP).headers["etag"]
        assert tag == 'W/"1"'
        assert [client.put("/", headers={"if-match": tag}).status for _ in range(2)] == [200, 412]

    @pytest.mark.parametrize(("app", "current"), [(App(), '"1"'), (App(compression=True), 'W/"1"')])
    def test_other_weak_tags_never_match(self, app: App, current: str) -> None:
        @app.put("/")
        def write(request: Request) -> None:
            request.if_match(current)

        assert Client(app).put("/", headers={"if-match": 'W/"1"'}).status == 412
