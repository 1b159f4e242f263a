"""Saves the last results of each program in `interop/results/NAME.json`, and writes the table in the docs."""

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
    "pass on unchanged Twisted",
    "pass on Ropewalk",
    "connections on Ropewalk",
)


@dataclass(frozen=True)
class SuiteResult:
    """Counts, and the tests for which the two runs differ."""

    title: str
    tests: int
    """The number of tests that at least one run has not skipped."""
    stock: int | None
    """The number that passes on unchanged Twisted; None for tests of Ropewalk itself."""
    ropewalk: int
    """The number that passes on Ropewalk."""
    connections: int | None
    """The number of connections of Ropewalk's channel in that run; None for tests of Ropewalk itself."""
    left_out: dict[str, int]
    """The number of known failures on Ropewalk, for each reason."""
    lost: list[str]
    """The tests that should pass on Ropewalk and do not."""
    mistaken: list[str]
    """The tests that are listed as failing on Ropewalk and pass."""
    gained: list[str]
    """The tests that pass only on Ropewalk."""


@dataclass(frozen=True)
class Result:
    """The results of one program."""

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
    """The results of the last run of every program."""
    return [_load(file) for file in sorted(FOLDER.glob("*.json"))]


def table(results: Iterable[Result]) -> str:
    """The table in Markdown."""
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
    """The reasons for left-out tests, in Markdown."""
    return "".join(
        f"- {it.program} {it.version}, {suite.title}: {number} {'test' if number == 1 else 'tests'}. {reason}\n"
        for it in results
        for suite in it.suites
        for reason, number in suite.left_out.items()
    )


def write_page() -> None:
    """Write the table of the saved results into the documentation.

    Raises LookupError if the page has no place for it.
    """
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
