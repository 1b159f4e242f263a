"""The process under attack: it is started on its own core, and its resources are measured."""

import http.client
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from benchmarks.prepare import DATA, ROOT, make_files

HOST: Final = "127.0.0.1"
FRIEND: Final = "127.0.0.2"
"""The address of the second client and the watchers, which distinguishes them from the attackers."""
START_SECONDS: Final = 20
STOP_SECONDS: Final = 10
TICKS: Final = os.sysconf("SC_CLK_TCK")


class TargetFailed(Exception):
    """The server did not start, or ended."""


class Target:
    """A context manager around one `ropewalk run`."""

    def __init__(
        self,
        limits: Mapping[str, float] | None = None,
        *,
        descriptors: int | None = None,
        core: int | None = None,
    ) -> None:
        self.limits = limits or {}
        self.descriptors = descriptors
        """The most files that it may have open; None for the limit of this process."""
        self.core = core
        self.port = 0

    def __enter__(self) -> Self:
        make_files()
        self.folder = tempfile.TemporaryDirectory(prefix="attacks-")
        self.errors = Path(self.folder.name) / "errors"
        flags = [flag for name, value in self.limits.items() for flag in ("--limit", f"{name}={value}")]
        victim = Path(__file__).with_name("victim.py")
        command = [sys.executable, "-m", "ropewalk", "run", str(victim), "--port", "0", "--access-log", "off", *flags]
        environment = os.environ | {"ATTACK_FILES": str(DATA), "TMPDIR": self.folder.name, "NO_COLOR": "1"}
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stderr=errors, preexec_fn=self._restrict
            )
        try:
            self._wait_until_it_listens()
        except BaseException:
            self._end()
            raise
        self.lines_at_start = len(self.log())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _restrict(self) -> None:
        """Called in the new process, before it executes the server."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = self.descriptors or hard
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        if self.core is not None:
            os.sched_setaffinity(0, {self.core})

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            for line in self.log():
                _, found, rest = line.partition(f"http://{HOST}:")
                if found:
                    self.port = int(rest.split("/")[0].split()[0])
                if self.port and line.startswith("Stop with"):
                    return
            time.sleep(0.02)
        raise TargetFailed("The server did not start:\n" + "\n".join(self.log()))

    def _end(self) -> None:
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def log(self) -> list[str]:
        """The text on its standard error."""
        return self.errors.read_text(errors="replace").splitlines()

    def logged(self) -> list[str]:
        """The text on its standard error without the lines of the start."""
        return self.log()[self.lines_at_start :]

    def resident_bytes(self) -> int:
        return self._status("VmRSS")

    def peak_bytes(self) -> int:
        """The largest resident memory since `forget_peak`."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        """proc_pid_clear_refs(5): 5 resets the peak."""
        self._proc("clear_refs").write_text("5")

    def open_descriptors(self) -> int:
        return sum(1 for _ in self._proc("fd").iterdir())

    def cpu_seconds(self) -> float:
        """The user and system time so far."""
        fields = self._proc("stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def _status(self, field: str) -> int:
        for line in self._proc("status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == field:
                return int(value.split()[0]) * 1024
        raise TargetFailed(f"/proc tells no {field}")

    def _proc(self, name: str) -> Path:
        return Path(f"/proc/{self.process.pid}/{name}")


class Counters:
    """The counters of the server's engine, by a connection that stays open."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection(HOST, port, timeout=30, source_address=(FRIEND, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def read(self) -> dict[str, Any]:
        """The current counters. Raises OSError and HTTPException."""
        self.connection.request("GET", "/counters")
        found: dict[str, Any] = json.loads(self.connection.getresponse().read())
        return found
