"""Runs REDbot, which looks for errors in responses. It has its own environment, because it has many dependencies."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.fetching import environment

REQUIREMENTS = Path(__file__).with_name("redbot.txt")
LINTER = Path(__file__).with_name("linter.py")

SECONDS = 60
"""The timeout in seconds. If REDbot takes longer, REDbot has failed, and not the server."""


@dataclass(frozen=True)
class Note:
    """A note of REDbot about a response."""

    name: str
    level: str
    """GOOD, INFO, WARN or BAD."""
    summary: str


@dataclass(frozen=True)
class Report:
    """The status and all notes of one URL."""

    status: int
    notes: tuple[Note, ...]


def interpreter() -> Path:
    """Return a Python with the locked REDbot. The first call makes its environment. Raises UnreachableError."""
    return environment("redbot", REQUIREMENTS) / "bin" / "python"


def linted(python: Path, urls: list[str]) -> list[Report]:
    """Return what REDbot reports for each URL. REDbot requests each URL in several ways."""
    ended = subprocess.run([python, "-P", LINTER, *urls], capture_output=True, text=True, timeout=SECONDS, check=True)
    return [Report(status, tuple(Note(**note) for note in notes)) for status, notes in json.loads(ended.stdout)]
