"""The results of a run, as Markdown and as JSON."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.machine import Machine
from benchmarks.rest.report import compared, table, versions
from benchmarks.rest.roster import Comparison
from benchmarks.site.claims import Figures, claims

METHOD: Final = """\
The server runs on one core and the load, wrk over 64 connections, on another, over the loopback interface. Each round
measures all servers of a table in turn. Every figure is the median of the rounds, with the smallest and the largest
value in brackets. CPU is the user and system time of all threads and processes of the server for one request. "Times"
is the CPU time of the other server divided by Ropewalk's. Of Flask, the worker of gunicorn that needs less CPU time
counts. Before a server is measured, it must respond as expected: the page and the text of the form are the same for all
frameworks, apart from the host in absolute URLs and the hashes in the URLs of static files. A sample with an error is
not used."""


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
    }
    return json.dumps(document, indent=2) + "\n"


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
    yield ""
    yield "| what | measured | required | aim | |"
    yield "|---|---:|---:|---:|---|"
    for claim in claims(run.figures):
        yield f"| {claim.what} | {claim.measured} | {claim.least} | {claim.aim} | {claim.verdict} |"
    for comparison in run.comparisons:
        for case in comparison.cases:
            yield from table(comparison, case, run.figures.scores[comparison.name])
