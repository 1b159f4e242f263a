"""Finds the results in a report that differ from the lists."""

from collections.abc import Collection, Iterable

from tests.conformance.twisted_web.report import Report


def surprises(report: Report, listed: Iterable[str], left_out: Collection[str]) -> dict[str, str]:
    """The unexpected results, by test."""
    wrong = dict.fromkeys(report, "ran, and is not in tests.txt")
    for test in listed:
        wrong.pop(test, None)
        outcome = report.get(test)
        if outcome is None:
            wrong[test] = "did not run"
        elif test in left_out and outcome.result == "passed":
            wrong[test] = "passed, and is in left_out.toml"
        elif test not in left_out and outcome.result != "passed":
            wrong[test] = f"{outcome.result}\n{outcome.detail}"
    return wrong
