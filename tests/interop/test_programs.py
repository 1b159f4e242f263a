"""The quick programs of `interop/`, served by Ropewalk in the environment of the tests.

`make interop` runs all programs in separate environments, also on stock Twisted, and compares the results.
"""

import sys
from pathlib import Path

import pytest
from interop.environment import Environment
from interop.outcomes import Comparison, all_pass
from interop.program import Program, Suite, programs
from interop.running import run

HERE = ("klein",)

SUITES = [(program, suite) for name, program in programs().items() if name in HERE for suite in program.suites]


class Here(Environment):
    """The environment of the tests."""

    def __init__(self, program: Program, folder: Path) -> None:
        super().__init__(program)
        self.folder = folder
        self.bin = Path(sys.executable).parent
        self.python = Path(sys.executable)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("program", "suite"), SUITES, ids=[f"{it.name}, {suite.title}" for it, suite in SUITES])
def test_passes(program: Program, suite: Suite, tmp_path: Path) -> None:
    outcomes, connections = run(suite, Here(program, tmp_path), "ropewalk")
    compared = Comparison(all_pass(outcomes), outcomes, suite.left_out)
    assert outcomes, said(tmp_path)
    assert compared.lost == [], said(tmp_path)
    assert compared.mistaken == []
    assert connections > 0


def said(folder: Path) -> str:
    """Return the output of a suite."""
    return "".join(log.read_text() for log in folder.glob("*.log"))
