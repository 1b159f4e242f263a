"""A master and its clients: REST, JSON-RPC, events, WebSocket, files, hooks, a new configuration, the end."""

import json
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from interop.buildbot.master import LINES, Master, call, endpoint, force, right, running
from interop.processes import free_port
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

FAULTS = re.compile(r"Traceback|Unhandled")
API = "/api/v2"

numbers = count(1)


@pytest.fixture(scope="module", params=["", "ropewalk:"], ids=["started", "by its endpoint"])
def master(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Master]:
    """With the second parameter, only the master's endpoint selects Ropewalk."""
    with running(tmp_path_factory.mktemp("master"), prefix=request.param) as master:
        yield master
    assert not FAULTS.search(master.process.said), master.process.said


@pytest.fixture(scope="module")
def client(master: Master) -> Iterator[httpx.Client]:
    with master.client() as client:
        yield client


@pytest.fixture(scope="module")
def admin(master: Master) -> Iterator[httpx.Client]:
    with master.admin() as admin:
        yield admin


class TestREST:
    def test_a_list(self, client: httpx.Client) -> None:
        builders = right(client.get(f"{API}/builders"))
        assert {builder["name"] for builder in builders["builders"]} == {"splice", "whip"}
        assert builders["meta"]["total"] == 2

    def test_sorted_cut_and_of_few_fields(self, client: httpx.Client) -> None:
        params = {"order": "-name", "limit": "1", "field": "name"}
        assert right(client.get(f"{API}/builders", params=params))["builders"] == [{"name": "whip"}]

    def test_by_name(self, client: httpx.Client) -> None:
        assert right(client.get(f"{API}/builders/whip"))["builders"][0]["name"] == "whip"

    def test_what_is_not_there(self, client: httpx.Client) -> None:
        response = client.get(f"{API}/builders/belay")
        assert response.status_code == 404
        assert "not found" in response.json()["error"]

    def test_what_is_not_understood(self, client: httpx.Client) -> None:
        assert client.get(f"{API}/builders", params={"limit": "few"}).status_code == 400

    def test_head(self, client: httpx.Client) -> None:
        """Buildbot forbids this without a login."""
        for _ in range(2):
            head = client.head(f"{API}/builders", headers={"Accept-Encoding": "identity"})
            assert (head.status_code, head.content) == (403, b"")

    @pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
    def test_compressed(self, client: httpx.Client, coding: str) -> None:
        response = client.get(f"{API}/builders", headers={"Accept-Encoding": coding})
        assert response.headers["content-encoding"] == coding
        assert right(response) == right(client.get(f"{API}/builders", headers={"Accept-Encoding": "identity"}))

    def test_no_server_is_named(self, client: httpx.Client) -> None:
        """Buildbot removes this header."""
        assert "server" not in client.get(f"{API}/builders").headers

    def test_many_clients(self, master: Master) -> None:
        def names(_: int) -> list[str]:
            with master.client() as client:
                found = [right(client.get(f"{API}/builders"))["builders"] for _ in range(5)]
            return sorted(builder["name"] for builders in found for builder in builders)

        with ThreadPoolExecutor(16) as threads:
            assert all(each == ["splice"] * 5 + ["whip"] * 5 for each in threads.map(names, range(50)))

    def test_pipelined_requests(self, master: Master) -> None:
        asked = f"GET {API}/masters HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        last = asked.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        with socket.create_connection(("127.0.0.1", master.port), timeout=20) as connection:
            connection.sendall(asked * 20 + last)
            responses = connection.makefile("rb").read()
        assert responses.count(b"HTTP/1.1 200 OK\r\n") == 21


class TestUsers:
    def test_a_stranger_may_not_force(self, client: httpx.Client) -> None:
        response = call(client, "forceschedulers/force", "force", {"builderid": 1})
        assert response.status_code == 403

    def test_a_wrong_password(self, master: Master) -> None:
        with master.client() as client:
            response = client.get("/auth/login", auth=("alice", "a guess"))
        assert response.status_code == 401
        challenges = response.headers.get_list("www-authenticate")
        assert {challenge.split()[0].lower() for challenge in challenges} == {"basic", "digest"}

    def test_login_and_logout(self, master: Master) -> None:
        with master.admin() as admin:
            assert right(admin.get("/config"))["user"]["username"] == "alice"
            assert admin.get("/auth/logout").status_code == 302
            assert right(admin.get("/config"))["user"] == {"anonymous": True}


