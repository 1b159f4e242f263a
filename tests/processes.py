"""Ropewalk in a process of its own, as its users start it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"

SECONDS_TO_STOP = 30


class Server:
    """A running server."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.banner = ""
        """What was printed at the start, on the standard error."""
        self.url = ""
        """Of the first address that it listens on, without a slash at its end."""
        self.output = ""
        """What it printed on the standard output, once it is stopped."""
        self.errors = ""
        """What it printed on the standard error after the banner, once it is stopped."""

    def read_banner(self) -> None:
        """Wait until the server says that it is ready."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.banner += line
            if line.startswith("Stop with"):
                break
        else:
            raise AssertionError(f"The server ended with {self.process.wait()} before it was ready:\n{self.banner}")
        found = re.search(r"http://\S+?(?=/?\s)", self.banner)
        self.url = found[0] if found else ""

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it in the ordinary way and return its exit code."""
        self.process.send_signal(number)
        self.output, self.errors = self.process.communicate(timeout=SECONDS_TO_STOP)
        return self.process.returncode


@contextmanager
def ropewalk(
    *arguments: str | Path, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server by the command line, on a port that the system chose. It is stopped where the test has not done so."""
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
