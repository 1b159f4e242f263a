"""Two trees in one app, mounted in both directions."""

import json
from typing import Any

import pytest
from tests.processes import EXAMPLES
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from one_tree import app, make_site
from ropewalk.testing import Client


def ours(path: str, cookie: str = "") -> tuple[int, bytes, str | None]:
    response = Client(app).get(path, headers={"cookie": cookie} if cookie else {})
    return response.status, response.body, response.headers.get("set-cookie")


class Theirs:
    """Sends requests to one site, over transports that are not sockets."""

    def __init__(self) -> None:
        self.site: Any = make_site()

    def __call__(self, path: str, cookie: str = "") -> tuple[int, bytes, str | None]:
        from twisted.internet import reactor

        protocol, transport = self.site.buildProtocol(None), StringTransport()
        protocol.makeConnection(transport)
        field = f"Cookie: {cookie}\r\n" if cookie else ""
        protocol.dataReceived(f"GET {path} HTTP/1.1\r\nHost: a\r\n{field}\r\n".encode())
        for _ in range(10):  # a file is sent in parts, one in each iteration of the reactor
            reactor.iterate(0)
        # Otherwise the connection would leave its timers on the reactor.
        protocol.connectionLost(Failure(ConnectionDone()))
        head, body = transport.value().split(b"\r\n\r\n", 1)
        cookies = [line[12:].decode() for line in head.split(b"\r\n") if line.startswith(b"Set-Cookie: ")]
        return int(head.split()[1]), body, cookies[0] if cookies else None


def expire_sessions(site: Any) -> None:
    """Cancel the timers of the sessions, which would otherwise stay on the reactor."""
    for session in list(site.sessions.values()) if site else ():
        session.expire()


@pytest.fixture(params=["ours", "theirs"])
def ask(request: pytest.FixtureRequest) -> Any:
    if request.param == "ours":
        yield ours
        expire_sessions(vars(app).get("_mounted_site"))
        return
    theirs = Theirs()
    yield theirs
    expire_sessions(theirs.site)


def test_what_is_new(ask: Any) -> None:
    assert ask("/api/books/1")[:2] == (200, b'{"title":"Moby-Dick"}')
    status, body, _ = ask("/api/books/3")
    assert (status, json.loads(body)["detail"]) == (404, "No such book.")


def test_what_was_there(ask: Any) -> None:
    status, body, cookie = ask("/visits")
    assert (status, body) == (200, b"Your visit 1 of 1\n")
    assert ask("/visits", cookie.split(";")[0])[1] == b"Your visit 2 of 2\n"


def test_files(ask: Any) -> None:
    status, body, _ = ask("/pages/hello.py")
    assert (status, body) == (200, (EXAMPLES / "hello.py").read_bytes())
