"""Ropewalk's own tests that `make interop` runs: its environments have every package that these tests import."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from interop.environment import ROOT
from interop.program import Program, programs

OURS = [program for program in programs().values() if any(suite.ours for suite in program.suites)]
DISTRIBUTIONS = packages_distributions()


def test_there_are_some() -> None:
    assert len(OURS) == 3


@pytest.mark.parametrize("program", OURS, ids=lambda program: program.folder.name)
def test_they_are_locked(program: Program) -> None:
    lock = (program.folder / "requirements.txt").read_text()
    locked = {normalised(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    missing = {package for package in imported(program) if not locked & {*map(normalised, DISTRIBUTIONS[package])}}
    assert missing == set()


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(program: Program) -> set[str]:
    """The packages that the tests import when pytest collects them, apart from the standard library and ours."""
    files = [ROOT / "tests/conftest.py"]
    for suite in program.suites:
        for target in suite.targets if suite.ours else ():
            place = (program.folder / target).resolve()
            files += place.rglob("*.py") if place.is_dir() else [place]
            files += [folder / "conftest.py" for folder in place.parents if folder.is_relative_to(ROOT / "tests")]
    packages: set[str] = set()
    seen: set[Path] = set()
    while files:
        file = files.pop()
        if file in seen or not file.exists():
            continue
        seen.add(file)
        for module in modules(ast.parse(file.read_text()).body):
            top = module.partition(".")[0]
            if top in ("tests", "interop"):
                path = ROOT / module.replace(".", "/")
                files += [path.with_suffix(".py"), path / "__init__.py"]
            elif top != "ropewalk" and top not in sys.stdlib_module_names:
                packages.add(top)
    return packages


def modules(body: list[ast.stmt]) -> Iterator[str]:
    """The modules that the statements of a module import, apart from those only for type checkers."""
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from (each.name for each in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            assert statement.module is not None
            yield statement.module
            yield from (f"{statement.module}.{each.name}" for each in statement.names)
