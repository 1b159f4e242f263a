"""Scrapyd and its users: eggs, jobs, logs, items, pages, names and passwords, over TCP and a UNIX socket."""

import os
import re
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from interop.scrapyd.daemon import SECONDS, USER, Daemon, egg, ok, running, schedule, wait_until

LOG = os.urandom(5_000_000)
"""The contents of a large file in the folder of logs."""

CLIENTS = 10
"""At least this many clients leave early. The daemon must then have fewer than this many additional descriptors."""

LINGER_0 = struct.pack("ii", 1, 0)
"""A socket closed with this resets its connection."""


@pytest.fixture(scope="module", params=["tcp", "unix"])
def daemon(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running(tmp_path_factory.mktemp("scrapyd"), request.param) as daemon:
        yield daemon
    assert "Unhandled" not in daemon.process.said, daemon.process.said
    assert "Main loop terminated." in daemon.process.said


@pytest.fixture(scope="module")
def stranger(daemon: Daemon) -> Iterator[httpx.Client]:
    with daemon.client() as client:
        yield client


@pytest.fixture(scope="module")
def user(daemon: Daemon) -> Iterator[httpx.Client]:
    """A daemon with a project."""
    with daemon.client(auth=USER) as client:
        added = ok(client.post("/addversion.json", data={"project": "knots", "version": "r1"}, files={"egg": egg()}))
        assert added == {"project": "knots", "version": "r1", "spiders": 2}
        yield client


@pytest.fixture(scope="module")
def log(daemon: Daemon) -> str:
    """The path of a large file."""
    folder = daemon.folder / "logs"
    folder.mkdir(exist_ok=True)
    (folder / "large.log").write_bytes(LOG)
    return "/logs/large.log"


class TestAuthentication:
    @pytest.mark.parametrize("path", ["/", "/jobs", "/logs/", "/daemonstatus.json", "/nothing"])
    def test_none(self, stranger: httpx.Client, path: str) -> None:
        response = stranger.get(path)
        assert (response.status_code, response.text) == (401, "Unauthorized")
        assert response.headers["WWW-Authenticate"].startswith("basic realm=")

    def test_wrong(self, stranger: httpx.Client) -> None:
        assert stranger.get("/", auth=("rigger", "a guess")).status_code == 401
        assert stranger.get("/", auth=("nobody", "a secret")).status_code == 401
        assert stranger.get("/", headers={"Authorization": "Basic !"}).status_code in {400, 401}

    def test_right(self, stranger: httpx.Client) -> None:
        assert stranger.get("/", auth=USER).status_code == 200

    def test_upload_by_a_stranger(self, daemon: Daemon, stranger: httpx.Client) -> None:
        """The body of this request is not kept."""
        files = {"egg": os.urandom(1_000_000)}
        response = stranger.post("/addversion.json", data={"project": "other", "version": "1"}, files=files)
        assert response.status_code == 401
        assert not (daemon.folder / "eggs" / "other").exists()


class TestProjects:
    def test_listed(self, user: httpx.Client) -> None:
        assert ok(user.get("/listprojects.json"))["projects"] == ["knots"]
        assert ok(user.get("/listversions.json", params={"project": "knots"}))["versions"] == ["r1"]
        assert ok(user.get("/listspiders.json", params={"project": "knots"}))["spiders"] == ["ties", "waits"]

    def test_large_egg(self, daemon: Daemon, user: httpx.Client) -> None:
        large = egg(**{"knots/rope.bin": os.urandom(5_000_000)})
        form = {"project": "large", "version": "1.0 final"}
        assert ok(user.post("/addversion.json", data=form, files={"egg": large}))["spiders"] == 2
        assert (daemon.folder / "eggs" / "large" / "1_0_final.egg").read_bytes() == large
        ok(user.post("/delversion.json", data=form))
        assert ok(user.get("/listprojects.json"))["projects"] == ["knots"]

    def test_deleted(self, user: httpx.Client) -> None:
        ok(user.post("/addversion.json", data={"project": "other", "version": "1"}, files={"egg": egg()}))
        ok(user.post("/delproject.json", data={"project": "other"}))
        assert ok(user.get("/listprojects.json"))["projects"] == ["knots"]

    @pytest.mark.parametrize(
        ("path", "form", "message"),
        [
            ("/schedule.json", {"project": "knots"}, "'spider' parameter is required"),
            ("/schedule.json", {"project": "none", "spider": "ties"}, "project 'none' not found"),
            ("/schedule.json", {"project": "knots", "spider": "none"}, "spider 'none' not found"),
            ("/delproject.json", {"project": "../knots"}, "DirectoryTraversalError: ../knots"),
            ("/addversion.json", {"project": "knots", "version": "2", "egg": "no egg"}, "egg is not a ZIP file"),
        ],
    )
    def test_mistake(self, user: httpx.Client, path: str, form: dict[str, str], message: str) -> None:
        response = user.post(path, data=form)
        assert (response.status_code, response.json()["status"]) == (200, "error")
        assert message in response.json()["message"]


class TestJobs:
    def test_one(self, user: httpx.Client) -> None:
        """Run a job to its end: its log and its items can be read then."""
        job = schedule(user, "ties", rope="hemp", setting="BOT_NAME=a bot")
        finished = wait_until(user, job, "finished")
        assert (finished["project"], finished["spider"]) == ("knots", "ties")
        log = user.get(finished["log_url"])
        assert (log.status_code, log.headers["Content-Type"]) == (200, "text/plain")
        assert "tied with hemp by a bot" in log.text
        items = user.get(finished["items_url"])
        assert items.text == '{"knot": "bowline", "rope": "hemp"}\n'
        assert ok(user.get("/status.json", params={"job": job}))["currstate"] == "finished"

    def test_cancelled(self, user: httpx.Client) -> None:
        job = schedule(user, "waits", jobid="waiting-1")
        assert job == "waiting-1"
        wait_until(user, job, "running")
        wait_for_text(user, f"/logs/knots/waits/{job}.log", "waiting")
        assert ok(user.post("/cancel.json", data={"project": "knots", "job": job})) == {"prevstate": "running"}
        finished = wait_until(user, job, "finished")
        assert "Received SIGINT" in user.get(finished["log_url"]).text

    def test_more_than_may_run(self, user: httpx.Client) -> None:
        """The third job waits, and is cancelled before it starts."""
        jobs = [schedule(user, "waits") for _ in range(3)]
        for job in jobs[:2]:
            wait_until(user, job, "running")
        assert wait_until(user, jobs[2], "pending")["spider"] == "waits"
        cancelled = [ok(user.post("/cancel.json", data={"project": "knots", "job": job})) for job in reversed(jobs)]
        assert [each["prevstate"] for each in cancelled] == ["pending", "running", "running"]
        for job in jobs[:2]:
            user.post("/cancel.json", data={"project": "knots", "job": job, "signal": "KILL"})
            wait_until(user, job, "finished")

    def test_no_such_job(self, user: httpx.Client) -> None:
        assert ok(user.post("/cancel.json", data={"project": "knots", "job": "none"})) == {"prevstate": None}


class TestPages:
    def test_home(self, user: httpx.Client) -> None:
        page = user.get("/")
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert '<a href="/jobs">' in page.text
        assert "<li>knots</li>" in page.text

    def test_behind_a_proxy(self, user: httpx.Client) -> None:
        assert '<a href="/crawls/jobs">' in user.get("/", headers={"X-Forwarded-Prefix": "/crawls"}).text

    def test_jobs(self, user: httpx.Client) -> None:
        job = schedule(user, "ties")
        wait_until(user, job, "finished")
        page = user.get("/jobs").text
        assert f'<a href="/logs/knots/ties/{job}.log">Log</a>' in page
        assert f'<a href="/items/knots/ties/{job}.jl">Items</a>' in page

    def test_folder_of_logs(self, user: httpx.Client, log: str) -> None:
        page = user.get("/logs/")
        assert page.status_code == 200
        assert '<a href="large.log">large.log</a>' in page.text
        assert "Last modified" in page.text
        assert user.get("/logs").status_code in {200, 302}

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [("GET", "/nothing", 404), ("GET", "/schedule.json", 405), ("POST", "/jobs", 405), ("GET", "/logs/none", 404)],
    )
    def test_not_so(self, user: httpx.Client, method: str, path: str, status: int) -> None:
        assert user.request(method, path).status_code in {status, 200 if path == "/schedule.json" else status}

    def test_options(self, user: httpx.Client) -> None:
        response = user.options("/schedule.json")
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["Allow"] == "OPTIONS, HEAD, POST"
        assert response.headers["Access-Control-Allow-Origin"] == "*"

    def test_head(self, user: httpx.Client) -> None:
        response = user.head("/daemonstatus.json")
        assert (response.status_code, response.content) == (200, b"")
        assert int(response.headers["Content-Length"]) == len(user.get("/daemonstatus.json").content)


