"""The description of a tested program: `interop/NAME/program.py` defines it as PROGRAM."""

import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

HERE: Final = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Suite:
    """Tests that run twice, on Twisted and on Ropewalk, and are compared one by one."""

    title: str
    """The name of the suite in the table."""

    runner: Literal["trial", "pytest"]
    """The runner. trial runs as `ropewalk exec trial`."""

    targets: tuple[str, ...]
    """Arguments of the runner: modules for trial; for pytest, paths in the folder of the program or of its sources."""

    options: tuple[str, ...] = ()
    """More arguments for the runner."""

    by_itself: bool = False
    """Whether the suite starts servers, and runs them on Ropewalk if `interop.processes.ON_ROPEWALK` is true.
    For other suites, the runner runs the process of the suite, and every Python that it starts, on Ropewalk."""

    ours: bool = False
    """Whether these are tests of Ropewalk itself: they run once, and all of them must pass."""

    left_out: tuple["LeftOut", ...] = ()
    """Tests that do not pass with Ropewalk. A test that is named here and passes is an error."""


@dataclass(frozen=True)
class LeftOut:
    """Tests that pass on unchanged Twisted, and may fail on Ropewalk."""

    reason: str
    tests: tuple[str, ...]
    """The last parts of the names of tests that are left out."""

    def has(self, test: str) -> bool:
        """Whether this test is one of them."""
        return test.endswith(self.tests)


@dataclass(frozen=True)
class Program:
    """A program, or a library, with its suites."""

    name: str
    """The name in the table."""

    package: str
    """The name on the package index. The version is in the lock."""

    folder: Path
    """The folder with `requirements.in`, `requirements.txt` and our suites."""

    suites: tuple[Suite, ...]

    tests_in: str | None = None
    """The requirement of the source package with its tests, with a hash, if they are not installed with the program."""

    put: tuple[str, ...] = ()
    """Folders of the source package that must be copied to the installed packages."""

    @property
    def lock(self) -> Path:
        return self.folder / "requirements.txt"

    @property
    def version(self) -> str:
        """The locked version."""
        return self.locked(self.package)

    def locked(self, package: str) -> str:
        """The version of a package in the lock."""
        found = re.search(rf"^{re.escape(package)}==(\S+)", self.lock.read_text(), re.MULTILINE | re.IGNORECASE)
        if not found:
            raise LookupError(f"{package} is not in {self.lock}")
        return found[1]


def programs() -> dict[str, Program]:
    """The programs that have a `program.py`, by the names of their folders."""
    names = sorted(path.parent.name for path in HERE.glob("*/program.py"))
    return {name: importlib.import_module(f"interop.{name}.program").PROGRAM for name in names}
