"""The results of a run, as Markdown and as JSON."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.contest import Score
from benchmarks.dropin.roster import AHEAD, EQUAL, Race
from benchmarks.machine import Machine
from benchmarks.report import counts, figure, one_line
from benchmarks.roster import Peer, version

METHOD: Final = """\
The server runs on one core and the load, wrk over 64 connections, on another, over the loopback interface. Each round
measures all servers of a table in turn. Every figure is the median of the rounds. CPU is the user and system time of
all threads and processes of the server. "Times" is the number of requests for each second of this CPU time, divided by
the same number of the unchanged server (of the fastest one, if there are several). The smallest and the largest value
of a round follow. The response of a server is checked before it is measured. A sample with an error is not used."""


@dataclass(frozen=True, slots=True)
class Result:
    """A race that was run."""

    race: Race
    scores: Mapping[str, Score]

    @property
    def best(self) -> Peer | None:
        """The baseline; None if no stock server has a figure."""
        found = [peer for peer in self.race.stock if counts(self.scores[peer.name])]
        return min(found, key=self.cpu, default=None)

    def cpu(self, peer: Peer) -> float:
        """Microseconds for a request."""
        return self.scores[peer.name].median("cpu_microseconds")

    def times(self, peer: Peer) -> float | None:
        """The ratio of requests per second of CPU; None if there is no baseline."""
        best = self.best
        return self.cpu(best) / self.cpu(peer) if best and counts(self.scores[peer.name]) else None

    def times_by_round(self, peer: Peer) -> list[float]:
        best = self.best
        if best is None:
            return []
        pairs = zip(self.scores[best.name].samples, self.scores[peer.name].samples, strict=True)
        return [theirs.cpu_microseconds / own.cpu_microseconds for theirs, own in pairs]

    def verdict(self, peer: Peer) -> str:
        """`aim`, `least` or `missed`; empty for a stock server, and without a figure."""
        times = self.times(peer)
        if times is None or not peer.ours:
            return ""
        return "aim" if times >= self.race.aim else "least" if times >= self.race.least else "missed"


def as_json(machine: Machine, results: Sequence[Result]) -> str:
    document = {
        "machine": dataclasses.asdict(machine),
        "versions": versions(results),
        "races": {result.race.name: as_dict(result) for result in results},
    }
    return json.dumps(document, indent=2) + "\n"


def versions(results: Sequence[Result]) -> list[str]:
    """The names and versions of all packages in the run, each once."""
    names = {name for result in results for peer in result.race.peers for name in peer.versions}
    return [version(name) for name in sorted(names, key=str.lower)]


def as_dict(result: Result) -> dict[str, Any]:
    race = result.race
    return {
        "title": race.case.title,
        "least": race.least,
        "aim": race.aim,
        "compared_with": result.best and result.best.name,
        "contenders": {peer.name: contender(result, peer) for peer in race.peers},
    }


def contender(result: Result, peer: Peer) -> dict[str, Any]:
    score = result.scores[peer.name]
    if not counts(score):
        return {"failed": score.failed}
    return {
        "requests_per_second": score.median("requests_per_second"),
        "requests_per_cpu_second": 1e6 / result.cpu(peer),
        "cpu_microseconds": result.cpu(peer),
        "times": result.times(peer),
        "verdict": result.verdict(peer),
        "samples": [dataclasses.asdict(sample) for sample in score.samples],
    }


def as_markdown(machine: Machine, results: Sequence[Result]) -> str:
    return "\n".join(lines(machine, results)) + "\n"


def lines(machine: Machine, results: Sequence[Result]) -> Iterator[str]:
    yield f"Measured on {machine.date}: {machine.processor}, {machine.cores} cores, {machine.system}, "
    yield f"{machine.python}, wrk {machine.wrk}, commit `{machine.commit}`; "
    yield f"{machine.rounds} rounds of {machine.seconds} s. With {', '.join(versions(results))}."
    yield ""
    yield METHOD
    for warning in machine.warnings():
        yield ""
        yield f"**Take these figures with care: {warning}**"
    yield from summary(results)
    for result in results:
        yield from details(result)


def summary(results: Sequence[Result]) -> Iterator[str]:
    yield ""
    yield "| | | times | at least | aim | |"
    yield "|---|---|---:|---:|---:|---|"
    for result in results:
        title, least, aim = result.race.case.title, wanted(result.race.least), wanted(result.race.aim)
        for peer in result.race.ours:
            times = result.times(peer)
            if times is not None:
                way = peer.title.partition(", ")[2]
                yield f"| {title} | {way} | {times:.2f} | {least} | {aim} | {result.verdict(peer)} |"


def wanted(times: float) -> str:
    return {EQUAL: "equal", AHEAD: "ahead"}.get(times, f"{times:g}")


def details(result: Result) -> Iterator[str]:
    race = result.race
    yield ""
    yield f"### {race.case.title}"
    yield ""
    yield "| | requests/s | for a second of CPU | CPU µs/request | times | of the rounds |"
    yield "|---|---:|---:|---:|---:|---:|"
    for peer in race.peers:
        if counts(result.scores[peer.name]):
            yield row(result, peer)
    for peer in race.peers:
        if reason := result.scores[peer.name].failed:
            yield ""
            yield f"{peer.title} gave no figure: {one_line(reason)}"


def row(result: Result, peer: Peer) -> str:
    rate, cpu = result.scores[peer.name].median("requests_per_second"), result.cpu(peer)
    times, spread = "", ""
    if peer is not result.best and (by_round := result.times_by_round(peer)):
        times, spread = f"{result.times(peer):.2f}", f"{min(by_round):.2f} to {max(by_round):.2f}"
    return f"| {peer.title} | {rate:,.0f} | {1e6 / cpu:,.0f} | {figure(cpu)} | {times} | {spread} |"
