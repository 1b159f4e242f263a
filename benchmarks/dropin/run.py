"""Runs programs unchanged and on the engine, and compares them."""

import argparse

from benchmarks import command
from benchmarks.command import Length, say
from benchmarks.contest import Contest
from benchmarks.dropin import report
from benchmarks.dropin.certificate import make_certificate
from benchmarks.dropin.report import Result
from benchmarks.dropin.roster import RACES, Race


def main() -> None:
    options = arguments()
    command.move_to_load_core()
    make_certificate()
    machine = command.look_at_machine(options)
    races = [race for race in RACES if not options.only or race.name in options.only]
    with command.timed():
        results = [run(race, options.seconds, options.rounds) for race in races]
    files = {"dropin.md": report.as_markdown(machine, results), "dropin.json": report.as_json(machine, results)}
    command.write_results(options.output, files, whole=not (options.only or options.quick))


def run(race: Race, seconds: int, rounds: int) -> Result:
    result = Result(race, Contest(race.peers, seconds, rounds, say).run([race.case])[race.name])
    for peer in race.ours:
        if (times := result.times(peer)) is not None:
            say(f"  {peer.name:16} {times:.2f} times: {result.verdict(peer)}")
    return result


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks dropin", description=__doc__)
    names = [race.name for race in RACES]
    return command.parse(parser, names, Length(3, 5), quick=Length(2, 2), quick_help="two rounds of two seconds")


if __name__ == "__main__":
    main()
