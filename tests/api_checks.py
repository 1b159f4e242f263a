"""Runs Schemathesis, which generates valid and invalid requests from an OpenAPI document, and checks the responses."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CONFIGURATION = """
hooks = "hooks.py"

[phases.coverage]
unexpected-methods = ["PUT", "PATCH", "DELETE"]

[checks.positive_data_acceptance]
expected-statuses = ["2xx", 304, 401, 403, 404, 409]
"""
"""The server responds to TRACE with 501 on purpose. A generated id may not exist (404), and valid data may contradict
stored data (409). By default, Schemathesis also accepts a server error and a rate limit for valid data."""

HOOKS = """
import schemathesis
from hypothesis import strategies

schemathesis.openapi.format("decimal", strategies.decimals(allow_nan=False, allow_infinity=False).map(str))
"""
"""The format of Decimal is in OpenAPI's format registry, but Schemathesis does not know it."""

SECONDS = 200


def check_api(
    url: str, folder: Path, *, examples: int, configuration: str = "", key: tuple[str, str] | None = None
) -> None:
    """Check the API whose document is at `url` with a number of examples for each operation, the same in each run.

    `key` is a header field of all requests.
    """
    (folder / "schemathesis.toml").write_text(CONFIGURATION + configuration)
    (folder / "hooks.py").write_text(HOOKS)
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program is not None
    command = [
        *(program, "--config-file", "schemathesis.toml", "run", url),
        *("--max-examples", str(examples), "--generation-deterministic", "--no-color", "--max-redirects", "0"),
        *(() if key is None else ("--header", ":".join(key))),
    ]
    kept = {name: value for name, value in os.environ.items() if name != "SCHEMATHESIS_HOOKS"}
    done = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
