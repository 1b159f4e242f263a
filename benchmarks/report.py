"""The result of a run as Markdown and as JSON."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.cases import BASELINE, Case
from benchmarks.claims import claims
from benchmarks.contest import Score, Scores
from benchmarks.machine import Machine
from benchmarks.roster import Peer

CEILING: Final = "ceiling"

METHOD: Final = """\
The server runs on one core and the load on another, over the loopback interface. Each round measures all servers in
turn. Every figure is the median of the rounds. "CPU" is the user and system time of all threads and processes of the
server, divided by the number of responses. It hardly changes on a noisy machine. "Over the ceiling" compares a server
with the ceiling in the same case of the same run. If the ceiling does not have this case, its response of 13 bytes over
64 connections is used. The responses of a server are checked before it is measured. A run with an error is not used."""


@dataclass(frozen=True, slots=True)
class Run:
    """The data of a finished run."""

    machine: Machine
    cases: Sequence[Case]
    peers: Sequence[Peer]
    scores: Scores

    def ceiling(self, case: Case) -> Score:
        """The baseline of a case."""
        score = self.scores[case.name][CEILING]
        return score if counts(score) else self.scores[BASELINE][CEILING]

    def ranking(self, case: Case) -> list[tuple[Peer, Score]]:
        """The peers with a result, those with the least CPU time first."""
        scores = [(peer, self.scores[case.name][peer.name]) for peer in self.peers]
        found = [(peer, score) for peer, score in scores if counts(score)]
        return sorted(found, key=lambda pair: pair[1].median("cpu_microseconds"))


def counts(score: Score) -> bool:
    return bool(score.samples) and not score.failed


def as_json(run: Run) -> str:
    document: dict[str, Any] = {
        "machine": dataclasses.asdict(run.machine),
        "peers": {peer.name: peer.version() for peer in run.peers},
        "claims": [dataclasses.asdict(claim) for claim in claims(run.scores)],
        "cases": {
            case.name: {
                "title": case.title,
                "connections": case.connections,
                "peers": {peer.name: scored(run, case, peer) for peer in run.peers},
            }
            for case in run.cases
        },
    }
    return json.dumps(document, indent=2) + "\n"


def scored(run: Run, case: Case, peer: Peer) -> dict[str, Any]:
    score = run.scores[case.name][peer.name]
    if not counts(score):
        return {"missing": score.missing} if score.missing else {"failed": score.failed}
    medians = {name: score.median(name) for name in ("requests_per_second", "cpu_microseconds")}
    return medians | {"samples": [dataclasses.asdict(sample) for sample in score.samples]}


def as_markdown(run: Run) -> str:
    return "\n".join(lines(run)) + "\n"


def lines(run: Run) -> Iterator[str]:
    machine = run.machine
    yield f"Measured on {machine.date}: {machine.processor}, {machine.cores} cores, {machine.system}, "
    yield f"{machine.python}, wrk {machine.wrk}, commit `{machine.commit}`; "
    yield f"{machine.rounds} rounds of {machine.seconds} s."
    yield ""
    yield METHOD
    for warning in machine.warnings():
        yield ""
        yield f"**Take these figures with care: {warning}**"
    yield from claim_lines(run)
    for case in run.cases:
        yield from case_lines(run, case)
    yield from peer_lines(run)


def claim_lines(run: Run) -> Iterator[str]:
    found = claims(run.scores)
    if not found:
        return
    yield ""
    yield "### What it must show"
    yield ""
    yield "| what | measured | at least | aim | |"
    yield "|---|---:|---:|---:|---|"
    for claim in found:
        yield f"| {claim.what} | {claim.measured} | {claim.least} | {claim.aim} | {claim.verdict} |"


def case_lines(run: Run, case: Case) -> Iterator[str]:
    idle = case.kind == "idle"
    ceiling = run.ceiling(case)
    yield ""
    yield f"### {case.title}"
    yield ""
    yield "| peer | requests/s | over the ceiling | CPU µs/request | over the ceiling |" + (
        " bytes per idle connection |" if idle else ""
    )
    yield "|---|---:|---:|---:|---:|" + ("---:|" if idle else "")
    for peer, score in run.ranking(case):
        rate, cpu = score.median("requests_per_second"), score.median("cpu_microseconds")
        rate_ratio = rate / ceiling.median("requests_per_second")
        cpu_ratio = cpu / ceiling.median("cpu_microseconds")
        row = f"| {peer.title} | {rate:,.0f} | {ratio(rate_ratio)} | {figure(cpu)} | {ratio(cpu_ratio)} |"
        yield row + (f" {idle_bytes(score)} |" if idle else "")
    failed = [(peer, run.scores[case.name][peer.name].failed) for peer in run.peers]
    for peer, reason in failed:
        if reason:
            yield ""
            yield f"{peer.title} gave no figure: {one_line(reason)}"


def peer_lines(run: Run) -> Iterator[str]:
    yield ""
    yield "### The peers"
    yield ""
    yield "| peer | version | to know |"
    yield "|---|---|---|"
    for peer in run.peers:
        yield f"| {peer.title} | {peer.version()} | {peer.note} |"


def figure(value: float) -> str:
    """Format a number with about three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value >= 0.01 else f"{value:.4f}"


def idle_bytes(score: Score) -> str:
    closed = max(sample.idle_closed or 0 for sample in score.samples)
    return f"{score.median('idle_bytes'):,.0f}" + (f" ({closed:,} were closed)" if closed else "")


def one_line(text: str) -> str:
    return " ".join(text.split())[:200].replace("|", "\\|")
