"""What became of each test: written by the program that runs them, read by pytest."""

from pathlib import Path
from typing import Literal

import msgspec

SUITE = "twisted.web.test"
"""The package of the tests. In our files and reports the names of tests begin behind it."""

Result = Literal["passed", "failed", "skipped"]


class Outcome(msgspec.Struct):
    """One test: `detail` is the traceback or the reason for skipping; the rest is how often it came by our code."""

    result: Result
    detail: str = ""
    channels: int = 0
    requests: int = 0
    ports: int = 0
    """Opened for factories of HTTP in the reactor."""
    taken: int = 0
    """Of these, such as the engine accepts on."""


Report = dict[str, Outcome]
"""By the names of the tests, in their order."""


def write(report: Report, path: Path) -> None:
    """For `read`."""
    path.write_bytes(msgspec.json.encode(report))


def read(path: Path) -> Report:
    """What `write` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Report)
