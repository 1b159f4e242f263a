"""Runs Twisted's tests and prints unlisted results: `python -m tests.conformance.twisted_web [CONFIGURATION...]`.

With `--list`, it writes every test of Twisted to `tests.txt`.
"""

import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conformance.twisted_web.judging import surprises
from tests.conformance.twisted_web.listing import CONFIGURATIONS, everything, left_out, names, write_everything
from tests.conformance.twisted_web.running import run


def main(*arguments: str) -> None:
    """Print a line for each test with an unexpected result."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        if "--list" in arguments:
            write_everything(run("twisted", folder))
        listed = [test for tests in everything().values() for test in tests]
        for configuration in [name for name in arguments if name in CONFIGURATIONS] or CONFIGURATIONS:
            report = run(configuration, folder)
            for test, what in surprises(report, listed, names(left_out(configuration))).items():
                lines = what.strip().splitlines()
                print(f"{configuration} {test}: {lines[0]} {lines[-1] if len(lines) > 1 else ''}")
            print(configuration, dict(Counter(outcome.result for outcome in report.values())))


if __name__ == "__main__":
    main(*sys.argv[1:])
