"""The comparisons of `python -m benchmarks site`: the compared servers do the same work, and every server responds
correctly."""

import json
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest
from benchmarks.contest import Score
from benchmarks.load import Sample
from benchmarks.machine import Machine
from benchmarks.peers.contract import HOST
from benchmarks.rest.roster import Comparison
from benchmarks.roster import Peer
from benchmarks.server import Server
from benchmarks.site import report, roster, upload
from benchmarks.site.claims import Figures, claims
from benchmarks.site.roster import CACHE, COMPARISONS, CSRF, FORMS, PAGES, PROGRAMS, SESSIONS, UPLOADS

from benchmarks import load

PORT = 8080
SERVERS = [pytest.param(each, peer, id=f"{each.name}-{peer.name}") for each in COMPARISONS for peer in each.peers]
MACHINE = Machine(
    "now", "x86_64", 2, "Linux 6", "CPython 3.11", "4.1", "abc", 0.1, debug_build=False, seconds=1, rounds=2
)
Scores = dict[str, dict[str, Score]]


@pytest.fixture(autouse=True)
def this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use this Python instead of the separate environment of the benchmarks."""
    for module in ("benchmarks.site.roster", "benchmarks.roster"):
        monkeypatch.setattr(f"{module}.PYTHON", sys.executable)


def scored(comparison: Comparison, **microseconds: list[float]) -> Scores:
    """The scores of a comparison with one case, by round."""
    (case,) = comparison.cases
    scores = {case.name: {peer.name: Score() for peer in comparison.peers}}
    for name, each in microseconds.items():
        scores[case.name][name.replace("_", "-")].samples = [Sample(1e6 / cpu, cpu, 1, 1) for cpu in each]
    return scores


def verdicts(figures: Figures) -> list[tuple[str, str, str]]:
    return [(claim.what, claim.measured, claim.verdict) for claim in claims(figures)]


def test_names_differ() -> None:
    assert len({each.name for each in COMPARISONS}) == len(COMPARISONS)
    for each in COMPARISONS:
        assert len(each.cases) == 1
        assert len({peer.name for peer in each.peers}) == len(each.peers)


def test_the_programs_exist() -> None:
    for each in COMPARISONS:
        for peer in each.peers:
            parts = [part.partition(":")[0] for part in peer.command(PORT, Path("/nowhere"))]
            assert any((PROGRAMS / f"{Path(part).stem}.py").exists() for part in parts[1:] if part), peer.name


@pytest.mark.parametrize("comparison", [UPLOADS, SESSIONS, CSRF, CACHE], ids=lambda each: each.name)
def test_apps_that_differ_in_one_thing_are_of_one_program(comparison: Comparison) -> None:
    programs = {peer.command(PORT, Path("/nowhere"))[-1].partition(":")[0] for peer in comparison.peers}
    assert programs == {str(PROGRAMS / "site_variants.py")}


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda each: each.name)
def test_a_case_says_what_is_right_and_what_is_not(comparison: Comparison) -> None:
    for probe in comparison.cases[0].probes:
        assert not probe.right(500, b"")
        assert not probe.right(200, b"{}")


def test_a_page_is_the_same_with_absolute_urls_and_with_hashes() -> None:
    page = roster.expected_page()
    assert page.count(b"<tr") == 20
    assert b"Hotel Bell &amp; Anchor" in page
    assert b"&lt;new&gt;" in page
    absolute = page.replace(b'href="/', b'href="http://127.0.0.1:8080/')
    assert roster.is_page(200, absolute.replace(b"site.css", b"site.0123456789ab.css"))
    assert not roster.is_page(200, page.replace(b"Signed in as ada", b"Signed in as bob"))
    assert not roster.is_page(200, page.replace(b"/rooms/107", b"/rooms/108"))


def test_a_form_needs_its_numbers() -> None:
    valid, *invalid = FORMS.cases[0].probes
    assert valid.body is not None
    assert valid.body.count(b"&") == 9
    assert b"%C3%A9" in valid.body
    assert valid.right(200, roster.expected_booking().encode())
    assert all(probe.right(422, b"") and not probe.right(200, b"") for probe in invalid)


def test_the_upload_is_one_large_file(tmp_path: Path) -> None:
    path = tmp_path / "data" / "upload.form"
    body = upload.make_upload(path)
    assert path.read_bytes() == body
    assert len(set(body)) == 256
    head, _, rest = body.partition(b"\r\n\r\n")
    assert b'filename="room.jpg"' in head
    assert len(rest.partition(b"\r\n------WebKit")[0]) == upload.FILE_SIZE


@pytest.mark.slow
@pytest.mark.parametrize(("comparison", "peer"), SERVERS)
def test_a_server_responds(comparison: Comparison, peer: Peer) -> None:
    if not peer.version():
        pytest.skip(f"not all of {', '.join(peer.versions)} is installed")
    with Server(peer, 10) as server:
        for case in comparison.cases:
            load.check(server, case)


@pytest.mark.slow
def test_a_page_needs_its_session() -> None:
    with Server(PAGES.peers[0], 10) as server:
        fields = load.entered(server, PAGES.cases[0])
        assert fields["Cookie"].startswith("__Host-session=")
        for given, status in ((fields, 200), ({}, 403)):
            connection = HTTPConnection(HOST, server.port, timeout=10)
            connection.request("GET", "/rooms", headers=given)
            assert connection.getresponse().status == status
            connection.close()


@pytest.mark.slow
def test_a_post_needs_its_token() -> None:
    checked = next(peer for peer in CSRF.peers if peer.name == "checked")
    with Server(checked, 10) as server:
        fields = load.entered(server, CSRF.cases[0])
        for given, status in ((fields, 200), ({"Cookie": fields["Cookie"]}, 403)):
            connection = HTTPConnection(HOST, server.port, timeout=10)
            connection.request("POST", "/text", b"choice=1", {"Content-Type": roster.FORM, **given})
            assert connection.getresponse().status == status
            connection.close()


def test_the_cheapest_worker_of_flask_counts() -> None:
    scores = scored(PAGES, ropewalk=[50.0, 60.0], flask=[250.0, 200.0], flask_sync=[150.0, 180.0], fastapi=[90.0, 90.0])
    assert verdicts(Figures({"pages": scores})) == [
        ("page with a session: times Flask on gunicorn", "3.00 (3.00 to 3.00)", "least"),
        ("page with a session: times FastAPI with Jinja2 on uvicorn", "1.64 (1.50 to 1.80)", "missed"),
    ]


def test_a_form_is_compared_with_starlette() -> None:
    scores = scored(FORMS, typed=[20.0], by_hand=[25.0], starlette=[110.0], fastapi=[500.0])
    assert [(measured, verdict) for _, measured, verdict in verdicts(Figures({"forms": scores}))] == [
        ("5.50", "aim"),
        ("4.40", "least"),
    ]


def test_an_upload_is_compared_with_its_raw_body() -> None:
    scores = scored(UPLOADS, body=[10.0], form=[12.0], stream=[5.0], parts=[7.0])
    assert [(measured, verdict) for _, measured, verdict in verdicts(Figures({"uploads": scores}))] == [
        ("1.20", "least"),
        ("1.40", "missed"),
    ]


def test_what_a_session_adds_is_a_difference() -> None:
    scores = scored(SESSIONS, none=[10.0, 11.0], read=[12.5, 14.0], written=[30.0, 31.0])
    scores["sessions"]["flash"].failed = "errors under load"
    assert verdicts(Figures({"sessions": scores})) == [
        ("a session read from a signed cookie adds", "2.75 µs (2.50 to 3.00)", "aim"),
        ("a session written to a signed cookie adds", "20.00 µs (20.00 to 20.00)", "missed"),
    ]


def test_a_cached_response_is_compared_with_the_handler() -> None:
    scores = scored(CACHE, none=[10.0, 10.0], cached=[12.0, 11.0])
    assert verdicts(Figures({"cache": scores})) == [
        ("a cached response over the plain handler", "1.15 (1.10 to 1.20)", "least"),
    ]


def test_the_report_names_what_gave_no_figure() -> None:
    scores = scored(FORMS, typed=[10.0], starlette=[60.0])
    scores["form"]["flask"].failed = "errors | under load"
    run = report.Run(MACHINE, [FORMS], Figures({"forms": scores}))
    text = report.as_markdown(run)
    assert "| Starlette on uvicorn | 16,667 | 60.0 | 6.00 |" in text
    assert "gave no figure: errors \\| under load" in text
    document = json.loads(report.as_json(run))
    assert document["comparisons"]["forms"]["form"]["flask"] == {"failed": "errors | under load"}
    assert document["machine"]["commit"] == "abc"


def test_wrong_options_are_refused() -> None:
    for wrong in (["--only", "nothing"], ["--rounds", "0"]):
        command = [sys.executable, "-m", "benchmarks.site.run", *wrong]
        shown = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
        assert shown.returncode == 2, shown.stderr
        assert "unknown: nothing" in shown.stderr or "at least 1" in shown.stderr
