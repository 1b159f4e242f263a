"""The processes of a peer: started on their core, and stopped while another peer is measured.

Their resources are measured.
"""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.peers.contract import HOST
from benchmarks.roster import Peer

SERVER_CORE: Final = 0
LOAD_CORE: Final = 1
START_SECONDS: Final = 30
STOP_SECONDS: Final = 3
TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE: Final = os.sysconf("SC_PAGE_SIZE")

# Indexes of fields in /proc/PID/stat, see proc_pid_stat(5). Index 0 is the state, the field after the name.
GROUP_FIELD: Final = 2
TIMES: Final = slice(11, 15)


class ServerFailed(Exception):
    """The server did not start, or is gone."""


class Server:
    """A context manager around the process group of one peer."""

    def __init__(self, peer: Peer, routes: int) -> None:
        self.peer = peer
        self.routes = routes
        self.port = free_port()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the processes and wait until they listen.

        Raises ServerFailed.
        """
        self.folder = tempfile.TemporaryDirectory(prefix=f"bench-{self.peer.name}-")
        folder = Path(self.folder.name)
        command = ["taskset", "--cpu-list", str(SERVER_CORE), *self.peer.command(self.port, folder)]
        environment = os.environ | {"BENCH_ROUTES": str(self.routes), "PYTHONPATH": str(self.peer.folder)}
        with (folder / "output").open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.wait_until_it_listens()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the processes, by SIGKILL if they do not end by themselves. May be called again."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        self.signal(signal.SIGKILL)
        self.process.wait()
        self.folder.cleanup()

    def wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.alive():
                raise ServerFailed(f"{self.peer.name} ended at its start:\n{self.last_words()}")
            with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
                return
            time.sleep(0.05)
        raise ServerFailed(f"{self.peer.name} did not listen within {START_SECONDS} s:\n{self.last_words()}")

    def last_words(self) -> str:
        text = (Path(self.folder.name) / "output").read_text(errors="replace")
        return text[-2000:]

    def alive(self) -> bool:
        return self.process.poll() is None

    def pause(self) -> None:
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def cpu_seconds(self) -> float:
        """The user and system time of the whole group, including its children that have ended."""
        return sum(sum(map(int, fields[TIMES])) for _, fields in self.members()) / TICKS

    def resident_bytes(self) -> int:
        """The resident memory of the whole group. Pages that its processes share are counted for each."""
        total = 0
        for pid, _ in self.members():
            with suppress(FileNotFoundError, ProcessLookupError):
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        return total

    def members(self) -> Iterator[tuple[int, list[str]]]:
        """Process ids of the group, with the fields of their `stat`."""
        for folder in os.scandir("/proc"):
            if not folder.name.isdigit():
                continue
            with suppress(FileNotFoundError, ProcessLookupError):
                fields = Path(folder.path, "stat").read_text().rpartition(")")[2].split()
                if int(fields[GROUP_FIELD]) == self.process.pid:
                    yield int(folder.name), fields


def free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
