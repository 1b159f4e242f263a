"""Runs a suite, on unchanged Twisted or on Ropewalk."""

import os
import re
import signal
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final, Literal

from interop.environment import ROOT, Environment
from interop.outcomes import Outcomes, of_pytest, of_trial
from interop.program import Suite

Under = Literal["stock", "ropewalk"]

HERE: Final = Path(__file__).resolve().parent
REPORTING: Final = HERE / "reporting"
UNDER: Final = HERE / "under"
SECONDS: Final = 900
SECONDS_TO_END: Final = 60


def run(suite: Suite, environment: Environment, under: Under) -> tuple[Outcomes, int]:
    """The outcomes, empty if the suite did not start its tests, and the number of connections of Ropewalk."""
    with TemporaryDirectory(prefix="interop-") as scratch:
        outcomes, connections = Path(scratch, "outcomes"), Path(scratch, "connections")
        files = {"INTEROP_OUTCOMES": str(outcomes), "INTEROP_CONNECTIONS": str(connections)}
        connections.touch()
        command = _command(suite, environment, outcomes)
        if under == "ropewalk" and not suite.by_itself:
            command = [environment.bin / "ropewalk", "exec", *command]
        variables = os.environ | _variables(suite, under, environment) | files
        log = environment.folder / f"{re.sub(r'[^a-z0-9]+', '-', suite.title.lower())}.{under}.log"
        with log.open("w") as output:
            _run(command, str(ROOT) if suite.ours else scratch, variables, output)
        read = of_trial if suite.runner == "trial" else of_pytest
        return read(outcomes) if outcomes.exists() else {}, connections.stat().st_size


def _run(command: list[str | Path], folder: str, variables: dict[str, str], output: IO[str]) -> None:
    """Wait until the process ends, or its time is over. Then it may still end its own processes."""
    with subprocess.Popen(command, cwd=folder, env=variables, stdout=output, stderr=subprocess.STDOUT) as process:
        for seconds, number in ((SECONDS, signal.SIGINT), (SECONDS_TO_END, signal.SIGKILL)):
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(number)


def _command(suite: Suite, environment: Environment, outcomes: Path) -> list[str | Path]:
    program = environment.bin / suite.runner
    if suite.runner == "trial":
        return [program, "--reporter=outcomes", *suite.options, *suite.targets]
    targets = [_place(target, environment) for target in suite.targets]
    return [program, "-q", "-p", "no:cacheprovider", f"--junit-xml={outcomes}", *suite.options, *targets]


def _place(target: str, environment: Environment) -> Path:
    """Return the path of a file of ours, or of the source package."""
    ours = environment.program.folder / target
    return ours if ours.exists() else environment.sources / target


def _variables(suite: Suite, under: Under, environment: Environment) -> dict[str, str]:
    # Not ROOT for trial: its package `tests` would hide that of the program.
    ours = environment.program.folder if suite.runner == "trial" else ROOT
    folders = [REPORTING, ours] if under == "stock" else [UNDER, REPORTING, ours]
    return {
        "PATH": f"{environment.bin}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "INTEROP_UNDER": under,
        "INTEROP_INSTALL": "" if suite.by_itself else "yes",
    }
