"""The values with which a handler responds."""

import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.conftest import Log
from tests.unit.turns import run_turns, until

from ropewalk import NOT_DONE_YET, App, HTTPError, Request, Response
from ropewalk.errors import HandlerError, InvalidField
from ropewalk.open_files import OpenFile, open_file
from ropewalk.response import TEXT, file_type
from ropewalk.statuses import Created
from ropewalk.testing import AsyncClient, Client, ClientResponse, ProtocolError
from ropewalk.waiting import ready


def response_to(value: Any, method: str = "GET") -> ClientResponse:
    """Return the response to a request whose handler returns this value."""
    app = App()
    app.get("/")(lambda request: value)
    return Client(app, raise_errors=False).request(method, "/")


def opened(folder: Path) -> OpenFile:
    """A file object, open and not yet sent."""
    (folder / "opened.txt").write_text("text")
    return open_file(folder / "opened.txt")


@dataclass
class Point:
    x: int


class Struct(msgspec.Struct):
    y: int


class TestKinds:
    @pytest.mark.parametrize(
        ("value", "status", "content_type", "body"),
        [
            ("é", 200, "text/plain; charset=utf-8", "é".encode()),
            (b"\x00", 200, "application/octet-stream", b"\x00"),
            ({"a": 1}, 200, "application/json", b'{"a":1}'),
            ([1], 200, "application/json", b"[1]"),
            (Struct(2), 200, "application/json", b'{"y":2}'),
            (Point(1), 200, "application/json", b'{"x":1}'),
            (None, 204, None, b""),
            (Response("x", 201), 201, "text/plain; charset=utf-8", b"x"),
            (Response({"a": 1}), 200, "application/json", b'{"a":1}'),
            (Response(b"x", content_type="x/y"), 200, "x/y", b"x"),
            (Response(bytearray(b"x")), 200, "application/octet-stream", b"x"),
            (Response("x", headers={"Content-Type": "x/y"}), 200, "x/y", b"x"),
            (Response.json("x"), 200, "application/json", b'"x"'),
            (Response.html("<p>"), 200, "text/html; charset=utf-8", b"<p>"),
            (Response(), 200, None, b""),
        ],
    )
    def test_value(self, value: Any, status: int, content_type: str | None, body: bytes) -> None:
        response = response_to(value)
        assert response.status == status
        assert response.headers.get("content-type") == content_type
        assert response.body == body

    def test_not_done_yet_is_for_resources(self, log: Log) -> None:
        assert response_to(NOT_DONE_YET).status == 500
        assert "returned a value of type int. Return the body, or an iterator of its parts. NOT_DONE_YET" in log.text

    @pytest.mark.parametrize("value", [5, 2, True, 1.5, {1}, object, Point])
    def test_what_is_not_a_response(self, value: Any, log: Log) -> None:
        assert response_to(value).status == 500
        kind = type(value).__qualname__
        assert "RW201 GET /: response_to.<locals>.<lambda> at tests/unit/response/test_response.py:" in log.text
        assert f"returned a value of type {kind}. Return str, bytes" in log.text

    def test_a_tuple_in_flasks_manner(self, log: Log) -> None:
        assert response_to(({"a": 1}, 201)).status == 500
        assert "returned a value of type tuple. Write `Response(body, status=...)`." in log.text

    def test_a_wait_that_was_forgotten_is_not_a_body(self) -> None:
        with pytest.raises(HandlerError, match="RW201 A value of type Waiter is not a body. Await it first."):
            Response(ready("text"))

    @pytest.mark.parametrize("status", ["404", None, 404.0, True])
    def test_a_status_is_an_int(self, status: Any) -> None:
        with pytest.raises(
            InvalidField, match=f"RW304 The status of a Response is an int such as 404, not {status!r}."
        ):
            Response("", status=status)

    def test_a_status_by_its_name(self) -> None:
        assert response_to(Response("", HTTPStatus.CREATED)).status == 201

    def test_a_route_may_say_the_content_type(self) -> None:
        app = App()
        app.get("/", content_type="text/csv")(lambda request: "a,b")
        assert Client(app).get("/").headers["content-type"] == "text/csv"

    def test_a_body_of_another_kind(self) -> None:
        with pytest.raises(HandlerError, match="RW201 A value of type int is not a body"):
            Response(5)


