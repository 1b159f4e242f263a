"""A plugin for pytest that waits until the server of Scrapyd's tests listens.

The server prints its address before it listens, so on a busy machine the first request would come too early.
"""

import socket
import sys
import time
from functools import wraps
from typing import Any

import pytest

SECONDS = 30


def pytest_collection_finish(session: pytest.Session) -> None:
    server = sys.modules["tests.mockserver"].MockScrapydServer
    start = server.__enter__

    @wraps(start)
    def start_and_wait(self: Any) -> Any:
        started = start(self)
        wait_until_it_listens(int(self.http_port))
        return started

    server.__enter__ = start_and_wait


def wait_until_it_listens(port: int) -> None:
    """Raises ConnectionRefusedError."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=SECONDS).close()
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)  # the server prints nothing more
        else:
            return
