"""The environments in which the suites of other projects run."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.conformance import fetching
from tests.conformance.fetching import environment


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "CACHE", tmp_path / "cache")
    # The interpreter that uv would choose if `fetching` did not name one.
    first = tmp_path / "bin"
    first.mkdir()
    (first / "python3").write_text("#!/bin/sh\nexit 1\n")
    (first / "python3").chmod(0o755)
    monkeypatch.setenv("PATH", str(first))


def test_the_interpreter_is_that_of_the_tests(tmp_path: Path) -> None:
    """An environment must have the interpreter of the tests, because no other interpreter can import the engine."""
    lock = tmp_path / "lock.txt"
    lock.write_text("")
    python = environment("some", lock) / "bin" / "python"
    shown = subprocess.run([python, "-c", "import sys; print(sys.version)"], capture_output=True, text=True, check=True)
    assert shown.stdout == f"{sys.version}\n"


def test_it_is_made_once_for_a_python_and_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    completed: list[Path] = []
    commands: list[tuple[object, ...]] = []

    def run(*command: object) -> None:
        commands.append(command)
        if command[2] == "venv":
            Path(str(command[-1])).mkdir(parents=True)

    monkeypatch.setattr(fetching, "run", run)
    lock, source = tmp_path / "lock.txt", tmp_path / "source.txt"
    lock.write_text("one")
    source.write_text("two")
    folder = environment("some", lock, source, complete=completed.append)
    assert environment("some", lock, source, complete=completed.append) == folder
    assert completed == [folder]
    assert all(("--python", sys.executable) == command[-3:-1] for command in commands if command[2] == "venv")
    source.write_text("three")
    other = environment("some", lock, source, complete=completed.append)
    monkeypatch.setattr(sys, "version", "4.0")
    third = environment("some", lock, source, complete=completed.append)
    assert completed == [folder, other, third]
    assert len({folder, other, third}) == 3
