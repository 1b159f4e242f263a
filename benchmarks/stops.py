"""Stops under load: servers that follow one another on one socket, and servers without a successor.

Every client counts a connection that ends without a response as a failure. The exit status is 1 if a request failed,
if an access log lacks a line or has one too many, or if a server did not end in good order.
"""

import argparse
import asyncio
import dataclasses
import json
import re
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.stops.clients import KINDS
from tests.stops.generations import Outcome, abandon, replace

from benchmarks.machine import Machine
from benchmarks.prepare import HERE

RESULTS: Final = HERE / "results"


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """The results of all stops of one form."""

    stops: int
    in_good_order: int
    """The exit code was 0, and the log reports only running requests."""
    running: int
    """Requests that were running at the signals."""
    answered: int
    failed: int
    refused: int
    declined: int
    wrong_lines: int
    """Missing or additional lines in the access logs."""
    median_seconds: float
    """Seconds from the signal to the end of the process."""
    longest_seconds: float
    answered_by_kind: dict[str, int]

    @property
    def good(self) -> bool:
        return not self.failed and not self.wrong_lines and self.in_good_order == self.stops


def main(argv: Sequence[str]) -> None:
    options = arguments(argv)
    machine = Machine.look(0, 1)
    rows = {}
    if options.replaced:
        rows["a successor is there"] = summary([followed(options.replaced)])
    if options.abandoned:
        rows["no successor"] = summary(abandoned(seed) for seed in range(options.abandoned))
    write(machine, rows)
    sys.exit(not all(row.good for row in rows.values()))


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks stops", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--replaced", type=int, default=50, help="stops with a successor (default: %(default)s)")
    parser.add_argument("--abandoned", type=int, default=50, help="stops without one (default: %(default)s)")
    return parser.parse_args(argv)


def followed(stops: int) -> Outcome:
    return within(lambda folder: asyncio.run(replace(stops, folder)))


def abandoned(seed: int) -> Outcome:
    return within(lambda folder: asyncio.run(abandon(folder, seed=seed)))


def within(run: Callable[[Path], Outcome]) -> Outcome:
    with TemporaryDirectory(prefix="stops-") as folder:
        outcome = run(Path(folder))
    for failure in outcome.tally.failures:
        print("failed:", failure)
    for line, times in outcome.wrong_in_logs().items():
        print("access log:", line, f"{times:+}")
    for stop in outcome.stops:
        print(f"{stop.seconds:.2f} s", "" if stop.in_good_order else stop, flush=True)
    return outcome


def summary(outcomes: Iterable[Outcome]) -> Row:
    outcomes = list(outcomes)
    stops = [stop for outcome in outcomes for stop in outcome.stops]
    tallies = [outcome.tally for outcome in outcomes]
    running = re.findall(r"Stopping: (\d+) request", "\n".join(line for stop in stops for line in stop.said))
    by_kind = sum((tally.by_kind for tally in tallies), Counter[str]())
    return Row(
        stops=len(stops),
        in_good_order=sum(stop.in_good_order for stop in stops),
        running=sum(map(int, running)),
        answered=sum(len(tally.responded) for tally in tallies),
        failed=sum(len(tally.failures) for tally in tallies),
        refused=sum(tally.refused for tally in tallies),
        declined=sum(tally.declined for tally in tallies),
        wrong_lines=sum(map(abs, (times for outcome in outcomes for times in outcome.wrong_in_logs().values()))),
        median_seconds=statistics.median(stop.seconds for stop in stops),
        longest_seconds=max(stop.seconds for stop in stops),
        answered_by_kind={kind.name: by_kind[kind.name] for kind in KINDS},
    )


LINES: Final[tuple[tuple[str, Callable[[Row], str]], ...]] = (
    ("SIGTERMs", lambda row: f"{row.stops:,}"),
    ("exit code 0, no complaint in the log", lambda row: f"{row.in_good_order:,}"),
    ("requests that ran at the signal", lambda row: f"{row.running:,}"),
    ("requests with a response", lambda row: f"{row.answered:,}"),
    ("requests failed", lambda row: f"{row.failed:,}"),
    ("pipelined after a response with `Connection: close`", lambda row: f"{row.declined:,}"),
    ("connections refused afterwards", lambda row: f"{row.refused:,}"),
    ("lines of the access logs missing or too many", lambda row: f"{row.wrong_lines:,}"),
    ("from signal to end, median", lambda row: f"{row.median_seconds:.2f} s"),
    ("from signal to end, longest", lambda row: f"{row.longest_seconds:.2f} s"),
)


def write(machine: Machine, rows: dict[str, Row]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": {"date": machine.date, "python": machine.python, "commit": machine.commit, "cores": machine.cores},
        "stops": {name: dataclasses.asdict(row) for name, row in rows.items()},
    }
    (RESULTS / "stops.json").write_text(json.dumps(document, indent=2) + "\n")
    clients = [(f"{kind.clients} {kind.name}", kind.name) for kind in KINDS]
    lines = [
        f"Measured on {machine.date}, {machine.python}, {machine.cores} cores for all, commit `{machine.commit}`.",
        "",
        *header("", rows),
        *(line(name, [show(row) for row in rows.values()]) for name, show in LINES),
        "",
        *header("responses to clients", rows),
        *(line(shown, [f"{row.answered_by_kind[name]:,}" for row in rows.values()]) for shown, name in clients),
    ]
    print("\n".join(lines))
    (RESULTS / "stops.md").write_text("\n".join(lines) + "\n")


def header(first: str, rows: dict[str, Row]) -> list[str]:
    return [line(first, list(rows)), line("---", ["---:"] * len(rows))]


def line(first: str, rest: list[str]) -> str:
    return f"| {' | '.join([first, *rest])} |"


if __name__ == "__main__":
    main(sys.argv[1:])
