"""What a handler is given."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.unit.conftest import Log
from twisted.internet.defer import ensureDeferred

from ropewalk import App, HTTPError, Limits, Query, Request, Response
from ropewalk.errors import AnswerOver, Disconnected
from ropewalk.testing import AsyncClient, Client


def ask(read: Any, path: str = "/", method: str = "GET", **options: Any) -> Any:
    """What `read(request)` gives for a request."""
    seen = []
    app = App()

    @app.route("/{rest:path}", [method])
    def handler(request: Request) -> None:
        seen.append(read(request))

    assert Client(app).request(method, path, **options).status == 204
    return seen[0]


class TestHead:
    def test_paths(self) -> None:
        assert ask(lambda r: (r.path, r.raw_path, r.query_string, r.target), "/a%20b?x=1") == (
            "/a b",
            b"/a%20b",
            b"x=1",
            b"/a%20b?x=1",
        )

    def test_method_version_and_addresses(self) -> None:
        assert ask(lambda r: (r.method, r.http_version, r.scheme, r.host, r.client, r.server)) == (
            "GET",
            "1.1",
            "http",
            "localhost",
            ("127.0.0.1", 50000),
            ("127.0.0.1", 80),
        )

    def test_url(self) -> None:
        assert ask(lambda r: r.url, "/a%20b?x=1") == "http://localhost/a%20b?x=1"

    def test_headers(self) -> None:
        headers = [("X-Two", "a"), ("X-Two", "b"), ("Accept", "text/html")]
        assert ask(lambda r: r.headers.all("x-two"), headers=headers) == ["a", "b"]
        assert ask(lambda r: r.header("ACCEPT"), headers=headers) == "text/html"
        assert ask(lambda r: (r.getHeader("accept"), r.getHeader(b"accept"), r.getHeader("none")), headers=headers) == (
            "text/html",
            b"text/html",
            None,
        )

    def test_arguments_as_twisted_has_them(self) -> None:
        assert ask(lambda r: r.args, "/?tag=a&tag=b&empty=&plus=a+b&pct=%C3%A9%ff") == {
            b"tag": [b"a", b"b"],
            b"empty": [b""],
            b"plus": [b"a b"],
            b"pct": [b"\xc3\xa9\xff"],
        }
        assert ask(lambda r: r.args is r.args)

    @pytest.mark.parametrize("secure", [False, True])
    def test_whether_it_came_by_tls(self, secure: bool) -> None:
        app = App()
        app.get("/")(lambda request: str(request.isSecure()))
        assert Client(app, secure=secure).get("/").text == str(secure)

    def test_cookies(self) -> None:
        assert ask(lambda r: r.cookies, headers={"cookie": "a=1; b=2"}) == {"a": "1", "b": "2"}
        assert ask(lambda r: r.cookies) == {}

    def test_what_is_lazy_is_made_once(self) -> None:
        assert ask(lambda r: r.headers is r.headers and r.query is r.query and r.cookies is r.cookies)

    def test_a_place_for_notes(self) -> None:
        def note(request: Request) -> Any:
            request.state.user = "Ada"
            return request.state.user

        assert ask(note) == "Ada"

    def test_it_takes_no_other_attributes(self) -> None:
        def misspell(request: Any) -> str:
            with pytest.raises(AttributeError):
                request.boddy = 1
            return "refused"

        assert ask(misspell) == "refused"


class TestQuery:
    def test_several_values(self) -> None:
        query = Query(b"tag=a&tag=b&empty=&plus=a+b&pct=%C3%A9")
        assert query["tag"] == "a"
        assert query.all("tag") == ["a", "b"]
        assert dict(query) == {"tag": "a", "empty": "", "plus": "a b", "pct": "é"}
        assert query.all("none") == []
        assert query.get("none") is None
        assert query.pairs()[:2] == [("tag", "a"), ("tag", "b")]
        assert len(query) == 4

    def test_in_a_request(self) -> None:
        assert ask(lambda r: r.query.all("a"), "/", query={"a": [1, "x y"]}) == ["1", "x y"]


class Guest(msgspec.Struct):
    name: str
    age: int


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
        response = Client(self.make()).post("/json", body=body)
        assert response.status == 400
        assert response.text.startswith("The body is not JSON")

    def test_json_of_another_shape(self) -> None:
        response = Client(self.make()).post("/json", json={"name": "Ada", "age": "old"})
        assert (response.status, response.text) == (422, "Expected `int`, got `str` - at `$.age`")

    def test_stream(self) -> None:
        response = Client(self.make()).post("/stream", body=[b"x" * 10_000 for _ in range(20)])
        assert response.json()["bytes"] == 200_000

    @pytest.mark.parametrize("path", ["/limited", "/limited-plain"])
    @pytest.mark.parametrize("body", [b"x" * 11, [b"x" * 11]])
    def test_over_its_limit(self, path: str, body: Any) -> None:
        client = Client(self.make())
        assert client.post(path, body=b"x" * 10).status == 200
        response = client.post(path, body=body)
        assert (response.status, response.text) == (413, "The body is larger than 10 bytes.")

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

        assert Client(app).post("/", body=iter([b"x"])).status == 500
        assert ": `content` was read before the body was complete." in log.text

    def test_read_by_two_at_once(self, log: Log) -> None:
        app = App()

        @app.post("/")
        async def twice(request: Request) -> bytes:
            request.body()
            return await request.body()

        assert Client(app).post("/", body=iter([b"x"])).status == 500
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
    """Every way to read a body, of every size, from every kind of handler, alone and after another."""

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
        assert Client(self.make(kind, read)).post("/", body=body).body == body

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
        assert Client(self.make("plain", both)).post("/", body=body).body == body

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

        assert Client(self.make("async", twice)).post("/", body=iter([b"x"])).status == 500
        assert ": The body has been streamed. Read the body once" in log.text

    def test_again_after_a_wait_that_was_given_up(self) -> None:
        async def patient(request: Request) -> bytes:
            request.body().addErrback(lambda _: None).cancel()
            return await request.body()

        assert Client(self.make("async", patient)).post("/", body=iter([b"x"])).body == b"x"


class TestForgottenAwait:
    """Of the body: what the log says helps."""

    @pytest.mark.parametrize("name", ["body", "text", "json"])
    def test_a_part_of_it(self, log: Log, name: str) -> None:
        app = App()
        app.post("/")(lambda request: getattr(request, name)()["name"])
        assert Client(app).post("/", json={"name": "Ada"}).status == 500
        assert "RW210" in log.text
        assert "Await it" in log.text

    def test_in_an_answer(self, log: Log) -> None:
        app = App()
        app.post("/")(lambda request: {"echo": request.json()})
        assert Client(app).post("/", json=[1]).status == 500
        assert "RW210" in log.text
        assert "A Waiter cannot be encoded as JSON: it was not awaited. Await it" in log.text


class TestWaiters:
    def test_several_wait_to_write(self, run: Any) -> None:
        async def main() -> list[str]:
            import asyncio

            resumed: list[str] = []
            app = App()

            async def write(request: Request, name: str) -> None:
                await request.writable()
                resumed.append(name)

            @app.get("/")
            async def handler(request: Request) -> None:
                while request.write(bytes(10_000)):
                    pass
                async with asyncio.TaskGroup() as group:
                    group.create_task(write(request, "one"))
                    group.create_task(write(request, "two"))
                request.finish()

            response = await AsyncClient(app).stream("GET", "/")
            async for _ in response:
                pass
            return resumed

        assert sorted(run(main())) == ["one", "two"]

    def test_a_wait_after_the_client_has_taken_all(self) -> None:
        """Nothing tells of the room that came between `write` and `writable`."""
        app = App()

        @app.get("/")
        async def handler(request: Request) -> None:
            import asyncio

            room = request.write(bytes(1_000_000))
            await asyncio.sleep(0.02)
            if not room:
                await request.writable()
            request.finish()

        assert len(Client(app).get("/").body) == 1_000_000

    def test_all_hear_of_a_client_that_leaves(self, run: Any) -> None:
        async def main() -> list[str]:
            import asyncio

            from ropewalk.errors import Disconnected

            heard: list[str] = []
            paused = asyncio.Event()
            app = App()

            @app.get("/")
            async def handler(request: Request) -> None:
                request.write("begun")
                await paused.wait()
                while request.write(bytes(10_000)):
                    pass
                for waiter in (request.writable(), request.writable()):
                    waiter.addErrback(lambda failure: heard.append(failure.trap(Disconnected).__name__))
                paused.clear()
                await request.notifyFinish()

            response = await AsyncClient(app).stream("GET", "/")
            response.pause()
            paused.set()
            while paused.is_set():
                await asyncio.sleep(0)
            response.close()
            await asyncio.sleep(0)
            return heard

        assert run(main()) == ["Disconnected", "Disconnected"]

    @pytest.mark.parametrize("wait", [lambda r: r.disconnected, lambda r: r.notifyFinish()])
    def test_waits_that_are_given_up_leave_nothing(self, wait: Any) -> None:
        def count(request: Request) -> int:
            for _ in range(50):
                wait(request).addErrback(lambda _: None).cancel()
            return len(getattr(request, "_leaving", ()) or request._endings)

        assert ask(count) == 1


def outcome(waiter: Any) -> list[Any]:
    """What a wait has come to, or will: nothing as long as it waits."""
    told: list[Any] = []
    waiter.addCallbacks(told.append, lambda failure: told.append(failure.type))
    return told


WAITS: dict[str, Callable[[Request], Any]] = {
    "disconnected": lambda request: request.disconnected,
    "notifyFinish": lambda request: request.notifyFinish(),
    "writable": lambda request: request.writable(),
    "body": lambda request: request.body(),
    "text": lambda request: request.text(),
    "json": lambda request: request.json(),
    "stream": lambda request: ensureDeferred(anext(request.stream())),
}

COMPLETE = {
    "disconnected": None,
    "notifyFinish": None,
    **dict.fromkeys(("writable", "body", "text", "json", "stream"), AnswerOver),
}

GONE = {"disconnected": None, **dict.fromkeys(WAITS.keys() - {"disconnected"}, Disconnected)}


class TestWaitsForWhatIsOver:
    @pytest.mark.parametrize("name", WAITS)
    def test_before_the_end_of_the_answer(self, name: str) -> None:
        """The body of the request is on its way, and the queue is full."""
        seen: list[Any] = []
        app = App()

        @app.post("/")
        async def handler(request: Request) -> None:
            assert not request.write(bytes(1_000_000))
            told = outcome(WAITS[name](request))
            assert told == []
            request.finish()
            seen.extend(told)

        assert len(Client(app).post("/", body=b"[]").body) == 1_000_000
        assert seen == [COMPLETE[name]]

    @pytest.mark.parametrize("name", WAITS)
    def test_after_the_end_of_the_answer(self, name: str) -> None:
        seen: list[Any] = []
        app = App()

        @app.post("/")
        async def handler(request: Request) -> None:
            request.write("all")
            request.finish()
            try:
                seen.extend(outcome(WAITS[name](request)))
            except AnswerOver as error:
                seen.append(type(error))

        Client(app).post("/", body=b"[]")
        assert seen == [COMPLETE[name]]

    @pytest.mark.parametrize("name", WAITS)
    def test_after_the_client_has_left(self, name: str, run: Any) -> None:
        async def main() -> list[Any]:
            import asyncio

            seen: list[Any] = []
            begun = asyncio.Event()
            app = App()

            @app.post("/")
            async def handler(request: Request) -> None:
                begun.set()
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    try:
                        seen.extend(outcome(WAITS[name](request)))
                    except Disconnected as error:
                        seen.append(type(error))

            async def parts() -> AsyncIterator[bytes]:
                yield b"half"
                await asyncio.get_running_loop().create_future()

            asking = asyncio.ensure_future(AsyncClient(app).post("/", body=parts()))
            await begun.wait()
            asking.cancel()
            for _ in range(10):
                await asyncio.sleep(0)
            return seen

        assert run(main()) == [GONE[name]]

    def test_a_producer_is_stopped(self) -> None:
        stopped: list[bool] = []

        class Late:
            def resumeProducing(self) -> None: ...
            def pauseProducing(self) -> None: ...
            def stopProducing(self) -> None:
                stopped.append(True)

        def handler(request: Request) -> str:
            request.finish()
            request.registerProducer(Late(), True)
            request.registerProducer(Late(), False)
            return ""

        app = App()
        app.get("/")(handler)
        Client(app).get("/")
        assert stopped == [True, True]


class TestDisconnect:
    def test_disconnected_may_be_awaited(self, run: Any) -> None:
        async def main() -> None:
            import asyncio

            left = asyncio.Event()
            app = App()

            @app.get("/")
            async def handler(request: Request) -> AsyncIterator[str]:
                request.disconnected.addCallback(lambda _: left.set())
                yield "begun"
                await asyncio.sleep(60)

            response = await AsyncClient(app).stream("GET", "/")
            assert await anext(response) == b"begun"
            assert not left.is_set()
            response.close()
            await asyncio.wait_for(left.wait(), 5)

        run(main())

    def test_in_the_middle_of_an_upload(self, run: Any) -> None:
        async def main() -> list[str]:
            import asyncio

            seen: list[str] = []
            begun, ended = asyncio.Event(), asyncio.Event()
            app = App()

            @app.post("/")
            async def handler(request: Request) -> None:
                try:
                    async for part in request.stream():
                        seen.append(part.decode())
                        begun.set()
                except asyncio.CancelledError:
                    seen.append("cancelled")
                    raise
                finally:
                    ended.set()

            async def parts() -> AsyncIterator[bytes]:
                yield b"half"
                await asyncio.sleep(60)

            asking = asyncio.ensure_future(AsyncClient(app).post("/", body=parts()))
            await asyncio.wait_for(begun.wait(), 5)
            asking.cancel()
            await asyncio.wait_for(ended.wait(), 5)
            return seen

        assert run(main()) == ["half", "cancelled"]

    def test_it_may_be_awaited_by_an_asyncio_task(self, run: Any) -> None:
        async def main() -> None:
            import asyncio

            tasks: list[asyncio.Task[Any]] = []
            app = App()

            @app.get("/")
            async def handler(request: Request) -> AsyncIterator[str]:
                async def watch() -> str:
                    await request.disconnected
                    return "seen"

                tasks.append(asyncio.create_task(watch()))
                yield "begun"
                await asyncio.sleep(60)

            response = await AsyncClient(app).stream("GET", "/")
            await anext(response)
            response.close()
            assert await asyncio.wait_for(tasks[0], 5) == "seen"

        run(main())

    def test_notify_finish(self, run: Any) -> None:
        async def main() -> list[str]:
            import asyncio

            from ropewalk import NOT_DONE_YET, Resource
            from ropewalk.errors import Disconnected

            seen: list[str] = []

            class Slow(Resource):
                def render_GET(self, request: Request) -> int:
                    request.notifyFinish().addCallbacks(
                        lambda _: seen.append("finished"), lambda failure: seen.append(failure.type.__name__)
                    )
                    request.write("begun")
                    if request.query.get("finish"):
                        asyncio.get_running_loop().call_soon(request.finish)
                    return NOT_DONE_YET

            client = AsyncClient(Slow())
            await client.get("/?finish=1")
            response = await client.stream("GET", "/")
            await anext(response)
            response.close()
            await asyncio.sleep(0)
            assert Disconnected.__name__ == "Disconnected"
            return seen

        assert run(main()) == ["finished", "Disconnected"]


class TestAnswering:
    def test_a_write_after_the_end_is_a_clear_error(self, log: Log) -> None:
        app = App()

        @app.get("/")
        async def handler(request: Request) -> None:
            request.write("all")
            request.finish()
            request.write("more")

        assert Client(app).get("/").text == "all"
        assert "RW301" in log.text
        assert ": The response is complete already." in log.text

    def test_finish_twice(self, log: Log) -> None:
        app = App()

        @app.get("/")
        async def handler(request: Request) -> None:
            request.finish()
            request.finish()

        assert Client(app).get("/").status == 200
        assert ": `finish` was called after the end of the response." in log.text

    def test_an_error_when_the_head_is_out_cuts_the_connection(self, log: Log) -> None:
        from ropewalk.testing import ProtocolError

        app = App()

        @app.get("/")
        async def handler(request: Request) -> None:
            request.write("begun")
            raise HTTPError(404)

        with pytest.raises(ProtocolError):
            Client(app).get("/")
        assert "RW208 GET /: " in log.text

    def test_early_hints(self) -> None:
        """RFC 8297."""
        app = App()

        @app.get("/")
        async def handler(request: Request) -> str:
            request.interim(103, [("link", "</style.css>; rel=preload")])
            return "page"

        response = Client(app).get("/")
        assert response.text == "page"
        assert [(status, headers["link"]) for status, headers in response.interim] == [
            (103, "</style.css>; rel=preload")
        ]


class TestAddCookie:
    """twisted.web's names and defaults, RFC 6265's rules."""

    def cookie(self, *given: Any, **options: Any) -> str:
        app = App()

        @app.get("/")
        def handler(request: Request) -> str:
            request.addCookie(*given, **options)
            return ""

        return Client(app).get("/").headers["set-cookie"]

    def test_in_its_plainest_form(self) -> None:
        assert self.cookie(b"a", b"1") == "a=1"

    def test_every_attribute(self) -> None:
        date = b"Sat, 02 Jan 2027 03:04:05 GMT"
        expected = f"a=1; Max-Age=60; Expires={date.decode()}; Path=/p; Domain=a.org; Secure; HttpOnly; SameSite=Strict"
        assert expected == self.cookie(
            "a", "1", date, b"a.org", b"/p", b"60", b"a comment", True, httpOnly=True, sameSite=b"Strict"
        )

    @pytest.mark.parametrize("value", ["a b", 'a, "b"\\', '{"a": 1}', "x" * 5000, ""])
    def test_what_is_given_is_sent(self, value: str) -> None:
        assert self.cookie("a", value) == f"a={value}"
        assert self.cookie("__Host-a", "", max_age=value, path=value, domain=value, sameSite="none") == (
            f"__Host-a=; Max-Age={value}; Path={value}; Domain={value}; SameSite=None"
        )

    def test_beyond_ascii_it_is_utf_8(self) -> None:
        assert self.cookie("é", "€").encode("latin-1").decode() == "é=€"
        assert self.cookie("a", b"\xff").encode("latin-1") == b"a=\xff"

    def test_max_age_in_every_form(self) -> None:
        for max_age in (60, "60", b"60", timedelta(minutes=1)):
            assert self.cookie("a", "1", max_age=max_age) == "a=1; Max-Age=60"

    def test_expires_in_every_form(self) -> None:
        date = "Sat, 02 Jan 2027 03:04:05 GMT"
        for expires in (date, date.encode(), datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)):
            assert self.cookie("a", "1", expires) == f"a=1; Expires={date}"

    @pytest.mark.parametrize(
        "options",
        [
            {"k": ""},
            {"k": "a=b"},
            {"k": b"a\n"},
            {"v": "1;b=2"},
            {"v": "1\r\nSet-Cookie: b=2"},
            {"v": b"\x00"},
            {"v": "\ud800"},
            {"max_age": "60; Secure"},
            {"expires": "\r"},
            {"sameSite": "no"},
            {"domain": "a;b"},
            {"path": b"/\r\n"},
        ],
    )
    def test_what_is_refused(self, options: dict[str, Any], log: Log) -> None:
        app = App()

        @app.get("/")
        def handler(request: Request) -> str:
            request.addCookie(**({"k": "a", "v": "1"} | options))
            return ""

        assert Client(app).get("/").status == 500
        assert "RW304 GET /: " in log.text


class TestReasons:
    """RFC 9112, section 4."""

    def test_in_both_ways(self) -> None:
        app = App()

        @app.get("/prepared")
        def prepared(request: Request) -> str:
            request.setResponseCode(404, "Nobody Home")
            return ""

        @app.get("/response")
        def response(request: Request) -> Response:
            return Response("", 404, reason=b"Nobody Home")

        for path in ("/prepared", "/response"):
            answer = Client(app).get(path)
            assert (answer.status, answer.reason) == (404, "Nobody Home")

    def test_an_error_forgets_it(self, log: Log) -> None:
        app = App()

        @app.get("/")
        def handler(request: Request) -> None:
            request.setResponseCode(500, "Mine")
            raise LookupError

        assert Client(app).get("/").reason == "Internal Server Error"
