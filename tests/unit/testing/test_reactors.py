"""Clients and Twisted's reactor. Each test has a separate process, because a reactor is installed once in a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.testing.reactors import CLIENTS, REACTORS

PROGRAM = Path(__file__).with_name("reactors.py")

pytestmark = pytest.mark.slow

SYNC_IN_TRIAL = """
import asyncio
from twisted.internet.defer import inlineCallbacks
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from ropewalk import App
from ropewalk.testing import AsyncClient, Client

app = App()

@app.get("/")
async def handler(request):
    from twisted.internet import reactor
    await deferLater(reactor, 0.001, int)
    return await deferToThread(str, "in trial")

@app.on_start
async def start():
    from twisted.internet import reactor
    await deferLater(reactor, 0.001, int)

class Tests(TestCase):
    def test_a_plain_test(self):
        self.assertEqual("in trial", Client(app).get("/").text)

    def test_a_plain_test_with_hooks(self):
        with Client(app) as client:
            self.assertEqual("in trial", client.get("/").text)

    async def test_a_coroutine(self):
        async with AsyncClient(app) as client:
            self.assertEqual("in trial", (await client.get("/")).text)

    def test_an_asyncio_program(self):
        async def main():
            async with AsyncClient(app) as client:
                return (await client.get("/")).text
        self.assertEqual("in trial", asyncio.run(main()))

    @inlineCallbacks
    def test_inline_callbacks(self):
        response = yield AsyncClient(app).get("/")
        self.assertEqual("in trial", response.text)
"""


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("reactor", ["none", *REACTORS])
def test_handlers_and_hooks(reactor: str, client: str) -> None:
    """Handlers use timers, threads and connections. Afterwards no thread, descriptor or timer is left."""
    command = [sys.executable, "-W", "error", str(PROGRAM), reactor, client]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout == "well\n", ended.stdout + ended.stderr
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("reactor", ["default", "epoll", "select", "asyncio"])
def test_in_trial(reactor: str, tmp_path: Path) -> None:
    """The client leaves no timer, reader or logged error behind, for which trial would fail the test."""
    (tmp_path / "test_trial.py").write_text(SYNC_IN_TRIAL)
    command = [sys.executable, "-W", "error", "-m", "twisted.trial", f"--reactor={reactor}", "test_trial"]
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ)
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "PASSED (successes=5)" in ended.stdout


def test_a_program_that_never_closes_its_client_exits(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "from tests.unit.testing.reactors import make_app\n"
        "from ropewalk.testing import Client\n"
        "client = Client(make_app([]))\n"
        "for path in ('/delayed', '/in_a_thread', '/by_asyncio'):\n"
        "    print(client.get(path).text)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-W", "error", str(tmp_path / "program.py")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("well\nwell\nwell\n", "", 0)


POOLS = """
import sys
from importlib import import_module
if len(sys.argv) > 1:
    import_module(f"twisted.internet.{sys.argv[1]}reactor").install()
from twisted.enterprise.adbapi import ConnectionPool
from twisted.internet import reactor
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from ropewalk import App
from ropewalk.testing import Client

database = ConnectionPool("sqlite3", ":memory:", check_same_thread=False, cp_min=1, cp_max=1)
pool = ThreadPool(1, 1)
reactor.callWhenRunning(pool.start)
reactor.callWhenRunning(print, "the program starts")
app = App()

@app.get("/")
async def count(request):
    await database.runOperation("create table if not exists visits (id integer)")
    await database.runOperation("insert into visits values (1)")
    ((visits,),) = await database.runQuery("select count(*) from visits")
    return await deferToThreadPool(reactor, pool, str, visits)

print(Client(app).get("/").text)
with Client(app) as client:
    print(client.get("/").text, client.get("/").text)
"""


@pytest.mark.parametrize("reactor", ["", "epoll", "select", "asyncio"])
@pytest.mark.parametrize(
    ("rest", "printed"),
    [
        ("", ""),
        ("database.close()\npool.stop()\n", ""),
        ("reactor.callWhenRunning(reactor.stop)\nreactor.run()\npool.stop()\n", "the program starts\n"),
    ],
)
def test_pools_of_a_program(reactor: str, rest: str, printed: str, tmp_path: Path) -> None:
    """Pools that start with the reactor, and that a program makes before the client, work and keep their
    connections."""
    (tmp_path / "program.py").write_text(POOLS + rest)
    command = [sys.executable, "-W", "error", str(tmp_path / "program.py"), *filter(None, [reactor])]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stdout, ended.stderr, ended.returncode) == (f"1\n2 3\n{printed}", "", 0)
