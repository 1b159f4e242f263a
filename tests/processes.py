"""Ropewalk in a separate process, started as users start it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"

SECONDS_TO_STOP = 30


def read_line(stream: IO[Any] | None) -> str:
    """The next line of a process, empty at its end. It is read byte by byte: `readline` would also read bytes after the
    line, which `communicate` would then not find."""
    assert stream is not None
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(stream.fileno(), 1)):
        line += byte
    return line.decode()


class Server:
    """A running server."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.banner = ""
        """The text on the standard error until the server was ready."""
        self.url = ""
        """The first address on which the server listens, without a slash at the end."""
        self.output = ""
        """The text on the standard output. Set when the server has stopped."""
        self.errors = ""
        """The text on the standard error after the banner. Set when the server has stopped."""

    def read_banner(self) -> None:
        """Wait until the server says that it is ready."""
        while line := read_line(self.process.stderr):
            self.banner += line
            if line.startswith("Stop with Ctrl+C"):
                self.banner += read_line(self.process.stderr)  # an empty line
                break
            if line.startswith("Stop with") or '"message":"Serving on ' in line:  # the latter in JSON
                break
        else:
            raise AssertionError(f"The server ended with {self.process.wait()} before it was ready:\n{self.banner}")
        found = re.search(r"https?://[^\s\"]+?(?=/?[\s\"])", self.banner)
        self.url = found[0] if found else ""

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop the server with a signal and return its exit code."""
        self.process.send_signal(number)
        self.output, self.errors = self.process.communicate(timeout=SECONDS_TO_STOP)
        return self.process.returncode


@contextmanager
def ropewalk(
    *arguments: str | Path, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Start a server with the command line, on a free port. It is stopped at the end of the context."""
    quiet = {"PYTHONWARNINGS": "error", "NO_COLOR": "1", "ROPEWALK_PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "ropewalk", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | quiet | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    server = Server(process)
    try:
        server.read_banner()
        yield server
        if process.poll() is None:
            assert server.stop() == 0, server.errors
    finally:
        process.kill()
        process.communicate()
