"""A server on a socket that the test has opened, so that the test can reach it even if its standard streams are
closed."""

import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.processes import SECONDS_TO_STOP

QUIET = (sys.executable, "-W", "error", "-m", "ropewalk")

BY_RUN = """
import sys
from pathlib import Path
from ropewalk.server import run
from {module} import app

file = Path(sys.argv[2]) if len(sys.argv) > 2 else None
run(app, listen=[sys.argv[1]], access_log="combined", access_log_file=file)
"""
"""Serves as `App.run` does, on the endpoint in the command line."""


class Standalone:
    """A running server and the address of its socket."""

    def __init__(self, process: "subprocess.Popen[Any]", address: tuple[str, int]) -> None:
        self.process = process
        self.address = address

    def get(self, path: str = "/") -> bytes:
        """Send a request on a new connection and return the response."""
        with socket.create_connection(self.address, timeout=SECONDS_TO_STOP) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            response = b""
            while part := connection.recv(65536):
                response += part
        return response

    def get_many(self, count: int) -> None:
        """Send `count` requests on one connection."""
        with socket.create_connection(self.address, timeout=SECONDS_TO_STOP) as connection:
            came = b""
            for number in range(count):
                connection.sendall(f"GET /{number} HTTP/1.1\r\nHost: a\r\nUser-Agent: {'x' * 100}\r\n\r\n".encode())
                while came.count(b"HTTP/1.1 200 OK") <= number:
                    part = connection.recv(65536)
                    assert part
                    came += part


@contextmanager
def standalone(command: Sequence[str | Path], *, cwd: Path, shell: str = "", **options: Any) -> Iterator[Standalone]:
    """Run a command in which `{listen}` stands for the endpoint. `shell` holds redirections such as ">&-"."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd = listener.fileno()
        arguments = [str(each).format(listen=f"fd:{fd}") for each in command]
        if shell:
            arguments = ["sh", "-c", f'exec "$@" {shell}', "sh", *arguments]
        process = subprocess.Popen(arguments, cwd=cwd, pass_fds=[fd], **options)
        try:
            yield Standalone(process, listener.getsockname()[:2])
        finally:
            process.kill()
            process.communicate()
