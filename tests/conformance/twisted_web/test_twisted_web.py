"""Twisted's own tests of twisted.web, with our classes instead of Twisted's."""

from importlib.metadata import version
from pathlib import Path

import pytest
from tests.conformance.twisted_web.judging import surprises
from tests.conformance.twisted_web.listing import CONFIGURATIONS, everything, left_out, names
from tests.conformance.twisted_web.relay import Relay
from tests.conformance.twisted_web.report import Outcome, Report
from tests.conformance.twisted_web.running import run
from tests.conformance.twisted_web.tables import tables
from tests.processes import ROOT

PAGE = (ROOT / "docs" / "explanation" / "twisted-tests.md").read_text(encoding="utf-8")
TESTS = everything()


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def configuration(request: pytest.FixtureRequest) -> str:
    """The configuration: which classes are ours."""
    return str(request.param)


@pytest.fixture(scope="module")
def report(configuration: str, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of all tests."""
    return run(configuration, tmp_path_factory.mktemp(configuration))


def expect(wrong: dict[str, str]) -> None:
    """Fail if anything is wrong. The message is complete: pytest would shorten a comparison."""
    if wrong:
        pytest.fail("\n\n".join(f"{test} {what}" for test, what in wrong.items()), pytrace=False)


@pytest.mark.slow
@pytest.mark.parametrize("module", TESTS)
def test_outcomes(configuration: str, module: str, report: Report) -> None:
    of_module = {test: outcome for test, outcome in report.items() if test.partition(".")[0] == module}
    expect(surprises(of_module, TESTS[module], names(left_out(configuration))))


@pytest.mark.slow
def test_no_module_is_new(report: Report) -> None:
    assert sorted({test.partition(".")[0] for test in report}) == list(TESTS)


WITHOUT_HOST = ("test_http", "test_proxy", "test_web")
"""The modules that send requests to a channel, some of them without a Host."""


@pytest.mark.slow
@pytest.mark.parametrize("configuration", ["channel", "exec"], scope="module")
def test_nothing_but_the_host_is_the_matter(configuration: str, tmp_path: Path) -> None:
    report = run(configuration, tmp_path, *WITHOUT_HOST, relay=True)
    listed = [test for module in WITHOUT_HOST for test in TESTS[module]]
    expect(surprises(report, listed, names(it for it in left_out(configuration) if it.kind != "host")))


@pytest.mark.slow
def test_the_engine_accepts_where_exec_listens(configuration: str, report: Report) -> None:
    ports = sum(outcome.ports for outcome in report.values())
    assert sum(outcome.taken for outcome in report.values()) == ports
    assert (ports > 0) == (configuration == "exec")


LISTENING = ("test_cgi", "test_distrib", "test_xmlrpc")
"""The modules that listen. Only these run on asyncio's reactor, because trial waits between tests there: for all
modules, a minute."""


@pytest.mark.slow
def test_asyncio(tmp_path: Path) -> None:
    report = run("exec", tmp_path, *LISTENING, reactor="asyncio")
    expect(surprises(report, [test for module in LISTENING for test in TESTS[module]], names(left_out("exec"))))
    assert sum(outcome.taken for outcome in report.values()) > 0


@pytest.mark.slow
def test_the_page_says_how_much_comes_by_our_code(configuration: str, report: Report) -> None:
    if configuration == "exec":
        channels, requests, ports = (
            sum(getattr(outcome, what) > 0 for outcome in report.values()) for what in ("channels", "requests", "taken")
        )
        counts = f"{channels} of the tests create a channel of Ropewalk, {requests} create a request"
        assert f"{counts}, and {ports} open a port" in PAGE


@pytest.mark.parametrize("table", tables(), ids=["totals", "reasons"])
def test_the_page_shows_the_lists(table: str) -> None:
    """The page has each table as `python -m tests.conformance.twisted_web.tables` prints it."""
    assert [row for row in table.splitlines() if row not in PAGE] == []
    assert table in PAGE


def test_the_page_names_the_version() -> None:
    assert f"Twisted {version('twisted')} unchanged" in PAGE


def test_what_is_left_out_is_a_test() -> None:
    listed = {test for tests in TESTS.values() for test in tests}
    assert [test for test in names(left_out()) if test not in listed] == []


def test_nothing_is_left_out_twice(configuration: str) -> None:
    tests = names(left_out(configuration))
    assert sorted(tests) == sorted(set(tests))


REPORT = {"a": Outcome("passed"), "b": Outcome("failed", "why"), "c": Outcome("skipped", "why")}


@pytest.mark.parametrize(
    ("listed", "out", "expected"),
    [
        ("abc", "bc", {}),
        ("abc", "b", {"c": "skipped\nwhy"}),
        ("abc", "c", {"b": "failed\nwhy"}),
        ("abc", "abc", {"a": "passed, and is in left_out.toml"}),
        ("abcd", "bc", {"d": "did not run"}),
        ("abcd", "bcd", {"d": "did not run"}),
        ("bc", "bc", {"a": "ran, and is not in tests.txt"}),
    ],
)
def test_surprises(listed: str, out: str, expected: dict[str, str]) -> None:
    assert surprises(REPORT, listed, out) == expected


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("size", range(1, 70))
def test_relay(size: int) -> None:
    requests = [
        b"GET / HTTP/1.1\r\nA: b\r\n\r\n",
        b"POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\na\r\n\r",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\r\nhost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\rA: b",
    ]
    relay = Relay()
    assert b"".join(map(relay.passed, pieces(b"".join(requests), size))) == (
        b"GET / HTTP/1.1\r\nA: b\r\nHost: a\r\n\r\n"
        b"POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\na\r\n\r"
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        b"GET / HTTP/1.1\r\nA: b\r\nhost: b\r\n\r\n"
        b"GET / HTTP/1.1\r\n\rA: b"
    )
