"""The races of `python -m benchmarks dropin`: the compared servers do the same work, and every server responds
correctly."""

import sys
from pathlib import Path

import pytest
from benchmarks.contest import Score
from benchmarks.dropin import certificate, report, roster
from benchmarks.dropin.report import Result
from benchmarks.dropin.roster import PROGRAMS, RACES, Race
from benchmarks.load import Sample
from benchmarks.machine import Machine
from benchmarks.prepare import make_files
from benchmarks.roster import Peer
from benchmarks.server import Server

from benchmarks import load

PORT = 8080
CONTENDERS = [pytest.param(race, peer, id=f"{race.name}-{peer.name}") for race in RACES for peer in race.peers]
MACHINE = Machine(
    "now", "x86_64", 2, "Linux 6", "CPython 3.11", "4.1", "abc", 0.1, debug_build=False, seconds=1, rounds=2
)


def programs(peer: Peer) -> list[str]:
    """The programs and arguments in the command line of a contender."""
    return [part for part in peer.command(PORT, Path("/nowhere")) if ".py" in Path(part).name or ":app" in part]


@pytest.fixture(autouse=True)
def this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use this Python instead of the separate environment of the benchmarks."""
    monkeypatch.setattr(roster, "PYTHON", sys.executable)
    monkeypatch.setattr("benchmarks.roster.PYTHON", sys.executable)


def scored(race: Race, **microseconds: list[float]) -> Result:
    scores = {peer.name: Score() for peer in race.peers}
    for name, each in microseconds.items():
        scores[name].samples = [Sample(1e6 / cpu, cpu, 1, 1) for cpu in each]
    return Result(race, scores)


def test_names_of_races_differ() -> None:
    assert len({race.name for race in RACES}) == len(RACES)


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.name)
def test_a_race_has_both_sides(race: Race) -> None:
    names = [peer.name for peer in race.peers]
    assert len(set(names)) == len(names)
    assert not any(peer.ours for peer in race.stock)
    assert race.ours
    assert all(peer.ours for peer in race.ours)
    assert race.least <= race.aim


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.name)
def test_exec_runs_the_very_program(race: Race) -> None:
    executed = [peer for peer in race.ours if peer.name == "exec"]
    for peer in executed:
        assert [programs(peer)] == [programs(other) for other in race.stock]


def test_the_programs_know_ropewalk_only_where_that_is_the_point() -> None:
    knowing = {path.name for path in PROGRAMS.glob("*.py") if "ropewalk" in path.read_text()}
    assert knowing == {"hello_accelerated.py", "hello_over_twisted.py"}


@pytest.mark.slow
@pytest.mark.parametrize(("race", "peer"), CONTENDERS)
def test_a_contender_responds(race: Race, peer: Peer) -> None:
    if not peer.version():
        pytest.skip(f"not all of {', '.join(peer.versions)} is installed")
    make_files()
    certificate.make_certificate()
    with Server(peer, race.case.routes) as server:
        load.check(server, race.case)


def test_times_are_those_of_cpu() -> None:
    result = scored(RACES[0], stock=[50.0, 60.0, 70.0], exec=[20.0, 15.0, 10.0], accelerate=[30.0, 30.0, 30.0])
    assert {peer.name: result.times(peer) for peer in RACES[0].ours} == {
        "exec": 4.0,
        "accelerate": 2.0,
        "endpoint": None,
    }
    assert result.times_by_round(RACES[0].ours[0]) == [2.5, 4.0, 7.0]
    assert [result.verdict(peer) for peer in RACES[0].peers] == ["", "least", "missed", ""]


def test_the_thriftiest_of_the_stock_counts() -> None:
    race = next(race for race in RACES if race.name == "fastapi")
    result = scored(race, uvicorn=[60.0], granian=[50.0], asgi=[50.0])
    assert result.best is race.stock[1]
    assert result.verdict(race.ours[0]) == "least"


def test_who_failed_has_no_figure() -> None:
    race = RACES[0]
    result = scored(race, stock=[50.0], exec=[10.0])
    result.scores["exec"].failed = "errors under | load"
    assert result.times(race.ours[0]) is None
    text = report.as_markdown(MACHINE, [result])
    assert "by `ropewalk exec` gave no figure: errors under \\| load" in text
    assert "| by `ropewalk exec` |" not in text


def test_without_a_stock_server_there_is_nothing_to_compare() -> None:
    result = scored(RACES[0], exec=[10.0])
    assert result.best is None
    assert "| **Ropewalk**, by `ropewalk exec` | 100,000 | 100,000 | 10.0 |  |  |" in report.as_markdown(
        MACHINE, [result]
    )
