"""Runs the tests in a separate process."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conformance.twisted_web.report import Report, read
from tests.processes import ROOT

SECONDS = 110


def run(configuration: str, folder: Path, *tests: str, relay: bool = False, reactor: str = "default") -> Report:
    """Run all tests, or the named ones, and return their outcomes. The tests write their files into a new folder in
    `folder`."""
    path = folder / f"{configuration}{'-relay' if relay else ''}.json"
    arguments = [str(path), reactor, configuration, *(["--relay"] if relay else []), *tests]
    finished = subprocess.run(
        [sys.executable, "-m", "tests.conformance.twisted_web.program", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "0", "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return read(path)
