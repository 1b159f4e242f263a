"""The same client in pytest, in trial, and in tests of asyncio."""

import subprocess
import sys
import unittest
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from ropewalk import App, HTTPError, Request, Response
from ropewalk.middleware import RateLimit, RateLimitOptions, TimeoutOptions, rate_limit, timeout
from ropewalk.testing import AsyncClient, Client

TRIAL = """
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from ropewalk.testing import AsyncClient, Client
from tests.unit.testing.test_kinds_of_tests import began, check, make, visit

class Tests(TestCase):
    def test_plain(self):
        check(Client(make(), follow_redirects=True))
        with self.assertRaises(ZeroDivisionError):
            Client(make()).get("/broken")
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))

    async def test_a_coroutine(self):
        async with AsyncClient(make(), follow_redirects=True) as client:
            await visit(client)
            with self.assertRaises(ZeroDivisionError):
                await client.get("/broken")
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))

    async def test_the_clock(self):
        async with AsyncClient(make()) as client:
            self.assertEqual([200, 429], [(await client.get("/limited")).status for _ in range(2)])
            client.advance(61)
            self.assertEqual(200, (await client.get("/limited")).status)
            running = ensureDeferred(client.get("/slow"))
            while not began:
                await deferLater(reactor, 0)
            client.advance(61)
            self.assertEqual(503, (await running).status)
"""


began: list[str] = []
"""The handlers that wait."""


def make() -> App:
    app = App()

    @app.post("/in")
    async def enter(request: Request) -> Response:
        assert await request.text() == "name=Ada"
        response = Response.redirect("/", 303)
        response.set_cookie("name", await deferToThread(str, "Ada"))
        return response

    @app.get("/")
    async def home(request: Request) -> str:
        if "name" not in request.cookies:
            raise HTTPError(401)
        return await deferToThread(request.cookies.__getitem__, "name")

    @app.get("/broken")
    def broken(request: Request) -> str:
        raise ZeroDivisionError

    @app.get("/limited", middleware=[rate_limit(RateLimitOptions(limits=RateLimit(1, 60)))])
    async def limited(request: Request) -> str:
        return "within the limit"

    @app.get("/slow", middleware=[timeout(TimeoutOptions(seconds=60))])
    async def slow(request: Request) -> str:
        began.append("slow")
        await Deferred()
        return "never"

    return app


def check(client: Client) -> None:
    assert client.get("/").status == 401
    assert client.post("/in", data={"name": "Ada"}).text == "Ada"


async def visit(client: AsyncClient) -> None:
    assert (await client.get("/")).status == 401
    assert (await client.post("/in", data={"name": "Ada"})).text == "Ada"


def test_pytest() -> None:
    check(Client(make(), follow_redirects=True))
    with pytest.raises(ZeroDivisionError):
        Client(make()).get("/broken")


class TestOfUnittest(unittest.IsolatedAsyncioTestCase):
    async def test_a_coroutine(self) -> None:
        async with AsyncClient(make(), follow_redirects=True) as client:
            await visit(client)
            with pytest.raises(ZeroDivisionError):
                await client.get("/broken")

    def test_plain(self) -> None:
        check(Client(make(), follow_redirects=True))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_the_plugin_of_anyio() -> None:
    async with AsyncClient(make(), follow_redirects=True) as client:
        await visit(client)


@pytest.mark.slow
@pytest.mark.parametrize("reactor", ["default", "select", "asyncio"])
def test_trial(reactor: str, tmp_path: Path) -> None:
    (tmp_path / "test_trial.py").write_text(TRIAL)
    command = [sys.executable, "-W", "error", "-m", "twisted.trial", f"--reactor={reactor}", "test_trial"]
    root = str(Path(__file__).parents[3])
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False, env={"PYTHONPATH": root}
    )
    assert "PASSED (successes=3)" in ended.stdout, ended.stdout + ended.stderr
