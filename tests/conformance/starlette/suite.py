"""Starlette's tests in an environment of their own, with our engine between client and application."""

import os
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import msgspec
from tests.conformance.fetching import environment, run
from tests.processes import ROOT

HERE = Path(__file__).parent
ENVIRONMENT = HERE / "environment.txt"
SOURCE = HERE / "source.txt"
LEFT_OUT = HERE / "left_out.toml"

ALONE = {
    "PYTHONPATH": str(HERE / "inside"),
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # otherwise pytest would load our own plugins, which are importable there
}

OF_THE_CLIENT = ("--ignore", "tests/test_testclient.py")
"""Tests of Starlette's client, whose transport ours replaces. They do not test a server."""

SECONDS = 110
"""The timeout of the tests."""


class Outcome(msgspec.Struct):
    """The result of a test, and how many requests it sent to the engine."""

    result: Literal["passed", "failed", "skipped"]
    detail: str = ""
    requests: int = 0


class LeftOut(msgspec.Struct, rename="kebab", forbid_unknown_fields=True):
    """Tests that do not pass, for one reason. `left_out.toml` explains the kinds."""

    kind: Literal["rule", "client", "extension", "platform"]
    reason: str
    tests: list[str]
    only_as_root: bool = False


Report = dict[str, Outcome]
"""The outcomes, by the name of the test in pytest, without the folder."""


def left_out() -> dict[str, str]:
    """The reasons, by test."""
    groups = msgspec.toml.decode(LEFT_OUT.read_bytes(), type=dict[Literal["left-out"], list[LeftOut]])["left-out"]
    return {test: it.reason for it in groups if os.geteuid() == 0 or not it.only_as_root for test in it.tests}


def surprises(report: Report) -> dict[str, str]:
    """Results that differ from the list, of the tests that use the engine."""
    expected = left_out()
    wrong = dict.fromkeys(expected, "is in left_out.toml, and does not use the engine")
    for test, outcome in report.items():
        if outcome.requests:
            wrong.pop(test, None)
            if test in expected and outcome.result == "passed":
                wrong[test] = "passed, and is in left_out.toml"
            elif test not in expected and outcome.result != "passed":
                wrong[test] = f"{outcome.result}\n{outcome.detail}"
    return wrong


def outcomes() -> Report:
    """Run the tests. Raises UnreachableError if they cannot be fetched."""
    folder = environment("starlette", ENVIRONMENT, SOURCE, complete=_complete)
    with TemporaryDirectory() as name:
        path = Path(name) / "report.json"
        # Native tracebacks: pytest's own read source files, which some versions of Python cannot do in several threads.
        options = ["--quiet", "--tb=native", "-p", "no:cacheprovider", "-p", "anyio", "-p", "plugin"]
        ended = subprocess.run(
            [folder / "bin" / "python", "-m", "pytest", *options, *OF_THE_CLIENT, "--report", path, "tests"],
            cwd=folder / "suite",
            env=os.environ | ALONE,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert ended.returncode in (0, 1), ended.stdout + ended.stderr
        report = msgspec.json.decode(path.read_bytes(), type=Report)
    return {test.removeprefix("tests/"): outcome for test, outcome in report.items()}


def _complete(folder: Path) -> None:
    """Add Ropewalk, its dependencies and the tests to a new environment."""
    (packages,) = (folder / "lib").glob("python3.*/site-packages")
    (packages / "ropewalk.pth").write_text(f"{ROOT / 'src'}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    _fetch(folder / "suite")


def _fetch(suite: Path) -> None:
    """Download the tests, and the settings with which they run."""
    with TemporaryDirectory() as folder:
        options = ("--quiet", "--no-deps", "--no-binary", "starlette", "--require-hashes", "--dest", folder)
        run("-m", "pip", "download", *options, "--requirement", SOURCE)
        (package,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(package) as archive:
            archive.extractall(folder, filter="data")
        unpacked = package.with_name(package.name.removesuffix(".tar.gz"))
        suite.mkdir()
        for wanted in ("tests", "pyproject.toml"):
            (unpacked / wanted).rename(suite / wanted)


if __name__ == "__main__":
    report = outcomes()
    for test, what in surprises(report).items():
        lines = what.strip().splitlines()
        sys.stdout.write(f"{test}: {lines[0]} {lines[-1] if len(lines) > 1 else ''}\n")
    ours = [outcome for outcome in report.values() if outcome.requests]
    passed = sum(outcome.result == "passed" for outcome in ours)
    requests = sum(outcome.requests for outcome in ours)
    sys.stdout.write(f"{len(report)} tests; {len(ours)} come by the engine, by {requests} requests; {passed} pass\n")
