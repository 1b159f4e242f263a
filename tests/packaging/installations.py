"""Environments that have Ropewalk without extras, and with each extra alone.

`make wheel-test` makes real environments, and installs a wheel in each of them. Without them, the environment of the
tests is used, and all that a plain installation would lack is hidden from its processes.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution, distributions, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.processes import SECONDS_TO_STOP

FOLDER = "ROPEWALK_TEST_INSTALLATIONS"
"""The variable that names the folder of real environments: one named after each extra, and `plain`."""

PLAIN = "plain"
EXTRAS = tuple(sorted(distribution("ropewalk").metadata.get_all("Provides-Extra") or ()))
CHECKED = (PLAIN, *EXTRAS) if os.environ.get(FOLDER) else (PLAIN,)
"""The installations in which all tests run: each of the real environments if there are any, otherwise only the plain
one. An extra that is not here has only tests of its own."""

HIDING = Path(__file__).parent / "hiding"


@dataclass(frozen=True)
class Installation:
    """An environment in which programs run: the commands in `bin` are on PATH, and these variables are set."""

    bin: Path
    variables: Mapping[str, str]

    @contextmanager
    def start(self, *command: str, cwd: Path, **variables: str) -> "Iterator[subprocess.Popen[str]]":
        """Start a process in a folder, with the standard error in its output.

        It is killed at the end of the context.
        """
        process = subprocess.Popen(
            command,
            executable=self._program(command[0]),
            cwd=cwd,
            env=self._environment() | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def run(self, *command: str, cwd: Path, **variables: str) -> tuple[int, str]:
        """Run a program, and return its exit code and its output."""
        with self.start(*command, cwd=cwd, **variables) as process:
            output, _ = process.communicate(timeout=SECONDS_TO_STOP)
            return process.returncode, output

    def _program(self, name: str) -> str:
        own = self.bin / name
        return str(own) if own.exists() else name

    def _environment(self) -> dict[str, str]:
        """The environment of the tests, without the variables by which other packages could be found."""
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        path = f"{self.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return kept | {"PATH": path, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"} | dict(self.variables)


@cache
def installation(extra: str) -> Installation:
    """Return the installation with an extra, or without any (`PLAIN`)."""
    folder = os.environ.get(FOLDER)
    if folder:
        return Installation(Path(folder) / extra / "bin", {})
    hidden = " ".join(sorted(hidden_modules(() if extra == PLAIN else (extra,))))
    return Installation(Path(sys.executable).parent, {"PYTHONPATH": str(HIDING), "ROPEWALK_TEST_HIDDEN": hidden})


def hidden_modules(extras: tuple[str, ...]) -> set[str]:
    """The top-level modules that are installed here, and would be missing with these extras alone."""
    needed = installed_with(extras)
    return {
        module
        for module, owners in packages_distributions().items()
        if not needed.intersection(map(canonicalize_name, owners)) and module not in sys.stdlib_module_names
    }


def installed_with(extras: tuple[str, ...]) -> set[str]:
    """The distributions that `pip install ropewalk[extras]` installs, by their normalized names."""
    here = {canonicalize_name(each.name) for each in distributions()}
    wanted: list[tuple[str, frozenset[str]]] = [("ropewalk", frozenset(extras))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while wanted:
        name, chosen = each = wanted.pop()
        if each in seen:
            continue
        seen.add(each)
        for line in distribution(name).requires or ():
            requirement = Requirement(line)
            marker = requirement.marker
            if marker is not None and not any(marker.evaluate({"extra": extra}) for extra in chosen or {""}):
                continue
            needed = canonicalize_name(requirement.name)
            assert needed in here, f"{name} needs {needed}, which is not installed. `make setup` installs it."
            wanted.append((needed, frozenset(requirement.extras)))
    return {name for name, _ in seen}
