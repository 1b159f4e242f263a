"""Scrapyd, started as by a user: in a new folder, with a password, on a free port or a UNIX socket."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from interop.processes import BIN, Process, free_port, program, started

USER: Final = ("rigger", "a secret")
SECONDS: Final = 60
"""The timeout for the start and the end of a spider."""

PROJECT: Final = {
    "knots/__init__.py": "",
    "knots/settings.py": 'BOT_NAME = "knots"\nSPIDER_MODULES = ["knots.spiders"]\nTELNETCONSOLE_ENABLED = False\n',
    "knots/spiders/__init__.py": "",
    "knots/spiders/some.py": '''
import asyncio

import scrapy


class Ties(scrapy.Spider):
    """Has an item at once, without the network."""

    name = "ties"

    async def start(self):
        self.logger.info("tied with %s by %s", getattr(self, "rope", None), self.settings["BOT_NAME"])
        yield {"knot": "bowline", "rope": getattr(self, "rope", None)}


class Waits(scrapy.Spider):
    """Until it is cancelled."""

    name = "waits"

    async def start(self):
        self.logger.info("waiting")
        while not self.crawler.engine.slot or not self.crawler.engine.slot.closing:
            await asyncio.sleep(0.05)
        yield {"knot": "slipped"}
''',
    "EGG-INFO/PKG-INFO": "Metadata-Version: 1.0\nName: knots\nVersion: 1.0\n",
    "EGG-INFO/entry_points.txt": "[scrapy]\nsettings = knots.settings\n",
    "EGG-INFO/not-zip-safe": "\n",
}


def egg(**more: bytes) -> bytes:
    """Return the egg of a project, with additional files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (PROJECT | more).items():
            archive.writestr(name, content)
    return file.getvalue()


@dataclass(frozen=True)
class Daemon:
    """A running daemon."""

    process: Process
    folder: Path
    port: int | None
    """The port on which it listens; None if it listens on the UNIX socket `socket` in its folder."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}" if self.port else "http://localhost"

    def client(self, **options: Any) -> httpx.Client:
        """A client with the user name and password of `auth`."""
        transport = None if self.port else httpx.HTTPTransport(uds=str(self.folder / "socket"))
        return httpx.Client(base_url=self.url, transport=transport, timeout=60, **options)

    def descriptors(self) -> int:
        """The number of files and sockets that it has open."""
        return len(list(Path(f"/proc/{self.process.popen.pid}/fd").iterdir()))


@contextmanager
def running(folder: Path, place: str = "tcp") -> Iterator[Daemon]:
    """Start a daemon. It is stopped by SIGTERM at the end of the context."""
    port = free_port() if place == "tcp" else None
    user, password = USER
    options = {
        "username": user,
        "password": password,
        "items_dir": folder / "items",
        "poll_interval": 0.1,
        "max_proc": 2,
    } | ({"http_port": port} if port else {"bind_address": "", "unix_socket_path": folder / "socket"})
    lines = (f"{name} = {value}\n" for name, value in options.items())
    (folder / "scrapyd.conf").write_text(f"[scrapyd]\n{''.join(lines)}")
    with started(*program(BIN / "scrapyd"), cwd=folder) as process:
        process.says("Site starting on")
        yield Daemon(process, folder, port)


def ok(response: httpx.Response) -> dict[str, Any]:
    """Check that a response is successful, and return its object."""
    assert response.status_code == 200, response.text
    returned: dict[str, Any] = response.json()
    assert returned.pop("status") == "ok", returned
    del returned["node_name"]
    return returned


def schedule(user: httpx.Client, spider: str, **options: Any) -> str:
    """Schedule a job and return its id."""
    return str(ok(user.post("/schedule.json", data={"project": "knots", "spider": spider, **options}))["jobid"])


def wait_until(user: httpx.Client, job: str, state: str) -> dict[str, Any]:
    """Return the entry of a job that is in this state. Raises AssertionError."""
    end = time.monotonic() + SECONDS
    while True:
        jobs = ok(user.get("/listjobs.json", params={"project": "knots"}))
        for each in jobs[state]:
            if each["id"] == job:
                found: dict[str, Any] = each
                return found
        assert time.monotonic() < end, json.dumps(jobs)
        time.sleep(0.1)  # the state can only be polled
