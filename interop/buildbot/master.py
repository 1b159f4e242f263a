"""A master as its administrator has it, in a folder of its own, on a free port."""

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
"""That a build of the first builder prints, as master.cfg says."""

RUNNING: Final = r"BuildMaster is running"


@dataclass(frozen=True)
class Master:
    """A running one."""

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
        """Logged in: the session is in a cookie."""
        with self.client() as client:
            response = client.get("/auth/login", auth=("alice", "a secret"))
            assert response.status_code == 302, response.text
            yield client

    def reconfigure(self, **files: str) -> None:
        """Have it read its configuration anew."""
        for name, text in files.items():
            (self.folder / name).write_text(text)
        said = self.process.tell(signal.SIGHUP)
        self.process.says("configuration update complete", after=said)


@contextmanager
def running(folder: Path, *, prefix: str = "") -> Iterator[Master]:
    """A master that has just been set up in this folder. Afterwards it is stopped in the ordinary way.

    A prefix goes before the endpoint where Ropewalk is to be under it, in place of `ropewalk exec`.
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
    """The description of a port on this host alone."""
    return f"{prefix if ON_ROPEWALK else ''}tcp:{port}:interface=127.0.0.1"


def right(response: httpx.Response) -> dict[str, Any]:
    """The object in a response with status 200."""
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def call(client: httpx.Client, path: str, method: str, params: Mapping[str, Any]) -> httpx.Response:
    """An action, by JSON-RPC."""
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return client.post(f"/api/v2/{path}", content=json.dumps(request), headers={"Content-Type": "application/json"})


def number_of(client: httpx.Client, builder: str) -> int:
    """Buildbot numbers them as it likes."""
    (found,) = right(client.get("/api/v2/builders", params={"name": builder}))["builders"]
    return int(found["builderid"])


def force(admin: httpx.Client, builder: str = "whip") -> None:
    """Have a builder build, or be asked to."""
    params = {"builderid": number_of(admin, builder), "reason": "a test"}
    assert "result" in right(call(admin, "forceschedulers/force", "force", params))
