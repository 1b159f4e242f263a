"""The comparisons of `python -m benchmarks rest`: the compared servers do the same work, and every server responds
correctly."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.contest import Score
from benchmarks.load import Sample
from benchmarks.machine import Machine
from benchmarks.rest import report, roster, start
from benchmarks.rest.claims import Figures, claims
from benchmarks.rest.roster import COMPARISONS, FRAMEWORKS, PAIRS, PROGRAMS, Comparison
from benchmarks.rest.start import PROGRAMS_TO_START, Program, Start, StartFailed, cpu_seconds, measure_starts
from benchmarks.roster import Peer
from benchmarks.server import Server

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
    for module in ("benchmarks.rest.roster", "benchmarks.rest.start", "benchmarks.roster"):
        monkeypatch.setattr(f"{module}.PYTHON", sys.executable)


def scored(comparison: Comparison, case: str, **microseconds: list[float]) -> Scores:
    """The scores of a comparison, by round."""
    scores = {each.name: {peer.name: Score() for peer in comparison.peers} for each in comparison.cases}
    for name, each in microseconds.items():
        scores[case][name.replace("_", "-")].samples = [Sample(1e6 / cpu, cpu, 1, 1) for cpu in each]
    return scores


def verdicts(figures: Figures) -> list[tuple[str, str, str]]:
    return [(claim.what, claim.measured, claim.verdict) for claim in claims(figures)]


def test_names_differ() -> None:
    assert len({each.name for each in COMPARISONS}) == len(COMPARISONS)
    for each in COMPARISONS:
        assert len({peer.name for peer in each.peers}) == len(each.peers)


def test_the_programs_exist() -> None:
    for each in COMPARISONS:
        for peer in each.peers:
            parts = [part.partition(":")[0] for part in peer.command(PORT, Path("/nowhere"))]
            assert any((PROGRAMS / f"{Path(part).stem}.py").exists() for part in parts[1:] if part), peer.name


@pytest.mark.parametrize("comparison", PAIRS, ids=lambda each: each.name)
def test_a_pair_compares_apps_of_one_program(comparison: Comparison) -> None:
    assert len(comparison.cases) == 1
    programs = {peer.command(PORT, Path("/nowhere"))[-1].partition(":")[0] for peer in comparison.peers}
    assert programs == {str(PROGRAMS / "variants.py")}


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda each: each.name)
def test_a_case_says_what_is_right_and_what_is_not(comparison: Comparison) -> None:
    for case in comparison.cases:
        assert not any(probe.right(500, b"{}") for probe in case.probes)
        assert not any(probe.right(200, b"{}") for probe in case.probes)


def test_a_created_room_needs_its_status() -> None:
    valid, *invalid = FRAMEWORKS.cases[0].probes
    assert valid.body is not None
    assert valid.right(201, valid.body)
    assert not valid.right(200, valid.body)
    assert len(invalid) > 1
    assert all(
        probe.right(422, b"") and probe.right(400, b"") and not probe.right(201, valid.body) for probe in invalid
    )


@pytest.mark.slow
@pytest.mark.parametrize(("comparison", "peer"), SERVERS)
def test_a_server_responds(comparison: Comparison, peer: Peer) -> None:
    if not peer.version():
        pytest.skip(f"not all of {', '.join(peer.versions)} is installed")
    with Server(peer, 10) as server:
        for case in comparison.cases:
            load.check(server, case)


@pytest.mark.slow
def test_a_protected_server_refuses_another_token(monkeypatch: pytest.MonkeyPatch) -> None:
    comparison = next(each for each in PAIRS if each.name == "jwt")
    monkeypatch.setattr(roster, "_SECRET", "another secret of thirty-two bytes")
    with Server(comparison.peers[1], 10) as server, pytest.raises(load.CheckFailed, match="status 401"):
        load.check(server, roster.protected())


@pytest.mark.slow
@pytest.mark.parametrize("program", [each for each in PROGRAMS_TO_START if each.file == "start_ropewalk.py"])
def test_a_program_makes_its_routes_and_ends(program: Program) -> None:
    assert cpu_seconds(program.file, "import", 4) > 0
    assert cpu_seconds(program.file, program.kind, 4) > 0


@pytest.mark.slow
def test_a_program_that_fails_gives_no_figure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "few.py").write_text("import sys\nif sys.argv[1] != 'import':\n    print(3)\n")
    (tmp_path / "bad.py").write_text("raise ValueError('no such thing')\n")
    monkeypatch.setattr(start, "PROGRAMS", tmp_path)
    with pytest.raises(StartFailed, match="it has 3 routes"):
        cpu_seconds("few.py", "typed", 4)
    with pytest.raises(StartFailed, match="no such thing"):
        cpu_seconds("bad.py", "typed", 4)
    program = Program("bad", "a program", "bad.py", "typed")
    monkeypatch.setattr(start, "PROGRAMS_TO_START", (program,))
    assert "no such thing" in measure_starts(1, print)["bad"].failed


def test_starts_are_interleaved_and_the_first_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, str]] = []

    def fake(file: str, kind: str, routes: int) -> float:
        started.append((file, kind))
        return len(started) / 10

    monkeypatch.setattr(start, "cpu_seconds", fake)
    found = measure_starts(2, lambda line: None)
    one_round = [(each.file, kind) for each in PROGRAMS_TO_START for kind in ("import", each.kind)]
    assert started == one_round * 3
    assert {len(each.total) for each in found.values()} == {2}
    assert found["untyped"].imports == [0.7, 1.3]
    assert [round(each, 3) for each in found["untyped"].routes] == [0.1, 0.1]


def test_the_next_framework_is_the_one_with_the_least_cpu() -> None:
    scores = scored(
        FRAMEWORKS, "create", typed=[10.0, 20.0, 30.0], by_hand=[15.0], fastapi=[100.0, 130.0, 150.0], robyn=[50.0] * 3
    )
    scores["create"]["by-hand"].failed = "errors under load"
    scores["create"]["bolt"].samples = [Sample(1, 1.0, 1, 1)] * 3
    scores["create"]["bolt"].failed = "wrong"
    assert verdicts(Figures({"frameworks": scores}, {})) == [
        ("validated POST, typed: times FastAPI on uvicorn", "6.50 (5.00 to 10.00)", "least"),
        ("validated POST, typed: times the next, robyn", "2.50 (1.67 to 5.00)", "aim"),
    ]


def test_what_a_part_adds_is_a_difference() -> None:
    comparison = next(each for each in PAIRS if each.name == "middleware")
    scores = scored(comparison, "middleware", none=[10.0, 11.0], one=[10.75, 12.0], ten=[20.0, 21.0])
    assert verdicts(Figures({"middleware": scores}, {})) == [
        ("one middleware adds", "0.88 µs (0.75 to 1.00)", "least"),
        ("ten middlewares add", "10.00 µs (10.00 to 10.00)", "missed"),
    ]


def test_start_up_is_compared_without_the_imports() -> None:
    untyped, typed, fastapi = (Start(each) for each in PROGRAMS_TO_START)
    untyped.total, untyped.imports = [1.5, 1.5], [1.0, 1.0]
    typed.total, typed.imports = [2.0, 2.0], [1.0, 1.0]
    fastapi.total, fastapi.imports = [12.0, 12.0], [2.0, 2.0]
    figures = Figures({}, {"untyped": untyped, "typed": typed, "fastapi": fastapi})
    assert [(measured, verdict) for _, measured, verdict in verdicts(figures)] == [
        ("2.00 (2.00 to 2.00)", "aim"),
        ("0.10 (0.10 to 0.10)", "aim"),
    ]
    fastapi.failed = "not installed"
    assert len(claims(figures)) == 1


def test_the_report_names_what_gave_no_figure() -> None:
    scores = scored(FRAMEWORKS, "list", typed=[10.0], fastapi=[60.0])
    scores["list"]["ninja"].failed = "errors | under load"
    program = PROGRAMS_TO_START[0]
    run = report.Run(
        MACHINE, [FRAMEWORKS], Figures({"frameworks": scores}, {"untyped": Start(program, [1.5], [1.0]), "x": bad()})
    )
    text = report.as_markdown(run)
    assert "| FastAPI on uvicorn | 16,667 | 60.0 | 6.00 |" in text
    assert "Django Ninja on granian gave no figure: errors \\| under load" in text
    assert "| **Ropewalk**, untyped handlers | 1.50 | 1.00 | 0.50 |" in text
    assert "FastAPI gave no figure: no such thing" in text
    document = json.loads(report.as_json(run))
    assert document["comparisons"]["frameworks"]["list"]["ninja"] == {"failed": "errors | under load"}
    assert document["start"]["untyped"] == {"total": [1.5], "imports": [1.0]}
    assert document["machine"]["commit"] == "abc"


def bad() -> Start:
    return Start(PROGRAMS_TO_START[2], failed="no such thing")


def test_wrong_options_are_refused() -> None:
    for wrong in (["--only", "nothing"], ["--rounds", "0"]):
        command = [sys.executable, "-m", "benchmarks.rest.run", *wrong]
        shown = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
        assert shown.returncode == 2, shown.stderr
        assert "unknown: nothing" in shown.stderr or "at least 1" in shown.stderr
