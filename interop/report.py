"""What the last run of each program came to, in `interop/results/NAME.json`, and the table of it in the docs."""

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from interop.outcomes import Comparison, passed
from interop.program import HERE, Program, Suite

FOLDER: Final = HERE / "results"
PAGE: Final = HERE.parent / "docs" / "explanation" / "interop.md"
BEGIN: Final = "<!-- `python -m interop` writes this table -->\n"
END: Final = "<!-- up to here -->\n"
TITLES: Final = (
    "program",
    "tests",
    "pass on Twisted as it is",
    "pass with Ropewalk under it",
    "connections Ropewalk had",
)


@dataclass(frozen=True)
class SuiteResult:
    """Counts, and the tests for which the two runs differ."""

    title: str
    tests: int
    """Those that some run has not skipped."""
    stock: int | None
    """How many pass on Twisted as it is; None for tests of Ropewalk itself."""
    ropewalk: int
    """How many pass with Ropewalk under it."""
    connections: int | None
    """How many connections came to Ropewalk's channel in that run; None as above."""
    left_out: dict[str, int]
    """How many are known not to pass with Ropewalk, for each reason."""
    lost: list[str]
    """Those that should pass with Ropewalk and do not."""
    mistaken: list[str]
    """Those that are said not to pass with Ropewalk and do."""
    gained: list[str]
    """Those that pass with Ropewalk only."""


@dataclass(frozen=True)
class Result:
    """Of one program."""

    program: str
    version: str
    twisted: str
    python: str
    suites: list[SuiteResult]

    @property
    def good(self) -> bool:
        return not any(suite.lost or suite.mistaken or not suite.tests for suite in self.suites)


def result_of(program: Program, suites: list[SuiteResult]) -> Result:
    return Result(program.name, program.version, program.locked("twisted"), platform.python_version(), suites)


def result_of_suite(suite: Suite, comparison: Comparison, connections: int) -> SuiteResult:
    return SuiteResult(
        suite.title,
        len(comparison.tests),
        None if suite.ours else len(passed(comparison.stock)),
        len(passed(comparison.ropewalk)),
        None if suite.ours else connections,
        comparison.found,
        comparison.lost,
        comparison.mistaken,
        comparison.gained,
    )


def save(name: str, result: Result) -> None:
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")


def saved() -> list[Result]:
    """Of every program that has been run, the last."""
    return [_load(file) for file in sorted(FOLDER.glob("*.json"))]


def table(results: Iterable[Result]) -> str:
    """In Markdown."""
    rows = [
        (
            f"{it.program} {it.version}: {suite.title}",
            suite.tests,
            "" if suite.stock is None else suite.stock,
            suite.ropewalk,
            "" if suite.connections is None else suite.connections,
        )
        for it in results
        for suite in it.suites
    ]
    lines = [TITLES, ("---", *["--:"] * (len(TITLES) - 1)), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def reasons(results: Iterable[Result]) -> str:
    """Why tests are left out, in Markdown."""
    return "".join(
        f"- {it.program} {it.version}, {suite.title}: {number} {'test' if number == 1 else 'tests'}. {reason}\n"
        for it in results
        for suite in it.suites
        for reason, number in suite.left_out.items()
    )


def write_page() -> None:
    """Put the table of what is saved into the documentation. Raises LookupError where it has no place there."""
    head, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise LookupError(f"{PAGE} has no place for the table")
    results = saved()
    text = f"{table(results)}\nLeft out:\n\n{reasons(results)}"
    PAGE.write_text(head + begin + text + end + tail, encoding="utf-8")


def _load(file: Path) -> Result:
    fields = json.loads(file.read_text(encoding="utf-8"))
    return Result(**fields | {"suites": [SuiteResult(**suite) for suite in fields["suites"]]})
