"""The documentation shows the results of the last `make interop`."""

from interop.report import PAGE, reasons, saved, table

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_has_the_results() -> None:
    assert saved()
    assert table(saved()) in TEXT
    assert reasons(saved()) in TEXT


def test_nothing_was_lost() -> None:
    assert [result.program for result in saved() if not result.good] == []


def test_every_suite_came_by_the_engine() -> None:
    assert [suite.title for result in saved() for suite in result.suites if suite.connections == 0] == []
