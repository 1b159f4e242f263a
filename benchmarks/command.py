"""The options, the preparation and the output that are common to the commands that compare servers."""

import argparse
import os
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.claims import Claim
from benchmarks.machine import Machine
from benchmarks.prepare import HERE
from benchmarks.server import LOAD_CORE, SERVER_CORE

RESULTS: Final = HERE / "results"


@dataclass(frozen=True, slots=True)
class Length:
    """How much is measured: the seconds of load of each sample, and the number of samples."""

    seconds: int
    rounds: int


def parse(
    parser: argparse.ArgumentParser, names: Collection[str], usual: Length, quick: Length, quick_help: str
) -> argparse.Namespace:
    """Add the common options to `parser` and parse the command line. Wrong values end the program with status 2.

    `names` are the values that --only accepts. --quick replaces the length of the run by `quick`.
    """
    parser.add_argument("--only", type=split, metavar="NAME,...", help=f"these: {', '.join(names)}")
    parser.add_argument(
        "--seconds", type=int, default=usual.seconds, help="of load for a sample (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=usual.rounds, help="samples, of which the median counts (default: %(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help=f"a first look: {quick_help}")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="where to write (default: benchmarks/results; partial/ in it for a part)",
    )
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds = quick.seconds, quick.rounds
    if options.seconds < 1 or options.rounds < 1:
        parser.error("--seconds and --rounds are at least 1")
    refuse_unknown(parser, options.only, names)
    return options


def refuse_unknown(parser: argparse.ArgumentParser, given: set[str] | None, names: Iterable[str]) -> None:
    if unknown := (given or set()) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")


def split(text: str) -> set[str]:
    return set(filter(None, text.split(",")))


def say(line: str) -> None:
    print(line, flush=True)


def move_to_load_core() -> None:
    """Run this process on the core of the load, so that the server has the other core to itself."""
    if not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        sys.exit("The benchmarks need two cores: one for the server, one for the load.")
    os.sched_setaffinity(0, {LOAD_CORE})


def look_at_machine(options: argparse.Namespace) -> Machine:
    """Record the state of the machine before the first load, and print a warning if it spoils the figures."""
    machine = Machine.look(options.seconds, options.rounds)
    for warning in machine.warnings():
        say(f"Warning: {warning}")
    return machine


@contextmanager
def timed() -> Iterator[None]:
    """Print the minutes that the block took."""
    started = time.monotonic()
    yield
    say(f"Done in {(time.monotonic() - started) / 60:.1f} minutes.")


def say_claims(claims: Iterable[Claim]) -> None:
    for claim in claims:
        say(f"{claim.what}: {claim.measured} (required {claim.least}, aim {claim.aim}): {claim.verdict}")


def write_results(output: Path | None, files: Mapping[str, str], *, whole: bool) -> None:
    """Write the files to `output`. Without it, only a whole run replaces the published results."""
    folder = output or (RESULTS if whole else RESULTS / "partial")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    say(f"Written: {folder}/{', '.join(files)}")
