"""For suites that start servers as their users do: the output of a process, and its end."""

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
"""Whether this run is the one with Ropewalk under the program."""

BIN: Final = Path(sys.executable).parent
"""Where the commands of this environment are."""

SECONDS: Final = 50
"""For the expected output, and for the end after a signal."""


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
        """Wait until it has said something like this, `after` so many characters. Raises NeverSaid."""
        compiled = re.compile(pattern, re.MULTILINE)
        with self._more:
            self._more.wait_for(lambda: self._ended or compiled.search(self.said, after), seconds)
            if found := compiled.search(self.said, after):
                return found
        raise NeverSaid(f"{self.popen.args!r} does not say {pattern!r}:\n{self.said[after:]}")

    def tell(self, number: signal.Signals) -> int:
        """Send it a signal. Returns how much it had said before."""
        said = len(self.said)
        self.popen.send_signal(number)
        return said

    def stop(self) -> int:
        """End it in the ordinary way, and wait for that. Returns its exit code. Raises NeverEnded."""
        if self.popen.poll() is None:
            self.tell(signal.SIGTERM)
        return self.ends()

    def ends(self) -> int:
        """Wait until it has ended by itself. Returns its exit code. Raises NeverEnded."""
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
    """A process in a group of its own, of which nothing is left afterwards."""
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
    """End what is left of a process and of those that it started."""
    with suppress(ProcessLookupError):  # nothing is left
        os.killpg(popen.pid, signal.SIGKILL)
    popen.wait()


def program(*arguments: str | Path) -> tuple[str | Path, ...]:
    """The command that runs a Python program of this environment: as it is, or by `ropewalk exec`."""
    return (BIN / "ropewalk", "exec", *arguments) if ON_ROPEWALK else (BIN / "python", *arguments)


def free_port() -> int:
    """A port of 127.0.0.1 that is free now, for a program that must know its own port before it listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
