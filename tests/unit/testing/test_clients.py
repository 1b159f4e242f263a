"""The clients, in every kind of test."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.calling.test_task import later
from twisted.internet.defer import ensureDeferred
from twisted.web import resource

from ropewalk import App, Request
from ropewalk.testing import AsyncClient, Client

TRIAL = """
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from ropewalk import App, asgi
from ropewalk.testing import AsyncClient

app = App()

@app.get("/")
async def handler(request):
    from twisted.internet import reactor
    later = Deferred()
    reactor.callLater(0.01, later.callback, "in trial")
    return await later

class Tests(TestCase):
    async def test_a_coroutine(self):
        response = await AsyncClient(app).get("/")
        self.assertEqual("in trial", response.text)

    @inlineCallbacks
    def test_inline_callbacks(self):
        response = yield AsyncClient(app).get("/")
        self.assertEqual("in trial", response.text)

    async def test_while_the_reactor_runs(self):
        from twisted.internet import reactor
        await deferLater(reactor, 0)
        async with AsyncClient(app) as client:
            self.assertEqual("in trial", (await client.get("/")).text)

    async def test_with_an_asgi_application(self):
        from twisted.internet import reactor
        if not hasattr(reactor, "_asyncioEventloop"):
            return
        await deferLater(reactor, 0)
        hosting = App()
        hosting.mount("/", asgi(hosted))
        async with AsyncClient(hosting) as client:
            self.assertEqual("startup", (await client.get("/")).text)
        self.assertEqual(["startup", "shutdown"], seen)

seen = []

async def hosted(scope, receive, send):
    import asyncio
    if scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            await receive()
            await asyncio.sleep(0)
            seen.append(kind)
            await send({"type": f"lifespan.{kind}.complete"})
    else:
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": seen[0].encode()})
"""

REACT = """
from twisted.internet import asyncioreactor
asyncioreactor.install()
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import deferLater, react
from ropewalk import App
from ropewalk.testing import AsyncClient

app = App()
app.get("/")(lambda request: "in react")

async def main(reactor):
    await deferLater(reactor, 0)
    async with AsyncClient(app) as client:
        print((await client.get("/")).text)

react(lambda reactor: ensureDeferred(main(reactor)))
"""


def make() -> App:
    app = App()

    @app.get("/")
    async def handler(request: Request) -> str:
        return str(await later("late"))

    @app.route("/echo", ["POST", "PUT", "PATCH", "DELETE"])
    async def echo(request: Request) -> dict[str, Any]:
        body = await request.body()
        return {"method": request.method, "type": request.header("content-type"), "body": body.decode()}

    @app.get("/headers")
    def headers(request: Request) -> list[tuple[str, str]]:
        return request.headers.lines()

    return app


class TestClient:
    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_bodies(self, method: str) -> None:
        send = getattr(Client(make()), method)
        assert send("/echo", body="é").json() == {"method": method.upper(), "type": None, "body": "é"}
        assert send("/echo", json={"a": 1}).json()["type"] == "application/json"
        assert send("/echo", body=[b"a", b"", b"b"]).json()["body"] == "ab"

    def test_an_async_body(self) -> None:
        async def parts() -> AsyncIterator[bytes]:
            yield b"a"
            await asyncio.sleep(0)
            yield b"b"

        assert Client(make()).post("/echo", body=parts()).json()["body"] == "ab"

    def test_parts_of_text(self) -> None:
        async def parts() -> AsyncIterator[str]:
            yield "ä"
            yield "é"

        client = Client(make())
        assert client.post("/echo", body=["a", b"b", "é"]).json()["body"] == "abé"
        assert client.post("/echo", body=(part for part in "ab")).json()["body"] == "ab"
        assert client.post("/echo", body=parts()).json()["body"] == "äé"

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ([b"a", 1], "A part of body= is of type int, not str or bytes."),
            ([["a"]], "A part of body= is of type list, not str or bytes."),
            (1, "body= is of type int, not str, bytes or an iterable of them."),
            ({"a": 1}, "body= is of type dict. Use json= to send it as JSON, or data= to send it as a form."),
        ],
    )
    def test_a_body_of_another_type(self, body: Any, message: str) -> None:
        client = Client(make())
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            client.post("/echo", body=body)
        assert client.post("/echo", body="a").json()["body"] == "a"

    def test_headers_of_the_client_and_of_the_request(self) -> None:
        client = Client(make(), headers={"X-One": "client", "X-Two": "client"})
        sent = client.get("/headers", headers={"x-two": "request", "Host": "example.org"}).json()
        assert sorted(sent) == [["host", "example.org"], ["x-one", "client"], ["x-two", "request"]]

    def test_in_a_coroutine_it_says_what_to_use(self) -> None:
        async def main() -> None:
            Client(make()).get("/")

        with pytest.raises(RuntimeError, match="AsyncClient"):
            asyncio.run(main())

    def test_secure(self) -> None:
        app = App()
        app.get("/")(lambda request: request.scheme)
        assert Client(app, secure=True).get("/").text == "https"


class TestAsyncClient:
    def test_under_asyncio(self) -> None:
        async def main() -> str:
            async with AsyncClient(make()) as client:
                return (await client.get("/")).text

        assert asyncio.run(main()) == "late"

    def test_many_at_once(self) -> None:
        async def main() -> list[str]:
            client = AsyncClient(make())
            responses = await asyncio.gather(*(client.get("/") for _ in range(20)))
            return [response.text for response in responses]

        assert asyncio.run(main()) == ["late"] * 20

    def test_nothing_is_left_in_the_loop(self) -> None:
        async def main() -> None:
            client = AsyncClient(make())
            await client.get("/")
            loop: Any = asyncio.get_running_loop()
            assert [handle for handle in loop._scheduled if not handle.cancelled()] == []

        asyncio.run(main())

    @pytest.mark.slow
    @pytest.mark.parametrize("reactor", ["epoll", "asyncio"])
    def test_under_trial(self, tmp_path: Path, reactor: str) -> None:
        (tmp_path / "test_trial.py").write_text(TRIAL)
        command = [sys.executable, "-m", "twisted.trial", f"--reactor={reactor}", "test_trial"]
        ended = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ)
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "PASSED (successes=4)" in ended.stdout

    @pytest.mark.slow
    def test_under_react(self) -> None:
        command = [sys.executable, "-W", "error", "-c", REACT]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (ended.stdout, ended.stderr, ended.returncode) == ("in react\n", "", 0)

    def test_in_a_coroutine_of_twisted_that_an_asyncio_task_calls(self) -> None:
        async def use() -> str:
            async with AsyncClient(make()) as client:
                return (await client.get("/")).text

        async def main() -> str:
            return await ensureDeferred(use()).asFuture(asyncio.get_running_loop())

        assert asyncio.run(main()) == "late"

    def test_without_anything_that_runs(self) -> None:
        if "twisted.internet.reactor" in sys.modules:
            pytest.skip("a reactor is installed")
        coroutine = AsyncClient(make()).get("/")
        with pytest.raises(RuntimeError, match="Use Client in a plain test"):
            coroutine.send(None)


def test_routes_may_be_added_after_the_end_of_a_client() -> None:
    """A request that the test keeps refers to the service of its client, which the tree notifies of new routes."""
    kept = []

    class Kept(resource.Resource):
        def render_GET(self, request: Any) -> bytes:
            kept.append(request)
            return b"kept"

    app = App()
    app.mount("/old", Kept())
    with Client(app) as client:
        assert client.get("/old").text == "kept"

    @app.get("/more")
    def more(request: Request) -> str:
        return "more"

    assert Client(app).get("/more").text == "more"
