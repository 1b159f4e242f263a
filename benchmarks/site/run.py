"""Compares the parts that a web site is made of with other frameworks, and with the same app without them."""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Final

from benchmarks.machine import Machine
from benchmarks.prepare import HERE
from benchmarks.rest.run import run, say, split
from benchmarks.server import LOAD_CORE, SERVER_CORE
from benchmarks.site import report
from benchmarks.site.claims import Figures, claims
from benchmarks.site.roster import COMPARISONS

RESULTS: Final = HERE / "results"
NAMES: Final = tuple(each.name for each in COMPARISONS)


def main() -> None:
    options = arguments()
    if not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        sys.exit("The benchmarks need two cores: one for the server, one for the load.")
    os.sched_setaffinity(0, {LOAD_CORE})
    machine = Machine.look(options.seconds, options.rounds)
    for warning in machine.warnings():
        say(f"Warning: {warning}")
    started = time.monotonic()
    comparisons = [each for each in COMPARISONS if not options.only or each.name in options.only]
    figures = Figures({each.name: run(each, options.seconds, options.rounds) for each in comparisons})
    for claim in claims(figures):
        say(f"{claim.what}: {claim.measured} (required {claim.least}, aim {claim.aim}): {claim.verdict}")
    say(f"Done in {(time.monotonic() - started) / 60:.1f} minutes.")

    folder = options.output or (RESULTS / "partial" if options.only or options.quick else RESULTS)
    folder.mkdir(parents=True, exist_ok=True)
    finished = report.Run(machine, comparisons, figures)
    (folder / "site.json").write_text(report.as_json(finished))
    (folder / "site.md").write_text(report.as_markdown(finished))
    say(f"Written: {folder}/site.md, site.json")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks site", description=__doc__)
    parser.add_argument("--only", type=split, metavar="NAME,...", help=f"these: {', '.join(NAMES)}")
    parser.add_argument("--seconds", type=int, default=2, help="of load for a sample (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="samples, of which the median counts (default: %(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="a first look: one round of one second")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where to write")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds = 1, 1
    if options.seconds < 1 or options.rounds < 1:
        parser.error("--seconds and --rounds are at least 1")
    if unknown := (options.only or set()) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    main()
