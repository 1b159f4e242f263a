"""HTTPS with Twisted's TLS: the example in a separate process."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tests.processes import EXAMPLES, SECONDS_TO_STOP
from tests.unit.server.program import write_certificate

pytestmark = pytest.mark.slow

PROGRAM = "import sys, https; https.install_reactor(); https.react(https.serve, sys.argv[1:])"
"""Runs the example on a port that the test chooses."""


def start(folder: Path, port: int) -> "subprocess.Popen[str]":
    write_certificate(folder)
    endpoint = f"ssl:{port}:privateKey=key.pem:certKey=certificate.pem:interface=127.0.0.1"
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            PROGRAM,
            endpoint,
        ],  # without -W error, because Twisted's TLS uses deprecated names of pyOpenSSL
        cwd=folder,
        env={"PYTHONPATH": str(EXAMPLES)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_serves_until_it_is_stopped(tmp_path: Path) -> None:
    with start(tmp_path, 0) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().removeprefix("Serving ").strip()
            assert httpx.get(url.replace("localhost", "127.0.0.1"), verify=False).text == "Hello, World!"
            server.send_signal(signal.SIGINT)
            assert server.wait(SECONDS_TO_STOP) == 0
        finally:
            server.kill()


def test_a_port_in_use_is_an_error_that_names_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start(tmp_path, port) as server:
            _, errors = server.communicate(timeout=SECONDS_TO_STOP)
    assert server.returncode == 1
    reason = f"Couldn't listen on 127.0.0.1:{port}: [Errno 98] Address already in use."
    assert errors == f"The server cannot listen: {reason}\n"
