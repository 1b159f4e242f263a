"""What became of each test, and how two runs compare."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from xml.etree import ElementTree as ET

from interop.program import LeftOut


class Outcome(IntEnum):
    """From the best to the worst: of several for one test the worst counts."""

    skipped = 0
    passed = 1
    failed = 2


Outcomes = dict[str, Outcome]
"""By the names of the tests."""


def of_trial(file: Path) -> Outcomes:
    """What the reporter `outcomes` wrote."""
    lines = (line.split(maxsplit=1) for line in file.read_text(encoding="utf-8").splitlines())
    return _worst((name, Outcome[outcome]) for outcome, name in lines)


def of_pytest(file: Path) -> Outcomes:
    """What pytest wrote in the manner of JUnit."""
    cases = ET.parse(file).iter("testcase")
    return _worst((f"{case.get('classname')}::{case.get('name')}", _outcome(case)) for case in cases)


@dataclass(frozen=True)
class Comparison:
    """Of one suite."""

    stock: Outcomes
    ropewalk: Outcomes
    left_out: tuple[LeftOut, ...] = ()

    @property
    def tests(self) -> list[str]:
        """Those that some run has not skipped."""
        return sorted(name for name, outcome in (self.stock | self.ropewalk).items() if outcome is not Outcome.skipped)

    @property
    def lost(self) -> list[str]:
        """Those that pass on Twisted as it is, and with Ropewalk under them fail, are skipped or are not there."""
        return [name for name in self._lost() if not any(it.has(name) for it in self.left_out)]

    @property
    def found(self) -> dict[str, int]:
        """How many tests fail for each reason that is known."""
        return {it.reason: sum(map(it.has, self._lost())) for it in self.left_out}

    @property
    def mistaken(self) -> list[str]:
        """Those that are named as left out, and pass."""
        return [name for it in self.left_out for name in passed(self.ropewalk) if it.has(name)]

    @property
    def gained(self) -> list[str]:
        """The other way round."""
        return [name for name in passed(self.ropewalk) if self.stock.get(name) is not Outcome.passed]

    def _lost(self) -> list[str]:
        return [name for name in passed(self.stock) if self.ropewalk.get(name) is not Outcome.passed]


def all_pass(outcomes: Outcomes) -> Outcomes:
    """As it is to be on Twisted as it is, for tests that are not run there."""
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
