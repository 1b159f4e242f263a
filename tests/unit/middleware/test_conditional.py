"""Conditional requests, by RFC 9110, section 13."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pydantic
import pytest
from tests.unit.conftest import Log
from tests.unit.middleware.every_response import PATHS, every_response

from ropewalk import App, Request, Response
from ropewalk.errors import HandlerError
from ropewalk.etags import etag
from ropewalk.middleware import ConditionalOptions, conditional
from ropewalk.testing import Client, ClientResponse

EARLIER, DATE, LATER = (f"Sun, 06 Nov 1994 08:49:3{second} GMT" for second in (6, 7, 8))
TAG = '"v1"'


class Version(msgspec.Struct):
    number: int
    tags: dict[str, int]


class Public(msgspec.Struct):
    name: str


class Private(Public):
    secret: str


class Model(pydantic.BaseModel):
    name: str


@dataclass
class Record:
    name: str


def serve(handler: Any, **options: Any) -> Client:
    app = App(middleware=[conditional(ConditionalOptions(**options))])
    app.get("/")(handler)
    return Client(app)


def versioned(request: Request) -> Response:
    headers = {"etag": TAG, "last-modified": DATE, "vary": "Accept", "cache-control": "no-cache", "x-own": "1"}
    response = Response("x", headers=headers)
    response.set_cookie("a", "b")
    return response


def ask(handler: Any = versioned, method: str = "GET", **headers: str) -> ClientResponse:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return serve(handler).request(method, "/", headers=fields)


WHOLE = {"/text", "/deferred", "/coroutine", "/file", "/files/every_response.py", "/inner/text", "/asgi/x", "/wsgi/x"}


@pytest.mark.parametrize("path", PATHS)
def test_every_whole_body_has_a_tag(path: str) -> None:
    client = Client(every_response(conditional()))
    response = client.get(path)
    assert response.status == PATHS[path]
    assert ("etag" in response.headers) is (path in WHOLE)
    if path in WHOLE:
        again = client.get(path, headers={"if-none-match": response.headers["etag"]})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", response.headers["etag"])
        # In a response to HEAD, a WSGI application sends no body from which an ETag could be computed.
        assert client.head(path).headers.get("etag") == (None if path == "/wsgi/x" else response.headers["etag"])


class TestTags:
    def test_representations_of_one_str_have_different_ones(self) -> None:
        app = App(middleware=[conditional()])

        @app.get("/", produces=["text/html", "text/plain", "application/json"])
        def name() -> str:
            return "a"

        client = Client(app)
        tags = {kind: client.get("/", headers={"accept": kind}).headers["etag"] for kind in ("text/html", "text/plain")}
        assert len(set(tags.values())) == 2
        fields = {"accept": "text/plain", "if-none-match": tags["text/html"]}
        assert client.get("/", headers=fields).status == 200
        assert client.get("/", headers={"accept": "text/plain", "if-none-match": tags["text/plain"]}).status == 304

    def test_other_bodies_have_others(self) -> None:
        german = Response("a", headers={"content-language": "de"})
        bodies: Iterator[Any] = iter(["a", "b", "a", Response("a", content_type="text/css"), german])
        client = serve(lambda request: next(bodies))
        tags = [client.get("/").headers["etag"] for _ in range(5)]
        assert tags[0] == tags[2]
        assert len(set(tags)) == 4

    @pytest.mark.parametrize(
        "value",
        [
            "a",
            "ä",
            b"\xff",
            {"b": 1, "a": [2]},
            {"tags": {"x", "y", "z"}},
            [1, 2],
            Version(3, {"b": 1, "a": 2}),
            Record("a"),
            Response(Version(1, {}), 200, {"x-own": "1"}),
            Response.json(7),
        ],
        ids=repr,
    )
    @pytest.mark.parametrize("weak", [False, True])
    def test_they_are_those_that_a_handler_computes(self, value: Any, weak: bool) -> None:
        own = etag(value.value if isinstance(value, Response) else value, weak=weak)
        assert serve(lambda request: value, weak=weak).get("/").headers["etag"] == own

    def test_they_are_of_the_value_that_is_sent(self) -> None:
        app = App(middleware=[conditional()])

        @app.get("/")
        def show() -> Public:
            return Private("a", "secret")

        @app.get("/model")
        def model() -> Model:
            return Model(name="a")

        assert Client(app).get("/").headers["etag"] == etag(Public("a"))
        assert Client(app).get("/model").headers["etag"] == etag(Model(name="a")) == etag(b'{"name":"a"}')

    def test_weak_ones(self) -> None:
        client = serve(lambda request: "a", weak=True)
        tag = client.get("/").headers["etag"]
        assert tag.startswith('W/"')
        assert client.get("/", headers={"if-none-match": tag.removeprefix("W/")}).status == 304
        assert client.get("/", headers={"if-match": tag}).status == 412

    def test_none_for_large_bodies(self) -> None:
        client = serve(lambda request: request.query.get("a"), hashed_body_limit=3)
        assert "etag" in client.get("/?a=123").headers
        assert "etag" not in client.get("/?a=1234").headers

    def test_that_of_the_handler_is_kept(self) -> None:
        assert ask().headers["etag"] == TAG

    def test_files(self, tmp_path: Path) -> None:
        file = tmp_path / "a.txt"
        file.write_text("one")
        client = serve(lambda request: file)
        first = client.get("/")
        assert first.headers["etag"].startswith('W/"')
        assert client.get("/", headers={"if-modified-since": first.headers["last-modified"]}).status == 304
        file.write_text("other")
        assert client.get("/", headers={"if-none-match": first.headers["etag"]}).status == 200
        assert "etag" not in serve(lambda request: file, files=False).get("/").headers

    def test_a_file_that_replaces_one_of_the_same_size_and_time(self, tmp_path: Path) -> None:
        file = tmp_path / "a.txt"
        client = serve(lambda request: file)
        tags = []
        for text in ("one", "two"):
            file.write_text(text)
            os.utime(file, (1, 1))
            tags.append(client.get("/").headers["etag"])
        assert tags[0] != tags[1]


class TestIfNoneMatch:
    @pytest.mark.parametrize("value", [TAG, f"W/{TAG}", f'"a,b", {TAG}', f'"",{TAG},"x"', "*", " * "])
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_it_is_current(self, value: str, method: str) -> None:
        response = ask(method=method, if_none_match=value)
        assert (response.status, response.body) == (304, b"")
        assert {"etag", "vary", "cache-control", "set-cookie", "x-own", "last-modified"} <= set(response.headers)
        assert "content-type" not in response.headers

    @pytest.mark.parametrize("value", ['"v2"', "v1", '"v1', "W/v1", "", '"v1 "', 'w/"v2"', '"' * 9000, "W/" * 4000])
    def test_it_is_not(self, value: str) -> None:
        assert ask(if_none_match=value).status == 200

    def test_it_comes_before_the_date(self) -> None:
        assert ask(if_none_match='"v2"', if_modified_since=LATER).status == 200
        assert ask(if_none_match=TAG, if_modified_since=EARLIER).status == 304


class TestDates:
    @pytest.mark.parametrize(
        ("value", "status"),
        [
            (EARLIER, 200),
            (DATE, 304),
            (LATER, 304),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 304),
            ("Sun Nov  6 08:49:37 1994", 304),
            ("Sun Nov  6 08:49:36 1994", 200),
            ("Sun, 31 Feb 2020 08:49:37 GMT", 200),
            ("Sun, 06 Nov 1994 08:49:37 +0000", 200),
            ("06 Nov 2094", 200),
            ("0", 200),
            ("", 200),
            (f"{LATER}, {LATER}", 200),
            ("9" * 9000, 200),
        ],
    )
    def test_if_modified_since(self, value: str, status: int) -> None:
        assert ask(if_modified_since=value).status == status

    def test_if_unmodified_since(self) -> None:
        assert ask(if_unmodified_since=EARLIER).status == 412
        assert ask(if_unmodified_since=DATE).status == 200
        assert ask(if_unmodified_since="nonsense").status == 200

    def test_without_last_modified_they_count_for_nothing(self) -> None:
        assert ask(lambda request: "x", if_modified_since=LATER).status == 200
        assert ask(lambda request: "x", if_unmodified_since=EARLIER).status == 200


class TestIfMatch:
    def test_it_names_the_tag(self) -> None:
        assert ask(if_match=TAG).status == 200
        assert ask(if_match="*").status == 200
        assert ask(if_match=f'"a", {TAG}').status == 200

    @pytest.mark.parametrize("value", ['"v2"', f"W/{TAG}", "v1", ""])
    def test_it_names_another(self, value: str) -> None:
        assert ask(if_match=value).status == 412

    def test_it_comes_first(self) -> None:
        assert ask(if_match='"v2"', if_none_match=TAG).status == 412
        assert ask(if_match=TAG, if_unmodified_since=EARLIER).status == 200
        assert ask(if_match=TAG, if_none_match=TAG).status == 304


class TestWhatItLeavesAlone:
    @pytest.mark.parametrize("status", [201, 404, 500])
    def test_other_statuses(self, status: int) -> None:
        response = ask(lambda request: Response("x", status), if_none_match="*", if_match='"v2"')
        assert (response.status, response.headers.get("etag")) == (status, None)

    def test_other_methods(self) -> None:
        app = App(middleware=[conditional()])
        app.post("/")(versioned)
        assert Client(app).post("/", headers={"if-match": '"v2"', "if-none-match": "*"}).status == 200

    def test_a_stream_with_a_tag_is_closed_when_it_is_not_sent(self, log: Log) -> None:
        closed = []

        def parts() -> Iterator[str]:
            try:
                yield "a"
                yield "b"
            finally:
                closed.append(True)

        response = ask(lambda request: Response(parts(), headers={"etag": TAG}), if_none_match=TAG)
        assert (response.status, closed, log.text) == (304, [True], "")

    def test_a_malformed_tag_of_the_handler(self) -> None:
        assert ask(lambda request: Response("x", headers={"etag": "v1"}), if_none_match="v1").status == 200


@pytest.mark.parametrize(
    "options", [{"weak": 1}, {"files": None}, {"hashed_body_limit": -1}, {"hashed_body_limit": None}]
)
def test_wrong_options(options: dict[str, Any]) -> None:
    with pytest.raises(HandlerError, match="RW230 ConditionalOptions"):
        ConditionalOptions(**options)
