"""Hundreds of clients that act at random, and handlers of every kind. In the end, the server has freed everything."""

import json
import random
import time
from contextlib import suppress

import pytest
from tests.processes import ropewalk
from tests.wire.conftest import address_of
from tests.wire.connection import GET, Connection
from tests.wire.test_failures import TROUBLED, reset

pytestmark = pytest.mark.slow

POST = b"POST /shorten HTTP/1.1\r\nHost: a\r\n"

PIECES = (
    GET,
    GET + GET,
    b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /never-async HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /missing HTTP/1.1\r\nHost: a\r\n\r\n",
    POST + b"Content-Length: 5\r\n\r\nhello",
    POST + b"Content-Length: 5\r\n\r\nhe",
    POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n",
    POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    b"GET / HT",
    b"nonsense\r\n\r\n",
)


def test_nothing_is_left() -> None:
    dice = random.Random(1)
    with ropewalk("run", TROUBLED, "--access-log", "off") as server:
        address = address_of(server)
        open_now: list[Connection] = []
        for _ in range(5000):
            if len(open_now) < 20:
                open_now.append(Connection(address))
            connection = dice.choice(open_now)
            # The server may have closed the connection, or the socket may be full or empty. All of this is expected.
            with suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
                act(connection, dice)
            if connection.socket.fileno() < 0:
                open_now.remove(connection)
        for connection in open_now:
            connection.socket.close()
        with Connection(address) as bystander:
            deadline = time.monotonic() + 10
            while (left := counters(bystander))["open"] > 1 or left["running"] > 1:
                assert time.monotonic() < deadline, left
            assert left["requests"] > 500
        assert server.stop() == 0
    # Some clients shorten a file while it is sent.
    unexpected = [line for line in server.errors.splitlines() if "RW307" not in line]
    assert unexpected == []


def act(connection: Connection, dice: random.Random) -> None:
    connection.socket.setblocking(False)
    match dice.randrange(6):
        case 0:
            connection.socket.close()
        case 1:
            reset(connection)
        case 2:
            connection.socket.recv(1 << dice.randrange(4, 20))
        case _:
            connection.socket.send(dice.choice(PIECES))


def counters(connection: Connection) -> dict[str, int]:
    counters: dict[str, int] = json.loads(connection.ask(b"GET /counters HTTP/1.1\r\nHost: a\r\n\r\n").body)
    return counters
