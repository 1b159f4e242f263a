"""Compares Ropewalk with its peers on this machine, in one run."""

import argparse
import os
import sys
import time
from pathlib import Path

from benchmarks import load, picture, report
from benchmarks.cases import BASELINE, CASES, Case
from benchmarks.contest import Contest
from benchmarks.machine import Machine
from benchmarks.prepare import HERE
from benchmarks.roster import PEERS, Peer
from benchmarks.server import LOAD_CORE, SERVER_CORE

RESULTS = HERE / "results"


def main() -> None:
    options = arguments()
    if not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        sys.exit("The benchmarks need two cores: one for the server, one for the load.")
    os.sched_setaffinity(0, {LOAD_CORE})
    cases, peers = chosen_cases(options), chosen_peers(options)
    if (obstacle := load.raise_descriptor_limit()) and any(case.kind == "idle" for case in cases):
        sys.exit(f"The idle connections cannot be opened: {obstacle}.")

    machine = Machine.look(options.seconds, options.rounds)
    for warning in machine.warnings():
        say(f"Warning: {warning}")
    say(f"{len(cases)} cases, {len(peers)} peers, {options.rounds} rounds of {options.seconds} s")
    started = time.monotonic()
    scores = Contest(peers, options.seconds, options.rounds, say).run(cases)
    say(f"Done in {(time.monotonic() - started) / 60:.1f} minutes.")

    whole = not (options.quick or options.only or options.peers)
    folder = options.output or (RESULTS if whole else RESULTS / "partial")
    folder.mkdir(parents=True, exist_ok=True)
    run = report.Run(machine, cases, peers, scores)
    (folder / "bench.json").write_text(report.as_json(run))
    (folder / "bench.md").write_text(report.as_markdown(run))
    picture.draw(run, folder / "bench.svg")
    say(f"Written: {folder}/bench.md, bench.json, bench.svg")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", type=names, metavar="CASE,...", help="these cases: " + ", ".join(c.name for c in CASES)
    )
    parser.add_argument(
        "--peers", type=names, metavar="PEER,...", help="these peers: " + ", ".join(p.name for p in PEERS)
    )
    parser.add_argument("--seconds", type=int, default=3, help="of load for a sample (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="samples, of which the median counts (default: %(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="a first look: fewer cases, one round of one second")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="where to write (default: benchmarks/results; partial/ in it for a part)",
    )
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds = 1, 1
    if options.seconds < 1 or options.rounds < 1:
        parser.error("--seconds and --rounds are at least 1")
    for given, known in ((options.only, CASES), (options.peers, PEERS)):
        if unknown := (given or set()) - {item.name for item in known}:
            parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


def names(text: str) -> set[str]:
    return set(filter(None, text.split(",")))


def chosen_cases(options: argparse.Namespace) -> list[Case]:
    """The baseline is always included, because the ratios need it."""
    if options.only:
        return [case for case in CASES if case.name in options.only | {BASELINE}]
    return [case for case in CASES if case.quick or not options.quick]


def chosen_peers(options: argparse.Namespace) -> list[Peer]:
    """The ceiling is always included; a peer that is not installed is reported and left out."""
    wanted = [peer for peer in PEERS if not options.peers or peer.name in options.peers | {"ceiling"}]
    for peer in wanted:
        if not peer.version():
            say(f"Warning: {peer.name} is not installed, or cannot be imported, and is left out.")
    return [peer for peer in wanted if peer.version()]


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
