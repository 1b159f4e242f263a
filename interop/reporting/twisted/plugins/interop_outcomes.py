"""`trial --reporter=outcomes`: writes the outcome of each test to the file in INTEROP_OUTCOMES, one line each."""

import os
from pathlib import Path
from typing import Any

from twisted.plugin import IPlugin
from twisted.trial.itrial import IReporter
from twisted.trial.reporter import VerboseTextReporter
from zope.interface import implementer


class OutcomesReporter(VerboseTextReporter):
    """The usual report, and a file of outcomes. If a test has several, the worst counts."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._file = Path(os.environ["INTEROP_OUTCOMES"]).open("w", encoding="utf-8", buffering=1)  # noqa: SIM115 - to the end

    def addSuccess(self, test: Any) -> None:
        self._tell(test, "passed")
        super().addSuccess(test)

    def addFailure(self, test: Any, fail: Any) -> None:
        self._tell(test, "failed")
        super().addFailure(test, fail)

    def addError(self, test: Any, error: Any) -> None:
        self._tell(test, "failed")
        super().addError(test, error)

    def addSkip(self, test: Any, reason: Any) -> None:
        self._tell(test, "skipped")
        super().addSkip(test, reason)

    def addExpectedFailure(self, test: Any, error: Any, todo: Any = None) -> None:
        self._tell(test, "skipped")
        super().addExpectedFailure(test, error, todo)

    def addUnexpectedSuccess(self, test: Any, todo: Any = None) -> None:
        self._tell(test, "passed")
        super().addUnexpectedSuccess(test, todo)

    def _tell(self, test: Any, outcome: str) -> None:
        self._file.write(f"{outcome} {test.id()}\n")


@implementer(IPlugin, IReporter)
class _Plugin:
    name = "Outcomes of tests"
    module = __name__
    description = "The outcome of each test, in a file"
    longOpt = "outcomes"
    shortOpt = None
    klass = "OutcomesReporter"


outcomes = _Plugin()
