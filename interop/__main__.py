"""`python -m interop [PROGRAM ...]`: run the suites of these programs, or of all, and write the results."""

import argparse
import sys

from interop.environment import Environment
from interop.outcomes import Comparison, all_pass
from interop.program import Program, programs
from interop.report import Result, SuiteResult, result_of, result_of_suite, save, write_page
from interop.running import run


def main(arguments: list[str]) -> int:
    """Return the exit code: 1 if a test passes on Twisted and fails on Ropewalk, without a known reason."""
    known = programs()
    parser = argparse.ArgumentParser(prog="python -m interop", description=__doc__)
    parser.add_argument("program", nargs="*", help=f"{', '.join(known)}; twisted stands for all of its versions")
    parser.add_argument(
        "--suite", metavar="WORDS", help="only suites with these words in their titles; nothing is saved"
    )
    options = parser.parse_args(arguments)
    wanted = {word: [name for name in known if name == word or name.startswith(f"{word}_")] for word in options.program}
    if unknown := [word for word, names in wanted.items() if not names]:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    good = True
    for name in [name for names in wanted.values() for name in names] or known:
        result = compare(known[name], options.suite or "")
        good &= result.good
        if not options.suite:
            save(name, result)
    if not options.suite:
        write_page()
    return 0 if good else 1


def compare(program: Program, words: str) -> Result:
    """Run the suites of a program on Twisted and on Ropewalk."""
    environment = Environment(program)
    environment.prepare()
    results = []
    for suite in program.suites:
        if words in suite.title:
            ropewalk, connections = run(suite, environment, "stock" if suite.ours else "ropewalk")
            stock = all_pass(ropewalk) if suite.ours else run(suite, environment, "stock")[0]
            results.append(result_of_suite(suite, Comparison(stock, ropewalk, suite.left_out), connections))
            tell(program, results[-1])
    return result_of(program, results)


def tell(program: Program, suite: SuiteResult) -> None:
    print(f"{program.name} {program.version}, {suite.title}: {suite.tests} tests, ", end="")
    if suite.connections is None:
        print(f"{suite.ropewalk} pass", flush=True)
    else:
        print(f"{suite.stock} pass on Twisted as it is, ", end="")
        print(f"{suite.ropewalk} with Ropewalk under it, which had {suite.connections} connections", flush=True)
    for name in suite.lost:
        print(f"  lost: {name}")
    for reason, number in suite.left_out.items():
        print(f"  left out: {number}. {reason}")
    for name in suite.mistaken:
        print(f"  passes, though it is said not to: {name}")
    for name in suite.gained:
        print(f"  gained: {name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
