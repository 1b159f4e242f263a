"""The CPU time that programs need to make an app of many routes."""

import os
import resource
import statistics
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.prepare import PYTHON
from benchmarks.rest.roster import PROGRAMS

ROUTES: Final = 1000


@dataclass(frozen=True, slots=True)
class Program:
    """A program that makes an app and ends."""

    name: str
    title: str
    file: str
    kind: str
    """Its first argument. With `import` it only imports."""


PROGRAMS_TO_START: Final = (
    Program("untyped", "**Ropewalk**, untyped handlers", "start_ropewalk.py", "untyped"),
    Program("typed", "**Ropewalk**, typed handlers", "start_ropewalk.py", "typed"),
    Program("fastapi", "FastAPI", "start_fastapi.py", "typed"),
)


@dataclass(slots=True)
class Start:
    """The CPU time of each round in seconds, or the reason why there is none."""

    program: Program
    total: list[float] = field(default_factory=list)
    """The CPU time of a process that imports and makes the app."""
    imports: list[float] = field(default_factory=list)
    """The CPU time of a process that only imports."""
    failed: str = ""

    @property
    def routes(self) -> list[float]:
        """The CPU time for the routes alone, by round."""
        return [total - only for total, only in zip(self.total, self.imports, strict=True)]

    def median(self) -> float:
        return statistics.median(self.routes)


def measure_starts(rounds: int, say: Callable[[str], None], routes: int = ROUTES) -> dict[str, Start]:
    """Start each program twice in each round: once it only imports, and once it also makes its app.

    The first round is not counted, because it writes the .pyc files.
    """
    say(f"Start-up with {routes:,} routes")
    starts = {program.name: Start(program) for program in PROGRAMS_TO_START}
    for number in range(rounds + 1):
        for start in starts.values():
            if start.failed:
                continue
            try:
                imports, total = (
                    cpu_seconds(start.program.file, kind, routes) for kind in ("import", start.program.kind)
                )
            except StartFailed as error:
                start.failed = str(error)
                continue
            if number:
                start.imports.append(imports)
                start.total.append(total)
    for name, start in starts.items():
        say(f"  {name:16} {start.failed or f'{start.median():.3f} s of CPU for the routes'}")
    return starts


class StartFailed(Exception):
    """A program ended with an error, or has another number of routes."""


def cpu_seconds(file: str, kind: str, routes: int) -> float:
    """The user and system time of one program."""
    environment = os.environ | {"PYTHONPATH": ""}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # with it, each start would compile Ropewalk's sources
    before = _children()
    shown = subprocess.run(
        [str(PYTHON), str(PROGRAMS / file), kind, str(routes)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )
    expected = "" if kind == "import" else f"{routes}\n"
    if shown.returncode or shown.stdout != expected:
        raise StartFailed(shown.stderr.strip()[-200:] or f"it has {shown.stdout.strip()} routes")
    return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ratios(first: Start, second: Start) -> Sequence[float]:
    """The CPU time for the routes of `first`, divided by that of `second`, by round."""
    return [own / other for own, other in zip(first.routes, second.routes, strict=True) if other > 0]
