"""The body of a request: collected, streamed, and read as a file."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from tests.problems import problem
from tests.unit.conftest import Log

from ropewalk import App, Limits, Request
from ropewalk.testing import Client


class Guest(msgspec.Struct):
    name: str
    age: int


AS_JSON = {"content-type": "application/json"}


class TestBody:
    def make(self, **options: Any) -> App:
        app = App(**options)

        @app.post("/body")
        async def body(request: Request) -> bytes:
            first = await request.body()
            assert first is await request.body()
            return first

        @app.post("/text")
        async def text(request: Request) -> str:
            return await request.text()

        @app.post("/json")
        async def json(request: Request) -> Guest:
            return await request.json(Guest)

        @app.post("/any")
        async def any_json(request: Request) -> Any:
            return await request.json()

        @app.post("/stream")
        async def stream(request: Request) -> dict[str, int]:
            sizes = [len(part) async for part in request.stream()]
            return {"parts": len(sizes), "bytes": sum(sizes)}

        @app.post("/content")
        def content(request: Request) -> bytes:
            assert request.content is request.content
            return request.content.read()

        @app.post("/limited", body_limit=10)
        async def limited(request: Request) -> bytes:
            return await request.body()

        @app.post("/limited-plain", body_limit=10)
        def limited_plain(request: Request) -> bytes:
            return request.content.read()

        return app

    @pytest.mark.parametrize("path", ["/body", "/content"])
    @pytest.mark.parametrize("body", [b"", b"x", b"x" * 100_000, [b"a", b"b" * 5000]])
    def test_whole(self, path: str, body: Any) -> None:
        expected = body if isinstance(body, bytes) else b"".join(body)
        assert Client(self.make()).post(path, body=body).body == expected

    def test_text_by_its_charset(self) -> None:
        client = Client(self.make())
        assert client.post("/text", body="é").text == "é"
        latin = {"content-type": "text/plain; charset=latin-1"}
        assert client.post("/text", body=b"\xe9", headers=latin).text == "é"
        assert client.post("/text", body=b"\xe9").status == 400
        assert client.post("/text", body=b"x", headers={"content-type": "text/plain; charset=none"}).status == 415

    def test_json(self) -> None:
        client = Client(self.make())
        assert client.post("/json", json={"name": "Ada", "age": 36}).json() == {"name": "Ada", "age": 36}
        assert client.post("/any", json=[1]).json() == [1]

    @pytest.mark.parametrize("body", [b"", b"{", b"{'a': 1}", b"\xff"])
    def test_what_is_not_json(self, body: bytes) -> None:
        response = Client(self.make()).post("/json", body=body, headers=AS_JSON)
        assert response.status == 400
        assert response.json()["detail"].startswith("The body is not JSON")

    @pytest.mark.parametrize(
        "kind",
        [None, "", "text/plain", "text/plain; charset=utf-8", "application/x-www-form-urlencoded", "application/jsonx"],
    )
    @pytest.mark.parametrize("path", ["/json", "/any"])
    def test_json_of_another_media_type(self, path: str, kind: str | None) -> None:
        """A body that does not say that it is JSON is refused. From a page of another site, a browser sends such a body
        without a preflight request."""
        headers = {} if kind is None else {"content-type": kind}
        response = Client(self.make()).post(path, body=b'{"name": "Ada", "age": 36}', headers=headers)
        assert (response.status, response.headers["accept"]) == (415, "application/json")
        assert "it must be application/json." in response.text

    @pytest.mark.parametrize(
        "kind", ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json", "a/b+json;v=1"]
    )
    def test_media_types_of_json(self, kind: str) -> None:
        assert Client(self.make()).post("/any", body=b"[1]", headers={"content-type": kind}).json() == [1]

    def test_json_of_another_shape(self) -> None:
        response = Client(self.make()).post("/json", json={"name": "Ada", "age": "old"})
        assert response.status == 422
        (error,) = response.json()["errors"]
        assert (error["pointer"], error["message"]) == ("/age", "Expected `int`, got `str`")

    def test_stream(self) -> None:
        response = Client(self.make()).post("/stream", body=[b"x" * 10_000 for _ in range(20)])
        assert response.json()["bytes"] == 200_000

    @pytest.mark.parametrize("path", ["/limited", "/limited-plain"])
    @pytest.mark.parametrize("body", [b"x" * 11, [b"x" * 11]])
    def test_over_its_limit(self, path: str, body: Any) -> None:
        client = Client(self.make())
        assert client.post(path, body=b"x" * 10).status == 200
        response = client.post(path, body=body)
        assert (response.status, response.text) == (413, problem(413, "The body is larger than 10 bytes."))

    @pytest.mark.parametrize("path", ["/body", "/content", "/text"])
    def test_past_the_spool(self, path: str) -> None:
        app = self.make(limits=Limits(spool_size=1000))
        assert Client(app).post(path, body=b"x" * 50_000).body == b"x" * 50_000

    def test_malformed(self) -> None:
        client = Client(self.make())
        response = client.post("/body", body=b"zz\r\n", headers={"transfer-encoding": "chunked", "content-length": ""})
        assert response.status == 400

    def test_content_before_it_is_there(self, log: Log) -> None:
        app = App()

        @app.post("/")
        async def early(request: Request) -> bytes:
            return request.content.read()

        assert Client(app, raise_errors=False).post("/", body=iter([b"x"])).status == 500
        assert ": `content` was read before the body was complete." in log.text

    def test_read_by_two_at_once(self, log: Log) -> None:
        app = App()

        @app.post("/")
        async def twice(request: Request) -> bytes:
            request.body()
            return await request.body()

        assert Client(app, raise_errors=False).post("/", body=iter([b"x"])).status == 500
        assert "RW207" in log.text


SPOOL = 1000


"""Bytes of a body that are held in memory in these tests."""


async def by_body(request: Request) -> bytes:
    return await request.body()


async def by_text(request: Request) -> bytes:
    return (await request.text()).encode()


async def by_json(request: Request) -> bytes:
    return msgspec.json.encode(await request.json())


async def by_stream(request: Request) -> bytes:
    return b"".join([part async for part in request.stream()])


async def by_content(request: Request) -> bytes:
    return request.content.read()


async def by_content_after_its_half(request: Request) -> bytes:
    half = request.content.read(5)
    assert (await request.body()).startswith(half)
    return half + request.content.read()


Read = Callable[[Request], Awaitable[bytes]]


FROM_CONTENT: list[Read] = [by_content, by_content_after_its_half]


WAYS: list[Read] = [by_body, by_text, by_json, by_stream, *FROM_CONTENT]


class TestWaysToRead:
    """Bodies of every size, read in every way by every kind of handler, once and twice."""

    @pytest.mark.parametrize("size", [10, SPOOL - 2, SPOOL * 200])
    @pytest.mark.parametrize(
        ("kind", "read"),
        [
            (kind, read)
            for kind in ("plain", "async", "plain in middleware", "async in middleware")
            for read in WAYS
            if kind.startswith("plain") or read not in FROM_CONTENT
        ],
    )
    def test_alone(self, kind: str, read: Read, size: int) -> None:
        body = b'"' + b"x" * size + b'"'
        assert Client(self.make(kind, read)).post("/", body=body, headers=AS_JSON).body == body

    @pytest.mark.parametrize("size", [10, SPOOL * 200])
    @pytest.mark.parametrize("second", WAYS)
    @pytest.mark.parametrize("first", WAYS)
    def test_after_another(self, first: Read, second: Read, size: int) -> None:
        async def both(request: Request) -> bytes:
            read = await first(request)
            request.content.seek(0)
            assert await second(request) == read
            return read

        body = b'"' + b"x" * size + b'"'
        assert Client(self.make("plain", both)).post("/", body=body, headers=AS_JSON).body == body

    def make(self, kind: str, read: Read) -> App:
        async def passing(request: Request, next: Any) -> Any:
            return await next(request)

        app = App(limits=Limits(spool_size=SPOOL), middleware=[passing] if "middleware" in kind else [])

        if kind.startswith("async"):
            app.post("/")(read)
        else:

            @app.post("/")
            def plain(request: Request) -> Any:
                return read(request)

        return app

    @pytest.mark.parametrize("again", WAYS)
    def test_a_streamed_body_is_not_there_again(self, again: Read, log: Log) -> None:
        async def twice(request: Request) -> bytes:
            await anext(request.stream())
            return await again(request)

        assert (
            Client(self.make("async", twice), raise_errors=False).post("/", body=iter([b"x"]), headers=AS_JSON).status
            == 500
        )
        assert (
            ": The body was already read in parts, by `stream`, `form` or `multipart`. Read the body once" in log.text
        )

    def test_again_after_a_wait_that_was_given_up(self) -> None:
        async def patient(request: Request) -> bytes:
            request.body().addErrback(lambda _: None).cancel()
            return await request.body()

        assert Client(self.make("async", patient)).post("/", body=iter([b"x"])).body == b"x"


class TestForgottenAwait:
    """A body that is used without `await`: the log shows the fix."""

    @pytest.mark.parametrize("name", ["body", "text", "json"])
    def test_a_part_of_it(self, log: Log, name: str) -> None:
        app = App()
        app.post("/")(lambda request: getattr(request, name)()["name"])
        assert Client(app, raise_errors=False).post("/", json={"name": "Ada"}).status == 500
        assert "RW210" in log.text
        assert "Await the call first" in log.text

    def test_in_a_response(self, log: Log) -> None:
        app = App()
        app.post("/")(lambda request: {"echo": request.json()})
        assert Client(app, raise_errors=False).post("/", json=[1]).status == 500
        assert "RW210" in log.text
        assert "A Waiter cannot be encoded as JSON: it was not awaited. Write `await`" in log.text