class TestBuilds:
    def test_forced(self, admin: httpx.Client) -> None:
        build = built(admin)
        assert (build["state_string"], build["results"]) == ("build successful", 0)

    def test_a_log_of_its_lines(self, admin: httpx.Client) -> None:
        log = log_of(admin, built(admin))
        params = {"offset": "10", "limit": "3"}
        (chunk,) = right(admin.get(f"{API}/logs/{log['logid']}/contents", params=params))["logchunks"]
        assert (chunk["firstline"], chunk["content"].count("\n")) == (10, 3)

    @pytest.mark.parametrize("kind", ["raw", "raw_inline"])
    def test_a_log_whole(self, admin: httpx.Client, kind: str) -> None:
        """The response is streamed without a Content-Length."""
        response = admin.get(f"{API}/logs/{log_of(admin, built(admin))['logid']}/{kind}")
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        lines = [line for line in response.text.splitlines() if line.isdigit()]
        assert lines == [str(number) for number in range(1, LINES + 1)]
        assert ("content-disposition" in response.headers) == (kind == "raw")


def built(admin: httpx.Client) -> dict[str, Any]:
    """Return the first build when it has finished. The first call forces it."""
    finished = f"{API}/builders/splice/builds/1"
    if admin.get(finished).status_code == 404:
        with events(admin, "builds/*/finished") as (_, read):
            force(admin, "splice")
            read()
    build: dict[str, Any] = right(admin.get(finished))["builds"][0]
    assert build["complete"]
    return build


def log_of(admin: httpx.Client, build: dict[str, Any]) -> dict[str, Any]:
    """Return the log of the last step, which prints."""
    steps = right(admin.get(f"{API}/builds/{build['buildid']}/steps"))["steps"]
    log: dict[str, Any] = right(admin.get(f"{API}/steps/{steps[-1]['stepid']}/logs/stdio"))["logs"][0]
    return log


class TestServerSentEvents:
    def test_a_request_is_told_of(self, admin: httpx.Client) -> None:
        with events(admin, "buildrequests/*/new") as (_, read):
            force(admin)
            event = read()
        assert event["key"][0] == "buildrequests"
        assert event["message"]["claimed"] is False

    def test_more_is_asked_for(self, admin: httpx.Client) -> None:
        with events(admin, "masters/*/new") as (consumer, read):
            assert admin.get(f"/sse/add/{consumer}/buildrequests/*/new").text.startswith("ok")
            force(admin)
            assert read()["key"][0] == "buildrequests"

    def test_who_has_left_is_forgotten(self, admin: httpx.Client) -> None:
        with events(admin, "masters/*/new") as (consumer, _):
            assert admin.get(f"/sse/remove/{consumer}/masters/*/new").text.startswith("ok")
        for _ in range(100):
            response = admin.get(f"/sse/remove/{consumer}/masters/*/new")
            if "unknown uuid" in response.text:
                return
        raise AssertionError(response.text)


@contextmanager
def events(client: httpx.Client, path: str) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """The number that the master gives this listener, and a function to wait for its next event."""
    with client.stream("GET", f"/sse/listen/{path}") as response:
        assert response.headers["content-type"] == "text/event-stream"
        lines = response.iter_lines()

        def field(name: str) -> str:
            line = next(line for line in lines if line)
            assert line.startswith(f"{name}: "), line
            return line.removeprefix(f"{name}: ")

        def read() -> dict[str, Any]:
            assert field("event") == "event"
            event: dict[str, Any] = json.loads(field("data"))
            return event

        assert field("event") == "handshake"
        yield field("data"), read