class TestFields:
    def test_redirects(self) -> None:
        response = response_to(Response.redirect("/a b/é?x=%20", 303))
        assert (response.status, response.headers["location"]) == (303, "/a%20b/%C3%A9?x=%20")

    def test_cookies(self) -> None:
        made = Response("x")
        made.set_cookie("a", "1", max_age=60)
        made.delete_cookie("b")
        response = response_to(made)
        assert response.headers.all("set-cookie") == [
            "a=1; Max-Age=60; Path=/; HttpOnly; SameSite=Lax",
            "b=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
        ]
        assert response.cookies["a"] == "1"

    @pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=1", "a\nb", "a\x00b"])
    def test_what_would_end_a_field_is_an_error_where_it_is_said(self, value: str) -> None:
        """A value that would end its header field is refused where the program gives it (RFC 9110, section 5.5)."""
        with pytest.raises(InvalidField, match="RW304 The header x-y has control characters in its value"):
            Response("x", headers={"x-y": value})

    @pytest.mark.parametrize("status", [99, 600, 1000])
    def test_a_status_that_is_none(self, status: int, log: Log) -> None:
        assert response_to(Response("x", status)).status == 500

    @pytest.mark.parametrize("make", [Response, lambda body: Response.plain(body, TEXT)])
    def test_any_of_some_names(self, make: Callable[[str], Response[str]]) -> None:
        made = make("x")
        assert made.has_any(frozenset(("content-type", "etag")))
        assert not made.has_any(frozenset(("etag",)))
        made.headers["etag"] = '"a"'
        assert made.has_any(frozenset(("etag",)))

    def test_settled_lines_are_added(self) -> None:
        made = Response.plain("x", TEXT)
        made.add_settled([("x-a", "1")])
        assert made.headers.lines() == [("content-type", TEXT), ("x-a", "1")]
        assert made.is_as_settled()
        made.add_settled([("x-b", "2")])
        assert made.headers.lines()[1:] == [("x-a", "1"), ("x-b", "2")]
        assert made.is_as_settled()
        made.headers["x-c"] = "3"
        assert not made.is_as_settled()


class TestBodiless:
    """Responses with the status 204, 205 or 304 have no body (RFC 9110, sections 6.4.1 and 15.3.6)."""

    @pytest.mark.parametrize("status", [204, 205, 304])
    @pytest.mark.parametrize("body", [None, "", b""])
    def test_without_a_body(self, status: int, body: Any) -> None:
        assert response_to(Response(body, status)).status == status

    @pytest.mark.parametrize("status", [204, 205, 304])
    @pytest.mark.parametrize("body", ["x", b"x", {}, iter(["x"])])
    def test_with_one(self, status: int, body: Any, log: Log) -> None:
        assert response_to(Response(body, status)).status == 500
        assert "RW201 GET /: response_to.<locals>" in log.text
        assert f"A response of status {status} has a body. Leave it out, or choose another status." in log.text


class TestPrepared:
    """`setResponseCode` and `setHeader` take precedence over the value that the handler returns."""

    shared = Response("shared", 404, {"x-user": "nobody", "x-kept": "yes"})

    @pytest.mark.parametrize("middleware", [False, True])
    def test_over_a_response(self, middleware: bool) -> None:
        async def passing(request: Request, next: Any) -> Response:
            response: Response = await next(request)
            response.headers["x-status"] = str(response.status)
            return response

        app = App(middleware=[passing] if middleware else [])

        @app.get("/")
        def handler(request: Request) -> Response:
            if "user" in request.query:
                request.setResponseCode(201)
                request.setHeader("x-user", request.query["user"])
            return self.shared

        response = Client(app).get("/?user=Ada")
        assert (response.status, response.headers["x-user"], response.headers["x-kept"]) == (201, "Ada", "yes")
        response = Client(app).get("/")
        assert (response.status, response.headers["x-user"]) == (404, "nobody")

    def test_a_middleware_has_the_last_word(self) -> None:
        async def late(request: Request, next: Any) -> Response:
            response: Response = await next(request)
            return Response("late", response.status + 1)

        app = App(middleware=[late])

        @app.get("/")
        def handler(request: Request) -> str:
            request.setResponseCode(201)
            return "early"

        response = Client(app).get("/")
        assert (response.status, response.text) == (202, "late")

    @pytest.mark.parametrize("middleware", [False, True])
    def test_an_error_forgets_it(self, middleware: bool) -> None:
        async def passing(request: Request, next: Any) -> Response:
            return await next(request)  # type: ignore[no-any-return]

        app = App(middleware=[passing] if middleware else [])

        @app.get("/")
        def handler(request: Request) -> None:
            request.setResponseCode(201)
            raise HTTPError(404)

        assert Client(app).get("/").status == 404


