"""What there is to say of a program that takes part: `interop/NAME/program.py` says it, as PROGRAM."""

import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

HERE: Final = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Suite:
    """Tests that run twice, and are compared one by one."""

    title: str
    """Whose tests they are, as the table says it."""

    runner: Literal["trial", "pytest"]
    """What runs them: trial as `ropewalk exec trial`."""

    targets: tuple[str, ...]
    """What the runner is given: modules for trial, paths in the folder of the program or of its sources for pytest."""

    options: tuple[str, ...] = ()
    """More arguments for the runner."""

    by_itself: bool = False
    """Whether the suite starts servers and puts Ropewalk under them where `interop.processes.ON_ROPEWALK` says so.
    Elsewhere the runner puts it under the process of the suite, and under every Python that this one starts."""

    ours: bool = False
    """Whether these are tests of Ropewalk itself: they run once, and all of them have to pass."""

    left_out: tuple["LeftOut", ...] = ()
    """Tests that are not to pass with Ropewalk. One that is named here and passes is a mistake."""


@dataclass(frozen=True)
class LeftOut:
    """Tests that pass on Twisted as it is, and may fail with Ropewalk under them."""

    reason: str
    tests: tuple[str, ...]
    """The last parts of their names."""

    def has(self, test: str) -> bool:
        """Whether this test is one of them."""
        return test.endswith(self.tests)


@dataclass(frozen=True)
class Program:
    """A program, or a library, with its suites."""

    name: str
    """As the table shows it."""

    package: str
    """On the package index. Its version is the locked one."""

    folder: Path
    """With `requirements.in`, `requirements.txt`, and the suites that are ours."""

    suites: tuple[Suite, ...]

    tests_in: str | None = None
    """The requirement of the source package that has its tests, with a hash, where they are not installed with it."""

    put: tuple[str, ...] = ()
    """Folders of the source package that have to stand among the installed packages."""

    @property
    def lock(self) -> Path:
        return self.folder / "requirements.txt"

    @property
    def version(self) -> str:
        """As it is locked."""
        return self.locked(self.package)

    def locked(self, package: str) -> str:
        """The version of a package in the lock."""
        found = re.search(rf"^{re.escape(package)}==(\S+)", self.lock.read_text(), re.MULTILINE | re.IGNORECASE)
        if not found:
            raise LookupError(f"{package} is not in {self.lock}")
        return found[1]


def programs() -> dict[str, Program]:
    """Those that have a `program.py`, by the name of their folder."""
    names = sorted(path.parent.name for path in HERE.glob("*/program.py"))
    return {name: importlib.import_module(f"interop.{name}.program").PROGRAM for name in names}
