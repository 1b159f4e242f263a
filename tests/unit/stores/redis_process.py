"""A real redis-server on 127.0.0.1, which tests kill and start again."""

import os
import shutil
import signal
import socket
import subprocess

import pytest

SECONDS_TO_STOP = 20


class RedisProcess:
    """A redis-server that writes no files. It uses a free port, and the same port again after a restart."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the server, and return when it accepts connections."""
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        process = self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "eady to accept connections" in line:
                return
        raise AssertionError("".join(lines))

    def kill(self) -> None:
        """End the server at once. What it has in memory is lost."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(SECONDS_TO_STOP)
            assert process.stdout is not None
            process.stdout.close()

    def pause(self) -> None:
        """Stop the process: the kernel still accepts connections, but the server does not respond."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the process continue."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


def require_redis() -> None:
    """Skip the test if redis-server is not installed. In continuous integration, which must install it, fail."""
    if shutil.which("redis-server") is not None:
        return
    message = "redis-server is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