class TestWebSocket:
    def test_a_request_is_told_of(self, master: Master, admin: httpx.Client) -> None:
        with opened(master) as socket:
            ask(socket, "startConsuming", path="buildrequests/*/new")
            force(admin)
            event = json.loads(socket.recv(20))
        assert event["k"].startswith("buildrequests/")
        assert event["m"]["claimed"] is False

    def test_pings(self, master: Master) -> None:
        with opened(master) as socket:
            for _ in range(100):
                assert ask(socket, "ping")["msg"] == "pong"
            socket.ping().wait(10)

    def test_many_frames_together(self, master: Master) -> None:
        with opened(master) as socket:
            for number in range(500):
                socket.send(json.dumps({"cmd": "ping", "_id": number}))
            assert [json.loads(socket.recv(10))["_id"] for _ in range(500)] == list(range(500))

    def test_what_it_does_not_know(self, master: Master) -> None:
        with opened(master) as socket:
            assert ask(socket, "belay", code=404)["error"] == "no such command type 'belay'"

    def test_a_large_frame(self, master: Master) -> None:
        with opened(master) as socket:
            word = "b" * 1_000_000
            assert ask(socket, word, code=404)["error"].endswith(f"{word}'")

    def test_no_longer(self, master: Master, admin: httpx.Client) -> None:
        with opened(master) as socket:
            ask(socket, "startConsuming", path="buildrequests/*/new")
            ask(socket, "stopConsuming", path="buildrequests/*/new")
            force(admin)
            assert ask(socket, "ping")["msg"] == "pong"

    def test_many_at_once(self, master: Master, admin: httpx.Client) -> None:
        with ExitStack() as stack:
            sockets = [stack.enter_context(opened(master)) for _ in range(30)]
            for socket in sockets:
                ask(socket, "startConsuming", path="buildrequests/*/new")
            force(admin)
            notified = {json.loads(socket.recv(20))["k"] for socket in sockets}
        assert len(notified) == 1

    def test_its_end(self, master: Master) -> None:
        with opened(master) as socket:
            socket.close(1000)
        assert socket.close_code == 1000

    def test_one_that_is_cut(self, master: Master, admin: httpx.Client) -> None:
        with opened(master) as socket:
            ask(socket, "startConsuming", path="buildrequests/*/new")
            socket.socket.close()
        force(admin)
        assert right(admin.get(f"{API}/masters"))["masters"]

    def test_without_a_handshake(self, client: httpx.Client) -> None:
        """Autobahn responds instead of twisted.web."""
        response = client.get("/ws")
        assert (response.status_code, response.reason_phrase) == (426, "HTTP Upgrade header missing")


def opened(master: Master) -> ClientConnection:
    return connect(f"{master.url.replace('http', 'ws')}/ws", open_timeout=20)


def ask(socket: ClientConnection, command: str, *, code: int = 200, **params: str) -> dict[str, Any]:
    """Send a command and return the reply."""
    number = next(numbers)
    socket.send(json.dumps({"cmd": command, "_id": number, **params}))
    reply: dict[str, Any] = json.loads(socket.recv(20))
    assert (reply["_id"], reply["code"]) == (number, code), reply
    return reply


class TestFiles:
    def test_the_page_and_all_that_it_names(self, client: httpx.Client) -> None:
        page = client.get("/")
        assert page.headers["content-type"] == "text/html"
        names = re.findall(r'(?:src|href)="\./(assets/[^"]+)"', page.text)
        assert len(names) >= 2
        for name in names:
            file = client.get(f"/{name}")
            assert file.status_code == 200
            assert len(file.content) == int(file.headers["content-length"]) > 1000

    def test_not_modified(self, client: httpx.Client) -> None:
        modified = client.get("/icon.svg").headers["last-modified"]
        response = client.get("/icon.svg", headers={"If-Modified-Since": modified})
        assert (response.status_code, response.content) == (304, b"")

    def test_ranges(self, client: httpx.Client) -> None:
        whole = client.get("/icon.svg").content
        response = client.get("/icon.svg", headers={"Range": "bytes=10-19"})
        assert (response.status_code, response.content) == (206, whole[10:20])
        assert response.headers["content-range"] == f"bytes 10-19/{len(whole)}"
        several = client.get("/icon.svg", headers={"Range": "bytes=0-4,10-14"})
        assert several.status_code == 206
        assert several.headers["content-type"].startswith("multipart/byteranges")

    def test_head(self, client: httpx.Client) -> None:
        response = client.head("/icon.svg")
        assert (response.status_code, response.content) == (200, b"")
        assert int(response.headers["content-length"]) == len(client.get("/icon.svg").content)

    def test_nowhere(self, client: httpx.Client) -> None:
        assert client.get("/nowhere").status_code == 404
        assert client.get("/assets/../../../../etc/passwd").status_code == 404

    def test_an_avatar(self, client: httpx.Client) -> None:
        response = client.get("/avatar", params={"email": "alice@example.org"})
        assert response.status_code == 302
        assert response.headers["location"].endswith("img/nobody.png")


