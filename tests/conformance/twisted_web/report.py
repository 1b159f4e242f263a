"""The outcome of each test: written by the program that runs the tests, read by pytest."""

from pathlib import Path
from typing import Literal

import msgspec

SUITE = "twisted.web.test"
"""The package of the tests. In our files and reports, the names of tests do not include it."""

Result = Literal["passed", "failed", "skipped"]


class Outcome(msgspec.Struct):
    """One test: `detail` is the traceback or the reason for skipping; the rest counts how often it used our code."""

    result: Result
    detail: str = ""
    channels: int = 0
    requests: int = 0
    ports: int = 0
    """How many ports were opened for HTTP factories in the reactor."""
    taken: int = 0
    """How many of these ports the engine accepts on."""


Report = dict[str, Outcome]
"""The outcomes, by the names of the tests, in their order."""


def write(report: Report, path: Path) -> None:
    """Write a report for `read`."""
    path.write_bytes(msgspec.json.encode(report))


def read(path: Path) -> Report:
    """Read a report that `write` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Report)
