"""Runs Twisted's tests once, in its own process: `... REPORT REACTOR CONFIGURATION [--relay] [TEST...]`.

Our classes replace Twisted's before trial imports a test.
"""

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from tests.conformance.twisted_web import configurations, relay
from tests.conformance.twisted_web.report import SUITE, Outcome, Report, Result, write
from twisted.application.reactors import installReactor
from twisted.python.reflect import namedAny
from twisted.trial import util
from twisted.trial.reporter import TestResult
from twisted.trial.runner import TestLoader, TrialRunner
from twisted.web import http

SECONDS_PER_TEST = 5.0
"""The timeout of a test. The slowest test that passes takes a quarter of a second."""


class Reporter(TestResult):
    """Records the outcome of every test. A test that fails twice has both tracebacks.

    Unraisable errors, raised in calls from native code, count as failures of the running test.
    """

    def __init__(self, witness: configurations.Witness) -> None:
        super().__init__()
        self.report: Report = {}
        self._witness = witness
        self._running: Any = None

    def fail_for(self, error: "sys.UnraisableHookArgs") -> None:
        """Handle an unraisable error, as `sys.unraisablehook`."""
        self._add(self._running, "failed", f"Unraisable error {error.exc_value!r} in {error.object!r}.\n")

    def startTest(self, test: Any) -> None:
        super().startTest(test)
        self._running = test
        self._witness.forget()

    def stopTest(self, test: Any) -> None:
        super().stopTest(test)
        for counted in fields(self._witness):
            setattr(self.report[name_of(test)], counted.name, getattr(self._witness, counted.name))

    def addSuccess(self, test: Any) -> None:
        super().addSuccess(test)
        self._add(test, "passed")

    def addSkip(self, test: Any, reason: str) -> None:
        super().addSkip(test, reason)
        self._add(test, "skipped", reason)

    def addError(self, test: Any, error: Any) -> None:
        super().addError(test, error)
        self._add(test, "failed", self._getFailure(error).getTraceback())

    def addFailure(self, test: Any, fail: Any) -> None:
        super().addFailure(test, fail)
        self._add(test, "failed", self._getFailure(fail).getTraceback())

    def addExpectedFailure(self, test: Any, error: Any, todo: Any = None) -> None:
        super().addExpectedFailure(test, error, todo)
        self._add(test, "skipped", "expected to fail")

    def addUnexpectedSuccess(self, test: Any, todo: Any = None) -> None:
        super().addUnexpectedSuccess(test, todo)
        self._add(test, "passed")

    def _add(self, test: Any, result: Result, detail: str = "") -> None:
        before = self.report.get(name_of(test))
        if before is None or before.result != "failed":
            self.report[name_of(test)] = Outcome(result, detail)
        else:
            before.detail += detail


def name_of(test: Any) -> str:
    """The name of a test in our files: `test_http.PersistenceTests.test_http11`."""
    name: str = test.id()
    return name.removeprefix(f"{SUITE}.")


def main(path: str, reactor: str, configuration: str, *arguments: str) -> None:
    """Run all the tests, or the named ones."""
    installReactor(reactor)
    util.DEFAULT_TIMEOUT_DURATION = SECONDS_PER_TEST
    witness = configurations.CONFIGURATIONS[configuration]()
    names = [f"{SUITE}.{name}" for name in arguments if name != "--relay"]
    reporter = Reporter(witness)
    runner = TrialRunner(lambda *_: reporter, workingDirectory=str(Path(path).with_suffix(".files")))
    tests = TestLoader().loadByNames(names or [SUITE], recurse=True)
    if "--relay" in arguments:
        relay.put_before(http.HTTPChannel)
        for name in names:
            relay.put_into(namedAny(name))
    sys.unraisablehook = reporter.fail_for
    runner.run(tests)
    write(reporter.report, Path(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
