"""HTTPS without a proxy: the example in a separate process."""

import re
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tests.certificates import make_files
from tests.processes import EXAMPLES, SECONDS_TO_STOP

pytestmark = pytest.mark.slow

PROGRAM = (
    "import https_app, ropewalk\n"
    "tls = ropewalk.TLSOptions(certificate='certificate.pem', key='certificate-key.pem')\n"
    "https_app.app.run(port=0, tls=tls)\n"
)
"""Runs the example on a free port."""


def test_it_serves_https(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={"PYTHONPATH": str(EXAMPLES)},
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stderr is not None
            found: list[str] = []
            while not found:
                found = re.findall(r"Serving on (\S+)", server.stderr.readline())
            assert (
                httpx.get(found[0], verify=ssl.create_default_context(cafile=str(files.certificate))).text
                == "Hello by https"
            )
            server.send_signal(signal.SIGTERM)
            assert server.wait(SECONDS_TO_STOP) == 0
        finally:
            server.kill()
