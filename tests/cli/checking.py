"""Runs `ropewalk check` in a folder with an app."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Check = Callable[..., Result]


def finished(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    command = [sys.executable, "-m", "ropewalk", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


MORE = re.compile(r"More: ropewalk explain (RW\d+)\n$")
"""The last line of an error message."""


def message_of(output: str) -> str:
    """An error message without its last line, which names the command that explains its code. Errors in the usage of a
    command have no code and no such line."""
    if output.startswith("Usage: "):
        return output
    more = MORE.search(output)
    assert more is not None, output
    assert f"{more[1]} " in output
    return MORE.sub("", output)


HELLO = """
from ropewalk import App

app = App()


@app.get("/")
def hello(request):
    return "Hello"
"""


def setting(result: Result, name: str) -> tuple[str, str]:
    """The value and the origin that `check` printed for a setting."""
    assert result.exit_code == 0, result.output
    line = next(line for line in result.output.splitlines() if line.startswith(f"{name} "))
    _, value, *origin = line.split()
    return value, " ".join(origin)
