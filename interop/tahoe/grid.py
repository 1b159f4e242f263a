"""A small grid as its users run it: an introducer, two storage nodes and a client, by `tahoe run`, on free ports."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from interop.processes import BIN, Process, free_port, program, started

STORAGE_NODES: Final = 2
SECONDS: Final = 40
"""The timeout for the client to find the storage nodes."""

SHARES: Final = ("--shares-needed=1", f"--shares-happy={STORAGE_NODES}", f"--shares-total={STORAGE_NODES}")


@dataclass(frozen=True)
class Node:
    """A running node."""

    process: Process
    folder: Path

    def descriptors(self) -> int:
        """The number of files and sockets that it has open."""
        return len(list(Path(f"/proc/{self.process.popen.pid}/fd").iterdir()))


@dataclass(frozen=True)
class Grid:
    """A client node that has found its storage nodes, and the storage nodes."""

    client: Node
    storage: list[Node]
    port: int

    @property
    def url(self) -> str:
        """The URL of the client node's web API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def nodes(self) -> list[Node]:
        return [self.client, *self.storage]

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=40)


@contextmanager
def running(folder: Path) -> Iterator[Grid]:
    """A grid that has just been set up in this folder. Its nodes are stopped by SIGTERM at the end of the context."""
    with ExitStack() as nodes:
        introducer = folder / "introducer"
        create("create-introducer", *listening(), introducer)
        nodes.enter_context(node(introducer, "introducer running"))
        furl = (introducer / "private" / "introducer.furl").read_text().strip()

        storage = []
        for number in range(STORAGE_NODES):
            place = folder / f"storage-{number}"
            create("create-node", f"--introducer={furl}", "--webport=none", *listening(), place)
            storage.append(nodes.enter_context(node(place, "client running")))

        port = free_port()
        webport = f"--webport=tcp:{port}:interface=127.0.0.1"
        create("create-client", f"--introducer={furl}", webport, *SHARES, folder / "client")
        grid = Grid(nodes.enter_context(node(folder / "client", "client running")), storage, port)
        wait_until_connected(grid)
        yield grid


def create(*arguments: str | Path) -> None:
    with started(BIN / "tahoe", *arguments) as created:
        assert created.ends() == 0, created.said


def listening() -> tuple[str, ...]:
    """Options for a node that only this host can reach."""
    port = free_port()
    return "--listen=tcp", f"--port=tcp:{port}:interface=127.0.0.1", f"--location=tcp:127.0.0.1:{port}"


@contextmanager
def node(folder: Path, ready: str) -> Iterator[Node]:
    with started(*program(BIN / "tahoe", "run", "--allow-stdin-close", folder)) as process:
        process.says(ready)
        yield Node(process, folder)


def wait_until_connected(grid: Grid) -> None:
    """Wait until the client has found its storage nodes. Raises AssertionError."""
    end = time.monotonic() + SECONDS
    with grid.http() as http:
        while True:
            welcome = http.get("/", params={"t": "json"}).json()
            if [server["connection_status"] for server in welcome["servers"]] == ["connected"] * STORAGE_NODES:
                return
            assert time.monotonic() < end, json.dumps(welcome)
            time.sleep(0.1)  # the node reports no event for this