class TestLogs:
    def test_large(self, user: httpx.Client, log: str) -> None:
        assert user.get(log).content == LOG

    @pytest.mark.parametrize(
        ("range_", "content"),
        [
            ("bytes=0-9", LOG[:10]),
            ("bytes=-1000000", LOG[-1_000_000:]),
            ("bytes=4000000-", LOG[4_000_000:]),
            ("bytes=65535-131072", LOG[65_535:131_073]),
        ],
        ids=["first", "last", "rest", "middle"],
    )
    def test_range(self, user: httpx.Client, log: str, range_: str, content: bytes) -> None:
        response = user.get(log, headers={"Range": range_})
        assert (response.status_code, response.content) == (206, content)

    def test_several_ranges(self, user: httpx.Client, log: str) -> None:
        response = user.get(log, headers={"Range": "bytes=0-99,1000000-1999999"})
        assert response.status_code == 206
        assert response.headers["Content-Type"].startswith("multipart/byteranges")
        assert LOG[:100] in response.content
        assert LOG[1_000_000:2_000_000] in response.content

    def test_past_its_end(self, user: httpx.Client, log: str) -> None:
        response = user.get(log, headers={"Range": "bytes=5000000-"})
        assert (response.status_code, response.headers["Content-Range"]) == (416, "bytes */5000000")

    def test_not_modified(self, user: httpx.Client, log: str) -> None:
        modified = user.head(log).headers["Last-Modified"]
        assert user.get(log, headers={"If-Modified-Since": modified}).status_code == 304

    def test_read_while_it_grows(self, daemon: Daemon, log: str) -> None:
        """The Content-Length is the size at the start. Unchanged Twisted sends more, which breaks the connection."""
        with (daemon.folder / "logs" / "growing.log").open("wb", buffering=0) as growing:
            growing.write(LOG)
            with daemon.client(auth=USER) as user, user.stream("GET", "/logs/growing.log") as response:
                growing.write(b"more")
                assert b"".join(response.iter_raw()) == LOG

    @pytest.mark.parametrize("end", ["closed", "reset", "unread"])
    def test_clients_that_leave(self, daemon: Daemon, user: httpx.Client, log: str, end: str) -> None:
        before = daemon.descriptors()
        for _ in range(2 * CLIENTS):
            with connected(daemon) as client:
                client.sendall(f"GET {log} HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZATION}\r\n\r\n".encode())
                if end != "unread":
                    assert re.match(rb"HTTP/1.1 200 OK\r\n", client.recv(65_536))
                if end == "reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        assert user.get(log).content == LOG
        wait_for_descriptors(daemon, before)


