"""For suites that start servers: a server in a process of its own, until it is not needed any more."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Final

ON_ROPEWALK: Final = os.environ.get("INTEROP_UNDER") == "ropewalk"
"""Whether this run is the one with Ropewalk under the program."""

PREFIX: Final = "ropewalk:" if ON_ROPEWALK else ""
"""Stands before the description of an endpoint."""

BIN: Final = Path(sys.executable).parent
SECONDS_TO_STOP: Final = 20


class Server:
    """What a server has printed, and where it listens."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[str] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def printed(self) -> str:
        return "".join(self.lines)

    def stop(self) -> int:
        """Stop it in the ordinary way. Returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS_TO_STOP)

    def wait_for_port(self, pattern: str) -> None:
        """Read what it prints until a line has the pattern; its group is the port."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if found := re.search(pattern, line):
                self.port = int(found[1])
                return
        raise AssertionError(f"The server ended with {self.process.wait()} before it listened:\n{self.printed}")

    def read_on(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)


@contextmanager
def serving(*command: str | Path, listens: str) -> Iterator[Server]:
    """A server that prints its port in a line like `listens`. It is stopped at the end."""
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    server = Server(process)
    try:
        server.wait_for_port(listens)
        reader = Thread(target=server.read_on)
        reader.start()
        yield server
        if process.poll() is None:
            server.stop()
        reader.join()
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
