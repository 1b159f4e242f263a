"""The same tests for trial, pytest and unittest, each run by its own command."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.processes import EXAMPLES

KINDS = Path(__file__).with_name("kinds")
TRIAL = ["-m", "twisted.trial"]


@pytest.mark.parametrize(
    ("command", "passed"),
    [
        ([*TRIAL, "--reactor=default", "sign_in_trial"], "PASSED (successes=3)"),
        ([*TRIAL, "--reactor=asyncio", "sign_in_trial"], "PASSED (successes=3)"),
        (["-m", "pytest", "-q", "-p", "no:cacheprovider", "sign_in_anyio.py"], "2 passed"),
        (["-m", "unittest", "sign_in_unittest"], "Ran 2 tests"),
    ],
    ids=["trial", "trial on asyncio", "pytest", "unittest"],
)
def test_it_passes(command: list[str], passed: str, tmp_path: Path) -> None:
    for file in KINDS.glob("sign_in_*.py"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-W", "error", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(EXAMPLES)},
    )
    output = ended.stdout + ended.stderr
    assert (ended.returncode, passed in output) == (0, True), output
