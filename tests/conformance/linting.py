"""REDbot, which looks for faults in answers, in an environment of its own: it brings more than our tests should see."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.fetching import environment

REQUIREMENTS = Path(__file__).with_name("redbot.txt")
LINTER = Path(__file__).with_name("linter.py")

SECONDS = 60
"""After this REDbot has failed, not the server."""


@dataclass(frozen=True)
class Note:
    """What REDbot says of an answer."""

    name: str
    level: str
    """GOOD, INFO, WARN or BAD."""
    summary: str


@dataclass(frozen=True)
class Report:
    """All that it says of one URL."""

    status: int
    notes: tuple[Note, ...]


def interpreter() -> Path:
    """A Python with the locked REDbot, made the first time. Raises UnreachableError."""
    return environment("redbot", REQUIREMENTS) / "bin" / "python"


def linted(python: Path, urls: list[str]) -> list[Report]:
    """What REDbot says of each URL. It asks for them in several ways."""
    ended = subprocess.run([python, "-P", LINTER, *urls], capture_output=True, text=True, timeout=SECONDS, check=True)
    return [Report(status, tuple(Note(**note) for note in notes)) for status, notes in json.loads(ended.stdout)]
