"""Fixtures for the tests of the command line."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.cli.checking import HELLO, Check

from ropewalk.cli import main


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder on the import path.

    Modules that were imported from it are removed from `sys.modules` afterwards.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "hello", raising=False)  # other tests have imported an example with this name
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def check(project: Path) -> Check:
    """`ropewalk check` in a folder where there is a hello.py."""
    (project / "hello.py").write_text(HELLO)

    def run(*arguments: str, environment: dict[str, str] | None = None) -> Result:
        return CliRunner().invoke(main, ["check", *arguments], env={"COLUMNS": "200"} | (environment or {}))

    return run
