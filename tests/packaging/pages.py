"""The commands that the README and the how-to pages tell people to run."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.processes import ROOT

PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs" / "how-to").glob("*.md")))

PROGRAMS: Final = "buildbot|curl|docker|make|openssl|pip|python|ropewalk|sysctl|systemctl|twist|twistd"

_BLOCK: Final = re.compile(r"(?ms)^```(\w*)\n(.*?)^```$")
_SPAN: Final = re.compile(rf"`((?:{PROGRAMS}) [^`]+)`")


def commands_of(page: Path) -> Iterator[str]:
    """Every command of a page: lines with a prompt in blocks of consoles, and code in running text and tables.

    In running text, a command has at least two words after the program, because `ropewalk run` alone is only a name.
    """
    text = page.read_text(encoding="utf-8")
    for kind, block in _BLOCK.findall(text):
        if kind == "console":
            for line in block.splitlines():
                if line.startswith("$ "):
                    yield re.split(r"\s{2,}#", line[2:])[0].strip()
    for command in _SPAN.findall(_BLOCK.sub("", text)):
        if len(command.split()) > 2 or command.startswith("python "):
            yield command
