"""Runs programs unchanged and on the engine, and compares them."""

import argparse
import os
import sys
import time
from pathlib import Path

from benchmarks.contest import Contest
from benchmarks.dropin import report
from benchmarks.dropin.certificate import make_certificate
from benchmarks.dropin.report import Result
from benchmarks.dropin.roster import RACES, Race
from benchmarks.machine import Machine
from benchmarks.prepare import HERE
from benchmarks.server import LOAD_CORE, SERVER_CORE

RESULTS = HERE / "results"


def main() -> None:
    options = arguments()
    if not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        sys.exit("The benchmarks need two cores: one for the server, one for the load.")
    os.sched_setaffinity(0, {LOAD_CORE})
    make_certificate()
    machine = Machine.look(options.seconds, options.rounds)
    for warning in machine.warnings():
        say(f"Warning: {warning}")
    started = time.monotonic()
    races = [race for race in RACES if not options.only or race.name in options.only]
    results = [run(race, options.seconds, options.rounds) for race in races]
    say(f"Done in {(time.monotonic() - started) / 60:.1f} minutes.")

    folder = options.output or (RESULTS / "partial" if options.only or options.quick else RESULTS)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dropin.json").write_text(report.as_json(machine, results))
    (folder / "dropin.md").write_text(report.as_markdown(machine, results))
    say(f"Written: {folder}/dropin.md, dropin.json")


def run(race: Race, seconds: int, rounds: int) -> Result:
    result = Result(race, Contest(race.peers, seconds, rounds, say).run([race.case])[race.name])
    for peer in race.ours:
        if (times := result.times(peer)) is not None:
            say(f"  {peer.name:16} {times:.2f} times: {result.verdict(peer)}")
    return result


def arguments() -> argparse.Namespace:
    names = [race.name for race in RACES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks dropin", description=__doc__)
    parser.add_argument("--only", type=split, metavar="RACE,...", help="these races: " + ", ".join(names))
    parser.add_argument("--seconds", type=int, default=3, help="of load for a sample (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=5, help="samples, of which the median counts (default: %(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="a first look: two rounds of two seconds")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where to write")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds = 2, 2
    if options.seconds < 1 or options.rounds < 1:
        parser.error("--seconds and --rounds are at least 1")
    if unknown := (options.only or set()) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


def split(text: str) -> set[str]:
    return set(filter(None, text.split(",")))


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
