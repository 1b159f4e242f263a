"""Runs every attack, each on a new server, while a second client sends requests.

The exit status is 1 if the server did not withstand one of them.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from benchmarks.attacks import report
from benchmarks.attacks.roster import ATTACKS, Attack, Tool
from benchmarks.attacks.trial import LOAD_CORE, SERVER_CORE, Result, attempt
from benchmarks.attacks.workers import SlowHttpTest
from benchmarks.prepare import HERE, make_files

RESULTS = HERE / "results"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    options = parse(arguments)
    if not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        sys.exit("The attacks need two cores: one for the server, one for everybody else.")
    os.sched_setaffinity(0, {LOAD_CORE})
    make_files()
    where = report.machine()
    for warning in report.warnings(where):
        say(f"Warning: {warning}")
    results: list[Result] = []
    started = time.monotonic()
    for attack in chosen(options.only):
        results.append(attempt(attack, options.alone))
        say("  ".join(filter(None, report.main_row(results[-1]))))
    say(f"Done in {(time.monotonic() - started) / 60:.1f} minutes.")
    folder = options.output or (RESULTS / "partial" if options.only else RESULTS)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "attacks.json").write_text(report.as_json(where, results))
    (folder / "attacks.md").write_text(report.as_markdown(where, results))
    say(f"Written: {folder}/attacks.md, attacks.json")
    sys.exit(any(fault for result in results for fault in result.faults()))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks attacks", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--only", type=split, metavar="TEXT,...", help="attacks whose name has one of these in it")
    parser.add_argument(
        "--alone", type=float, default=5, help="seconds of the second client before an attack (default: %(default)s)"
    )
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where to write")
    parser.add_argument("--list", action="store_true", help="list the attacks, and exit")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(f"{attack.name}: {attack.what}" for attack in ATTACKS))
        parser.exit()
    return options


def split(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def chosen(only: list[str] | None) -> list[Attack]:
    """The selected attacks, without those whose tool is missing, which is reported."""
    wanted = [attack for attack in ATTACKS if not only or any(part in attack.name for part in only)]
    if not SlowHttpTest.is_installed() and any(isinstance(attack.assault, Tool) for attack in wanted):
        say("Warning: slowhttptest is not installed (apt-get install slowhttptest), and its modes are left out.")
        wanted = [attack for attack in wanted if not isinstance(attack.assault, Tool)]
    return wanted


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
