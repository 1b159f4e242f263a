"""The outcomes of tests, and the comparison of two runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from xml.etree import ElementTree as ET

from interop.program import LeftOut


class Outcome(IntEnum):
    """The outcomes from the best to the worst. If a test has several, the worst counts."""

    skipped = 0
    passed = 1
    failed = 2


Outcomes = dict[str, Outcome]
"""The outcomes by the names of the tests."""


def of_trial(file: Path) -> Outcomes:
    """Read a file of the reporter `outcomes`."""
    lines = (line.split(maxsplit=1) for line in file.read_text(encoding="utf-8").splitlines())
    return _worst((name, Outcome[outcome]) for outcome, name in lines)


def of_pytest(file: Path) -> Outcomes:
    """Read a file of pytest in the format of JUnit."""
    cases = ET.parse(file).iter("testcase")
    return _worst((f"{case.get('classname')}::{case.get('name')}", _outcome(case)) for case in cases)


@dataclass(frozen=True)
class Comparison:
    """The comparison of two runs of a suite."""

    stock: Outcomes
    ropewalk: Outcomes
    left_out: tuple[LeftOut, ...] = ()

    @property
    def tests(self) -> list[str]:
        """The tests that at least one run has not skipped."""
        return sorted(name for name, outcome in (self.stock | self.ropewalk).items() if outcome is not Outcome.skipped)

    @property
    def lost(self) -> list[str]:
        """The tests that pass on unchanged Twisted, and fail, are skipped or are missing on Ropewalk."""
        return [name for name in self._lost() if not any(it.has(name) for it in self.left_out)]

    @property
    def found(self) -> dict[str, int]:
        """The number of failing tests for each known reason."""
        return {it.reason: sum(map(it.has, self._lost())) for it in self.left_out}

    @property
    def mistaken(self) -> list[str]:
        """The tests that are listed as left out, and pass."""
        return [name for it in self.left_out for name in passed(self.ropewalk) if it.has(name)]

    @property
    def gained(self) -> list[str]:
        """The tests that pass only on Ropewalk."""
        return [name for name in passed(self.ropewalk) if self.stock.get(name) is not Outcome.passed]

    def _lost(self) -> list[str]:
        return [name for name in passed(self.stock) if self.ropewalk.get(name) is not Outcome.passed]


def all_pass(outcomes: Outcomes) -> Outcomes:
    """The expected outcomes, for tests that do not run on unchanged Twisted."""
    return {test: Outcome.passed for test, outcome in outcomes.items() if outcome is not Outcome.skipped}


def passed(outcomes: Outcomes) -> list[str]:
    return sorted(name for name, outcome in outcomes.items() if outcome is Outcome.passed)


def _worst(pairs: Iterable[tuple[str, Outcome]]) -> Outcomes:
    outcomes: Outcomes = {}
    for name, outcome in pairs:
        outcomes[name] = max(outcome, outcomes.get(name, outcome))
    return outcomes


def _outcome(case: ET.Element) -> Outcome:
    if case.find("failure") is not None or case.find("error") is not None:
        return Outcome.failed
    return Outcome.skipped if case.find("skipped") is not None else Outcome.passed