class TestFiles:
    def test_a_path(self, tmp_path: Path) -> None:
        file = tmp_path / "page.html"
        file.write_text("<p>")
        response = response_to(file)
        assert response.text == "<p>"
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert response.headers["content-length"] == "3"
        assert "last-modified" in response.headers

    @pytest.mark.parametrize("ahead", [0.5, 1, 86_400, 10.0**9, 10.0**12, 10.0**30])
    def test_one_that_was_changed_in_the_future(self, tmp_path: Path, ahead: float) -> None:
        """If a file was changed in the future, its Last-Modified is the Date of the response (RFC 9110, section
        8.8.2.1)."""
        file = opened(tmp_path)
        file.modified = time.time() + ahead
        response = response_to(Response(file))
        assert (response.status, response.text) == (200, "text")
        assert response.headers["last-modified"] == response.headers["date"]

    @pytest.mark.parametrize("modified", [-1.5, -(10.0**10), -(10.0**12), -(10.0**30)])
    def test_one_that_was_changed_long_ago(self, tmp_path: Path, modified: float) -> None:
        file = opened(tmp_path)
        file.modified = modified
        response = response_to(Response(file))
        assert (response.status, response.text) == (200, "text")
        assert ("last-modified" in response.headers) == (modified > -62_135_596_800)

    def test_one_that_is_sent_again_when_it_has_changed(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text("text")
        response, dates = Response(path), []
        for modified in (1_000_000_000, 1_000_000_001):
            os.utime(path, (modified, modified))
            dates.append(response_to(response).headers["last-modified"])
        assert dates == ["Sun, 09 Sep 2001 01:46:40 GMT", "Sun, 09 Sep 2001 01:46:41 GMT"]

    @pytest.mark.parametrize("size", [0, 1, 3])
    def test_one_that_shrinks_before_it_is_sent(self, tmp_path: Path, size: int) -> None:
        file = opened(tmp_path)
        os.truncate(tmp_path / "opened.txt", size)
        response = response_to(Response(file))
        assert (response.status, response.text) == (200, "text"[:size])
        assert response.headers["content-length"] == str(size)

    def test_one_that_grows_before_it_is_sent(self, tmp_path: Path) -> None:
        file = opened(tmp_path)
        (tmp_path / "opened.txt").write_text("text and more")
        assert response_to(Response(file)).text == "text"

    def test_one_that_vanishes_before_it_is_sent(self, tmp_path: Path) -> None:
        file = opened(tmp_path)
        (tmp_path / "opened.txt").unlink()
        assert response_to(Response(file)).text == "text"

    def test_what_is_no_regular_file(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(tmp_path / "socket"))
            assert response_to(tmp_path / "socket").status == 404
        assert response_to(tmp_path / "pipe").status == 404
        assert response_to(Path("/dev/null")).status == 404

    def test_a_download_whose_name_is_not_utf_8(self, tmp_path: Path) -> None:
        opened(tmp_path)
        name = os.fsdecode(b"caf\xe9.txt")
        response = response_to(Response.file(tmp_path / "opened.txt", download=name))
        assert response.headers["content-disposition"] == "attachment; filename*=UTF-8''caf%EF%BF%BD.txt"

    def test_an_empty_and_a_large_one(self, tmp_path: Path) -> None:
        for size in (0, 1_000_000):
            file = tmp_path / f"{size}.bin"
            file.write_bytes(b"x" * size)
            assert len(response_to(file).body) == size

    def test_head(self, tmp_path: Path) -> None:
        file = tmp_path / "a.txt"
        file.write_text("text")
        response = response_to(file, "HEAD")
        assert (response.body, response.headers["content-length"]) == (b"", "4")

    def test_a_download(self, tmp_path: Path) -> None:
        """A download has its file name in Content-Disposition, with other characters than ASCII encoded (RFC 6266)."""
        file = tmp_path / "a.txt"
        file.write_text("text")
        response = response_to(Response.file(file, download='é".txt', content_type="x/y"))
        assert response.headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%A9%22.txt"
        assert response.headers["content-type"] == "x/y"

    def test_what_is_not_there_or_not_a_file(self, tmp_path: Path) -> None:
        assert response_to(tmp_path / "none").status == 404
        assert response_to(tmp_path).status == 404
        assert response_to(tmp_path / "none" / "deeper").status == 404
        assert response_to(Path("x" * 5000)).status == 404

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("a.html", "text/html; charset=utf-8"),
            ("a.js", "text/javascript; charset=utf-8"),
            ("a.json", "application/json"),
            ("a.svg", "image/svg+xml"),
            ("a.tar.gz", "application/octet-stream"),
            ("data:text/html,a.txt", "text/plain; charset=utf-8"),
            ("data:a\n/b,c", "application/octet-stream"),
            ("x:a.html?b.json", "application/json"),
            ("caf\udce9.txt", "text/plain; charset=utf-8"),
            ("a", "application/octet-stream"),
        ],
    )
    def test_types(self, name: str, expected: str) -> None:
        assert file_type(name) == expected


