"""Logs in JSON: the example in a separate process."""

import json
import subprocess
import sys
from urllib.request import urlopen

import pytest
from tests.processes import EXAMPLES, SECONDS_TO_STOP, read_line

pytestmark = pytest.mark.slow

PROGRAM = "import request_logs as example; example.app.run(port=0, logs=example.LOGS)"


def test_a_request_is_in_both_logs() -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    with subprocess.Popen(command, cwd=EXAMPLES, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            address = json.loads(read_line(server.stderr))["address"]
            with urlopen(f"{address}/rooms/5?token=secret", timeout=SECONDS_TO_STOP) as response:
                assert json.load(response) == {"id": 5}
            server.terminate()
            output, errors = server.communicate(timeout=SECONDS_TO_STOP)
        finally:
            server.kill()
    (access,) = (json.loads(line) for line in output.splitlines())
    line = json.loads(errors.splitlines()[0])
    assert line["message"] == f"found by {address}/rooms/5?token=[redacted]"
    assert access["target"] == "/rooms/5?token=[redacted]"
    for name, value in {"room": 5, "route": "/rooms/{id}", "request_id": access["request_id"]}.items():
        assert line[name] == access[name] == value
    assert access["status"] == 200
