"""The results of a run, as Markdown and as JSON."""

import dataclasses
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.cases import Case
from benchmarks.contest import Scores
from benchmarks.machine import Machine
from benchmarks.report import counts, figure, one_line
from benchmarks.rest.claims import Figures, claims
from benchmarks.rest.roster import Comparison
from benchmarks.rest.start import ROUTES
from benchmarks.roster import version

METHOD: Final = """\
The server runs on one core and the load, wrk over 64 connections, on another, over the loopback interface. Each round
measures all servers of a table in turn. Every figure is the median of the rounds, with the smallest and the largest
value in brackets. CPU is the user and system time of all threads and processes of the server for one request. "Times"
is the CPU time of the other server divided by Ropewalk's. Before a server is measured, it must respond correctly to a
valid request, and refuse invalid requests. A sample with an error is not used."""
START: Final = f"""\
This is the CPU time of a process that imports the framework, adds {ROUTES:,} routes and ends. Half of the routes read a
path and a query, and return a model. The other half read a path and a JSON body. "Routes" is this time minus the time
of a process that only imports the framework."""


@dataclass(frozen=True, slots=True)
class Run:
    """The data of a finished run."""

    machine: Machine
    comparisons: Sequence[Comparison]
    figures: Figures


def as_json(run: Run) -> str:
    document = {
        "machine": dataclasses.asdict(run.machine),
        "versions": versions(run.comparisons),
        "claims": [dataclasses.asdict(claim) for claim in claims(run.figures)],
        "comparisons": {each.name: compared(each, run.figures.scores[each.name]) for each in run.comparisons},
        "start": {
            name: {"failed": start.failed} if start.failed else {"total": start.total, "imports": start.imports}
            for name, start in run.figures.starts.items()
        },
    }
    return json.dumps(document, indent=2) + "\n"


def versions(comparisons: Sequence[Comparison]) -> list[str]:
    """The names and versions of all packages in the run, each once."""
    names = {name for each in comparisons for peer in each.peers for name in peer.versions}
    return [version(name) or f"{name} (not installed)" for name in sorted(names, key=str.lower)]


def compared(comparison: Comparison, scores: Scores) -> dict[str, Any]:
    return {
        case.name: {
            peer.name: {"samples": [dataclasses.asdict(sample) for sample in score.samples]}
            if counts(score := scores[case.name][peer.name])
            else {"failed": score.failed}
            for peer in comparison.peers
        }
        for case in comparison.cases
    }


def as_markdown(run: Run) -> str:
    return "\n".join(lines(run)) + "\n"


def lines(run: Run) -> Iterator[str]:
    machine = run.machine
    yield f"Measured on {machine.date}: {machine.processor}, {machine.cores} cores, {machine.system}, "
    yield f"{machine.python}, wrk {machine.wrk}, commit `{machine.commit}`; "
    yield f"{machine.rounds} rounds of {machine.seconds} s. With {', '.join(versions(run.comparisons))}."
    yield ""
    yield METHOD
    for warning in machine.warnings():
        yield ""
        yield f"**Take these figures with care: {warning}**"
    yield from claim_lines(run)
    for comparison in run.comparisons:
        for case in comparison.cases:
            yield from table(comparison, case, run.figures.scores[comparison.name])
    yield from start_lines(run)


def claim_lines(run: Run) -> Iterator[str]:
    yield ""
    yield "| what | measured | required | aim | |"
    yield "|---|---:|---:|---:|---|"
    for claim in claims(run.figures):
        yield f"| {claim.what} | {claim.measured} | {claim.least} | {claim.aim} | {claim.verdict} |"


def table(comparison: Comparison, case: Case, scores: Scores) -> Iterator[str]:
    """The servers of one case, compared with the first that has a figure."""
    yield ""
    yield f"### {case.title}"
    yield ""
    found = [(peer, score) for peer in comparison.peers if counts(score := scores[case.name][peer.name])]
    if found:
        first = found[0][1].median("cpu_microseconds")
        yield "| | requests/s | CPU µs/request | over the first |"
        yield "|---|---:|---:|---:|"
        for peer, score in found:
            rate, cpu = score.median("requests_per_second"), score.median("cpu_microseconds")
            title = f"{peer.title}. {peer.note}" if peer.note else peer.title
            yield f"| {title} | {rate:,.0f} | {figure(cpu)} | {cpu / first:.2f} |"
    for peer in comparison.peers:
        if reason := scores[case.name][peer.name].failed:
            yield ""
            yield f"{peer.title} gave no figure: {one_line(reason)}"


def start_lines(run: Run) -> Iterator[str]:
    starts = run.figures.starts
    if not starts:
        return
    yield ""
    yield f"### Start-up with {ROUTES:,} routes"
    yield ""
    yield START
    yield ""
    yield "| | whole, s | imports, s | routes, s |"
    yield "|---|---:|---:|---:|"
    for start in starts.values():
        if start.total and not start.failed:
            whole, imports = statistics.median(start.total), statistics.median(start.imports)
            yield f"| {start.program.title} | {whole:.2f} | {imports:.2f} | {start.median():.2f} |"
    for start in starts.values():
        if start.failed:
            yield ""
            yield f"{start.program.title} gave no figure: {one_line(start.failed)}"
