"""Compares the parts that a web site is made of with other frameworks, and with the same app without them."""

import argparse
from typing import Final

from benchmarks import command
from benchmarks.command import Length, say
from benchmarks.contest import Contest
from benchmarks.site import report
from benchmarks.site.claims import Figures, claims
from benchmarks.site.roster import COMPARISONS

NAMES: Final = tuple(each.name for each in COMPARISONS)


def main() -> None:
    options = arguments()
    command.move_to_load_core()
    machine = command.look_at_machine(options)
    comparisons = [each for each in COMPARISONS if not options.only or each.name in options.only]
    scores = {}
    with command.timed():
        for each in comparisons:
            say(f"# {each.title}")
            scores[each.name] = Contest(each.peers, options.seconds, options.rounds, say).run(each.cases)
        figures = Figures(scores)
        command.say_claims(claims(figures))
    run = report.Run(machine, comparisons, figures)
    files = {"site.md": report.as_markdown(run), "site.json": report.as_json(run)}
    command.write_results(options.output, files, whole=not (options.only or options.quick))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks site", description=__doc__)
    return command.parse(parser, NAMES, Length(2, 3), quick=Length(1, 1), quick_help="one round of one second")


if __name__ == "__main__":
    main()
