"""Runs servers as users do: waits for their output and for their end."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Final

ON_ROPEWALK: Final = os.environ.get("INTEROP_UNDER") == "ropewalk"
"""Whether this run uses Ropewalk."""

BIN: Final = Path(sys.executable).parent
"""The folder of the commands of this environment."""

SECONDS: Final = 50
"""The timeout for expected output, and for the end after a signal."""


class NeverSaid(AssertionError):
    """A process ended, or took too long, before its expected output."""


class NeverEnded(AssertionError):
    """A process took too long to end after a signal."""


class Process:
    """A running program, and its standard output and error so far."""

    def __init__(self, popen: "subprocess.Popen[str]") -> None:
        self.popen = popen
        self.said = ""
        self._more = Condition()
        self._ended = False
        self._reader = Thread(target=self._read)
        self._reader.start()

    def says(self, pattern: str, *, after: int = 0, seconds: float = SECONDS) -> re.Match[str]:
        """Wait for output that matches a pattern, after this many characters. Raises NeverSaid."""
        compiled = re.compile(pattern, re.MULTILINE)
        with self._more:
            self._more.wait_for(lambda: self._ended or compiled.search(self.said, after), seconds)
            if found := compiled.search(self.said, after):
                return found
        raise NeverSaid(f"{self.popen.args!r} does not say {pattern!r}:\n{self.said[after:]}")

    def tell(self, number: signal.Signals) -> int:
        """Send a signal. Returns the length of the output so far."""
        said = len(self.said)
        self.popen.send_signal(number)
        return said

    def stop(self) -> int:
        """Stop the process by SIGTERM, and wait for its end. Returns its exit code. Raises NeverEnded."""
        if self.popen.poll() is None:
            self.tell(signal.SIGTERM)
        return self.ends()

    def ends(self) -> int:
        """Wait until the process ends by itself. Returns its exit code. Raises NeverEnded."""
        said = len(self.said)
        try:
            code = self.popen.wait(SECONDS)
        except subprocess.TimeoutExpired:
            raise NeverEnded(f"{self.popen.args!r} does not end:\n{self.said[said:]}") from None
        self._reader.join(SECONDS)
        return code

    def _read(self) -> None:
        assert self.popen.stdout is not None
        with self.popen.stdout as output:
            for line in output:
                with self._more:
                    self.said += line
                    self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()


@contextmanager
def started(
    *command: str | Path, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """A process in a new process group, which is killed at the end of the context."""
    popen = subprocess.Popen(
        list(map(str, command)),
        cwd=cwd,
        env=os.environ | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    process = Process(popen)
    try:
        yield process
        process.stop()
    finally:
        kill_group(popen)


def kill_group(popen: "subprocess.Popen[str]") -> None:
    """Kill the processes that are left in the group of a process."""
    with suppress(ProcessLookupError):  # no process is left
        os.killpg(popen.pid, signal.SIGKILL)
    popen.wait()


def program(*arguments: str | Path) -> tuple[str | Path, ...]:
    """The command that runs a Python program of this environment, unchanged or by `ropewalk exec`."""
    return (BIN / "ropewalk", "exec", *arguments) if ON_ROPEWALK else (BIN / "python", *arguments)


def free_port() -> int:
    """A port of 127.0.0.1 that is free now, for a program that must know its own port before it listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
