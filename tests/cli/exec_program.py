"""Runs programs of twisted.web under `ropewalk exec`, and alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.processes import SECONDS_TO_STOP, read_line

PYTHON = (sys.executable, "-W", "error", "-W", "ignore:twisted.web.resource._Unsafe:DeprecationWarning")

EXEC = (*PYTHON, "-m", "ropewalk", "exec")


def finished(
    *command: str | Path, cwd: Path, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=os.environ | {"NO_COLOR": "1"} | dict(environment or {}),
        input="of the standard input\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Served:
    """A running program that serves."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said = ""
        """The log line with the address on which the program listens."""
        self.url = ""

    def wait(self) -> None:
        """Wait until the program logs that it listens."""
        lines = ""
        while line := read_line(self.process.stderr):
            lines += line
            if line.startswith("Serving "):
                self.said = line
                self.url = line.split()[1]
                return
        raise AssertionError(f"It ended with {self.process.wait()}:\n{lines}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        self.output, self.errors = self.process.communicate(timeout=SECONDS_TO_STOP)
        return self.process.returncode


@contextmanager
def executing(*arguments: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """A program under `ropewalk exec` that listens."""
    process = subprocess.Popen(
        [*EXEC, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"NO_COLOR": "1"} | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    served = Served(process)
    try:
        served.wait()
        yield served
    finally:
        process.kill()
        process.communicate()