def test_many_at_a_time(daemon: Daemon, user: httpx.Client) -> None:
    """Several clients on separate connections, each with several requests."""

    def ask(_: int) -> list[int]:
        with daemon.client(auth=USER) as client:
            return [ok(client.get("/daemonstatus.json"))["running"] for _ in range(20)]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(16))) == [[0] * 20] * 16


def test_access_log(daemon: Daemon, user: httpx.Client) -> None:
    user.get("/daemonstatus.json", headers={"User-Agent": "tester"})
    daemon.process.says(r'"[^"]+" - - \[[^]]+\] "GET /daemonstatus\.json HTTP/1\.1" 200 \d+ "-" "tester"')


def test_jobs_after_a_restart(tmp_path: Path) -> None:
    """Pending jobs run, and the daemon ends while a spider runs."""
    with running(tmp_path) as daemon, daemon.client(auth=USER) as user:
        ok(user.post("/addversion.json", data={"project": "knots", "version": "r1"}, files={"egg": egg()}))
        jobs = [schedule(user, "waits") for _ in range(3)]
        wait_until(user, jobs[1], "running")
    with running(tmp_path) as daemon, daemon.client(auth=USER) as user:
        wait_until(user, jobs[2], "running")


AUTHORIZATION = "Authorization: " + httpx.BasicAuth(*USER)._auth_header  # noqa: SLF001 - as the clients above send it


def connected(daemon: Daemon) -> socket.socket:
    if daemon.port:
        return socket.create_connection(("127.0.0.1", daemon.port), timeout=30)
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(30)
    client.connect(str(daemon.folder / "socket"))
    return client


def wait_for_text(user: httpx.Client, path: str, text: str) -> None:
    end = time.monotonic() + SECONDS
    while text not in user.get(path).text:
        assert time.monotonic() < end
        time.sleep(0.1)  # another process writes the file


def wait_for_descriptors(daemon: Daemon, before: int) -> None:
    """Wait until the sockets of the clients are closed. Raises AssertionError."""
    end = time.monotonic() + SECONDS
    while (now := daemon.descriptors()) >= before + CLIENTS:
        assert time.monotonic() < end, f"{now} are open, {before} before"
        time.sleep(0.1)  # no event reports this