class TestStreams:
    def test_a_generator(self) -> None:
        response = response_to(iter(["a", b"b", "", "c"]))
        assert response.text == "abc"
        assert response.headers["transfer-encoding"] == "chunked"
        assert response.headers["content-type"] == "text/plain; charset=utf-8"

    def test_of_bytes(self) -> None:
        assert response_to(iter([b"a"])).headers["content-type"] == "application/octet-stream"

    def test_with_a_length(self) -> None:
        response = response_to(Response(iter([b"ab", b"c"]), headers={"content-length": "3"}))
        assert response.body == b"abc"
        assert response.headers["content-length"] == "3"
        assert "transfer-encoding" not in response.headers

    def test_of_nothing(self) -> None:
        assert response_to(iter([])).body == b""

    def test_head_does_not_run_it(self) -> None:
        def parts() -> Iterator[bytes]:
            pytest.fail("it was run")
            yield b""  # type: ignore[unreachable] # makes it a generator

        assert response_to(parts(), "HEAD").status == 200

    def test_an_error_before_the_first_part_is_a_500(self, log: Log) -> None:
        def parts() -> Iterator[bytes]:
            yield b"%d" % (1 // 0)

        assert response_to(parts()).status == 500
        assert "ZeroDivisionError" in log.text

    def test_an_error_later_cuts_the_connection(self, log: Log) -> None:
        def parts() -> Iterator[bytes]:
            yield b"a"
            raise ZeroDivisionError

        with pytest.raises(ProtocolError):
            response_to(parts())
        assert "ZeroDivisionError" in log.text

    def test_a_part_of_another_type(self, log: Log) -> None:
        assert response_to(iter([5])).status == 500
        assert ": A body has a part of type int. Write or yield bytes or str." in log.text

    def test_too_long_for_its_length(self, log: Log) -> None:
        with pytest.raises(ProtocolError):
            response_to(Response(iter([b"abcd"]), headers={"content-length": "3"}))
        assert "RW303" in log.text

    def test_back_pressure(self, run: Any) -> None:
        """While the client reads nothing, Ropewalk requests no more parts than the queue holds."""
        made = 0
        closed = False

        async def main() -> None:
            app = App()

            @app.get("/")
            async def handler(request: Request) -> AsyncIterator[bytes]:
                nonlocal made, closed
                try:
                    while True:
                        made += 1
                        yield bytes(10_000)
                finally:
                    closed = True

            client = AsyncClient(app)
            response = await client.stream("GET", "/")
            response.pause()
            await run_turns()
            held = made
            await run_turns()
            assert made == held
            assert held < 1024  # fewer parts than one turn could request, so the full queue was the limit
            response.resume()
            for _ in range(held + 100):
                await anext(response)
            assert made > held
            response.close()
            await until(lambda: closed)

        run(main())

    def test_a_client_that_leaves_ends_a_plain_generator(self, run: Any) -> None:
        closed = False

        async def main() -> None:
            app = App()

            @app.get("/")
            def handler(request: Request) -> Iterator[bytes]:
                nonlocal closed
                try:
                    while True:
                        yield bytes(10_000)
                finally:
                    closed = True

            response = await AsyncClient(app).stream("GET", "/")
            response.pause()
            await run_turns()
            response.close()
            await until(lambda: closed)

        run(main())


class TestCreated:
    @pytest.mark.parametrize(
        ("target", "encoded"),
        [("/rooms/7", "/rooms/7"), ("/rooms/a b/é", "/rooms/a%20b/%C3%A9"), (b"/x%20y", "/x%20y")],
    )
    def test_location(self, target: Any, encoded: str) -> None:
        app = App()
        app.post("/untyped")(lambda request: Created({"id": 7}, headers={"x-a": "b"}, location=target))

        @app.post("/typed")
        def typed(request: Request) -> Created[dict[str, int]]:
            return Created({"id": 7}, location=target)

        @app.post("/converted")
        def converted(request: Request) -> Created[dict[str, int]]:
            return Created[dict[str, int]]({"id": 7}, location=target)

        for path in ("/untyped", "/typed", "/converted"):
            response = Client(app).post(path)
            assert (response.status, response.headers["location"], response.json()) == (201, encoded, {"id": 7})

    def test_what_is_no_target(self) -> None:
        with pytest.raises(InvalidField):
            Created(location="/a\r\nb")
