"""Compares Ropewalk with its peers on this machine, in one run."""

import argparse
import sys

from benchmarks import command, load, picture, report
from benchmarks.cases import BASELINE, CASES, Case
from benchmarks.command import Length, say
from benchmarks.contest import Contest
from benchmarks.roster import PEERS, Peer


def main() -> None:
    options = arguments()
    command.move_to_load_core()
    cases, peers = chosen_cases(options), chosen_peers(options)
    if (obstacle := load.raise_descriptor_limit()) and any(case.kind == "idle" for case in cases):
        sys.exit(f"The idle connections cannot be opened: {obstacle}.")

    machine = command.look_at_machine(options)
    say(f"{len(cases)} cases, {len(peers)} peers, {options.rounds} rounds of {options.seconds} s")
    with command.timed():
        scores = Contest(peers, options.seconds, options.rounds, say).run(cases)

    run = report.Run(machine, cases, peers, scores)
    files = {"bench.md": report.as_markdown(run), "bench.json": report.as_json(run), "bench.svg": picture.as_svg(run)}
    command.write_results(options.output, files, whole=not (options.quick or options.only or options.peers))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    peers = [peer.name for peer in PEERS]
    parser.add_argument("--peers", type=command.split, metavar="PEER,...", help="these peers: " + ", ".join(peers))
    cases = [case.name for case in CASES]
    quick_help = "fewer cases, one round of one second"
    options = command.parse(parser, cases, Length(3, 3), quick=Length(1, 1), quick_help=quick_help)
    command.refuse_unknown(parser, options.peers, peers)
    return options


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


if __name__ == "__main__":
    main()
