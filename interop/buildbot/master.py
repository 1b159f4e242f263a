"""A master of Buildbot, set up as by an administrator, in a new folder and on a free port."""

import json
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from interop.processes import BIN, ON_ROPEWALK, Process, free_port, program, started

HERE: Final = Path(__file__).parent
LINES: Final = 50_000
"""The number of lines that a build of the first builder prints, as configured in master.cfg."""

RUNNING: Final = r"BuildMaster is running"


@dataclass(frozen=True)
class Master:
    """A running master."""

    process: Process
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30, **options)

    @contextmanager
    def admin(self) -> Iterator[httpx.Client]:
        """Return a client that is logged in: the session is in a cookie."""
        with self.client() as client:
            response = client.get("/auth/login", auth=("alice", "a secret"))
            assert response.status_code == 302, response.text
            yield client

    def reconfigure(self, **files: str) -> None:
        """Have the master read its configuration again."""
        for name, text in files.items():
            (self.folder / name).write_text(text)
        said = self.process.tell(signal.SIGHUP)
        self.process.says("configuration update complete", after=said)


@contextmanager
def running(folder: Path, *, prefix: str = "") -> Iterator[Master]:
    """A master that has just been set up in this folder. Afterwards it is stopped in the ordinary way.

    With a prefix, Ropewalk is selected by the endpoint and not by `ropewalk exec`.
    """
    port = free_port()
    (folder / "builders").write_text("splice whip")
    (folder / "port").write_text(endpoint(port, prefix))
    environment = {"MASTER_URL": f"http://127.0.0.1:{port}/"}
    with started(BIN / "buildbot", "create-master", "--quiet", folder, environment=environment) as created:
        assert created.popen.wait(60) == 0, created.said
    for name in ("master.cfg", "buildbot.tac"):
        shutil.copyfile(HERE / name, folder / name)
    start = (BIN / "buildbot", "start", "--nodaemon", folder)
    with started(*(start if prefix else program(*start)), environment=environment) as process:
        process.says(RUNNING)
        yield Master(process, folder, port)


def endpoint(port: int, prefix: str = "") -> str:
    """The description of a port on 127.0.0.1."""
    return f"{prefix if ON_ROPEWALK else ''}tcp:{port}:interface=127.0.0.1"


def right(response: httpx.Response) -> dict[str, Any]:
    """Check the status 200 of a response, and return its object."""
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def call(client: httpx.Client, path: str, method: str, params: Mapping[str, Any]) -> httpx.Response:
    """Call an action by JSON-RPC."""
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return client.post(f"/api/v2/{path}", content=json.dumps(request), headers={"Content-Type": "application/json"})


def number_of(client: httpx.Client, builder: str) -> int:
    """Return the number of a builder, which Buildbot chooses."""
    (found,) = right(client.get("/api/v2/builders", params={"name": builder}))["builders"]
    return int(found["builderid"])


def force(admin: httpx.Client, builder: str = "whip") -> None:
    """Start a build of a builder, or request one."""
    params = {"builderid": number_of(admin, builder), "reason": "a test"}
    assert "result" in right(call(admin, "forceschedulers/force", "force", params))