class TestHooks:
    def test_a_form(self, client: httpx.Client) -> None:
        form = {"author": "alice", "comments": "whipped the ends", "revision": "r1", "project": "rope"}
        assert client.post("/change_hook/base", data=form).text == "1 change found"
        changes = right(client.get(f"{API}/changes"))["changes"]
        assert [(change["author"], change["comments"]) for change in changes] == [("alice", "whipped the ends")]

    def test_one_that_is_not_registered(self, client: httpx.Client) -> None:
        response = client.post("/change_hook/belay", data={"author": "alice"})
        assert response.status_code == 400
        assert "belay" in response.text


class TestStrain:
    """Buildbot writes the responses of REST from a pool thread, in small pieces. Each test has its own master."""

    def test_large_responses(self, tmp_path: Path) -> None:
        with running(tmp_path) as master, master.client(headers={"Accept-Encoding": "identity"}) as client:
            for _ in range(100):
                response = client.get(f"{API}/application.spec", timeout=5)
                assert len(response.content) == int(response.headers["content-length"]) > 200_000
                assert right(response)["meta"]["total"] == len(response.json()["specs"])

    def test_clients_that_leave(self, tmp_path: Path) -> None:
        asked = f"GET {API}/application.spec HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        with running(tmp_path) as master:
            for _ in range(100):
                with socket.create_connection(("127.0.0.1", master.port), timeout=5) as connection:
                    connection.sendall(asked)
                    connection.recv(1000)
            for _ in range(20):
                with master.client() as client:
                    assert right(client.get(f"{API}/builders", timeout=5))["builders"]

    def test_head_of_what_would_be_compressed(self, tmp_path: Path) -> None:
        """No byte of the body may be between this response and the next."""
        alone = httpx.Limits(max_connections=1)
        with running(tmp_path) as master, master.client(headers={"Accept-Encoding": "gzip"}, limits=alone) as client:
            assert client.head(f"{API}/builders").content == b""
            assert right(client.get(f"{API}/builders"))["builders"]


def test_a_new_configuration(tmp_path: Path) -> None:
    """After more builders and another port were configured, the same site listens there."""
    with running(tmp_path) as master, opened(master) as socket, master.client() as client:
        assert right(client.get(f"{API}/masters"))["masters"]
        port = free_port()
        master.reconfigure(builders="splice whip hitch", port=endpoint(port))
        moved = Master(master.process, master.folder, port)
        with moved.client() as fresh:
            builders = right(fresh.get(f"{API}/builders"))["builders"]
        assert {builder["name"] for builder in builders} == {"splice", "whip", "hitch"}
        assert ask(socket, "ping")["msg"] == "pong"
        with master.client() as late, pytest.raises(httpx.ConnectError):
            late.get(f"{API}/masters")
    assert not FAULTS.search(master.process.said), master.process.said


def test_its_end(tmp_path: Path) -> None:
    """The master stops although clients are connected that would stay for ever."""
    with running(tmp_path) as master, opened(master) as socket, master.client() as client:
        with events(client, "builds/*/new"):
            assert master.process.stop() == 0
        with pytest.raises(ConnectionClosed):
            socket.recv(20)
    assert not FAULTS.search(master.process.said), master.process.said
