"""A client in a thread in which a reactor or an event loop runs works, or fails at once. Each test has its process."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from ropewalk import App
from ropewalk.testing import Client, WouldBlock

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
from importlib import import_module
import_module(f"twisted.internet.{sys.argv[1]}reactor").install()
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import deferLater, react
from twisted.internet.threads import deferToThread
from twisted.logger import globalLogPublisher
from ropewalk import App
from ropewalk.testing import AsyncClient, Client, ReactorElsewhere, WouldBlock

app = App()

@app.get("/plain")
def plain(request):
    return "plain"

@app.get("/coroutine")
async def coroutine(request):
    return await deferToThread(str, "coroutine")

@app.get("/deferred")
def deferred(request):
    return deferToThread(str, "deferred")

@app.get("/timer")
async def timer(request):
    return await deferLater(reactor, 0.001, str, "timer")

def in_a_thread():
    client = Client(app, timeout=None)
    assert client.get("/plain").text == "plain"
    for path in ("/coroutine", "/deferred"):
        try:
            client.get(path)
        except ReactorElsewhere as error:
            assert error.message.startswith(f"GET {path}: {path[1:]} at ")
            assert error.remedy == "Let the reactor run the test, with AsyncClient."
        else:
            raise AssertionError(path)
    assert client.get("/plain").text == "plain"

async def main():
    await deferLater(reactor, 0)
    for path in ("/plain", "/coroutine"):
        try:
            Client(app, timeout=None).get(path)
        except WouldBlock as error:
            assert str(error).startswith("RW225 A Client would block the running "), error
        else:
            raise AssertionError(path)
    async with AsyncClient(app, timeout=None) as client:
        for path in ("/plain", "/coroutine", "/deferred", "/timer"):
            assert (await client.get(path)).text == path[1:]
    await deferToThread(in_a_thread)
    print("well")

react(lambda reactor: ensureDeferred(main()))
"""


@pytest.mark.parametrize("reactor", ["epoll", "select", "asyncio"])
def test_a_running_reactor(reactor: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-W", "error", str(tmp_path / "program.py"), reactor]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stdout, ended.returncode) == ("well\n", 0), ended.stdout + ended.stderr


def test_a_running_loop() -> None:
    async def main() -> None:
        with pytest.raises(WouldBlock, match=r"RW225 A Client would block the running event loop\. Use AsyncClient"):
            Client(App()).get("/")

    asyncio.run(main())
