"""A graceful shutdown ends endless event streams, however they are produced and served."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from tests.processes import ROOT, Server, read_line
from tests.wire.conftest import address_of
from tests.wire.connection import Connection

pytestmark = pytest.mark.slow

EVENTS = ROOT / "tests" / "stops" / "events.py"
SECONDS = 20

WAYS = {
    "run": ["-m", "ropewalk", "run", EVENTS, "--port", "0", "--limit", "drain_timeout=3600"],
    "App.run": [EVENTS, "run"],
    "Site": [EVENTS, "site"],
    "exec": ["-m", "ropewalk", "exec", EVENTS, "exec"],
}
KINDS = ("generator", "parting", "written", "awaited", "twisted", "asgi", "wsgi")


@contextmanager
def serving(way: str) -> Iterator[Server]:
    """Start the program in one of the `WAYS`."""
    process = subprocess.Popen(
        [sys.executable, *map(str, WAYS[way])],
        cwd=ROOT,
        env=os.environ | {"NO_COLOR": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    server = Server(process)
    try:
        server.read_banner()
        yield server
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", ["", "/inside"])
def test_they_end_well_and_at_once(way: str, place: str) -> None:
    with serving(way) as server, ExitStack() as stack:
        connections = {}
        for kind in KINDS:
            connections[kind] = stack.enter_context(Connection(address_of(server)))
            connections[kind].send(f"GET {place}/{kind} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            wait_for(connections[kind], b"data: news\n\n")
        responses: dict[str, Any] = {}
        server.process.send_signal(signal.SIGTERM)
        for kind, connection in connections.items():
            responses[kind] = connection.response()
        server.output, server.errors = server.process.communicate(timeout=SECONDS)
        assert server.process.returncode == 0
    lines = server.output.splitlines()
    assert {f"{kind} closed" for kind in KINDS} <= set(lines)
    assert [line for line in lines if "stop" in line] == ["stopping", "still stopping", "stopped"]
    for kind, response in responses.items():
        assert response.status == 200
        assert response.text.startswith("data: news\n\n"), kind
    assert responses["parting"].text == "data: news\n\ndata: bye\n\n"
    assert "cut off" not in server.errors
    assert "Traceback" not in server.errors, server.errors


@pytest.mark.parametrize("way", WAYS)
def test_one_that_has_not_begun_and_one_that_listens(way: str) -> None:
    with serving(way) as server, ExitStack() as stack:
        silent, inside, notified = (stack.enter_context(Connection(address_of(server))) for _ in range(3))
        notified.send(b"GET /notified HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for(notified, b"begun\n")
        for connection, place in (silent, ""), (inside, "/inside"):
            connection.send(f"GET {place}/silent HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            while read_line(server.process.stdout) != "silent begun\n":
                pass
        server.process.send_signal(signal.SIGTERM)
        for connection in silent, inside:
            response = connection.response()
            assert (response.status, response.text, response.field("content-type")) == (200, "", "text/event-stream")
        assert notified.response().text == "begun\nand ended\n"
        server.output, server.errors = server.process.communicate(timeout=SECONDS)
        assert server.process.returncode == 0
    assert server.output.splitlines().count("silent closed") == 2
    assert "cut off" not in server.errors
    assert "Traceback" not in server.errors, server.errors


def wait_for(connection: Connection, words: bytes) -> None:
    """Receive until these words have arrived. They are not consumed, because the response is parsed from them later."""
    while words not in connection._received:
        assert connection._receive(), connection._received
