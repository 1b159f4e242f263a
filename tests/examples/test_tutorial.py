"""The commands of the tutorial print what the tutorial shows."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.processes import EXAMPLES, ROOT, ropewalk

pytestmark = pytest.mark.slow

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")

ADDRESS = "http://127.0.0.1:8080"


def requests_after(heading: str) -> list[tuple[str, str]]:
    """The requests in a section, with their responses."""
    section = re.split(r"(?m)^##+ ", TUTORIAL.split(f"# {heading}\n", 1)[1])[0]
    return re.findall(r"(?m)^\$ (curl .*)\n(.+)$", section)


def check(heading: str, url: str) -> None:
    found = requests_after(heading)
    assert len(found) == 2
    for command, response in found:
        run = subprocess.run(
            ["sh", "-c", command.replace("curl", "curl -s", 1).replace(ADDRESS, url)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip() == response


def test_hello() -> None:
    with ropewalk("run", EXAMPLES / "hello.py") as server:
        check("Hello", server.url)


def test_the_hotel(tmp_path: Path) -> None:
    environment = {"HOTEL_DATABASE": str(tmp_path / "hotel.sqlite"), "HOTEL_KEY": "open-sesame"}
    with ropewalk("run", EXAMPLES / "hotel", environment=environment) as server:
        check("On the command line", server.url)
