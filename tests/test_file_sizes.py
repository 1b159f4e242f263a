"""Files are small enough to be read as a whole."""

from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "ropewalk"

MOST_LINES = 500
MOST_LINES_OF_THE_MEDIAN = 150

LONGER = {"src/ropewalk/_engine.pyi": "a stub describes one module, and the native module is one"}
"""Files that may be longer, with the reason why they are not split."""

FILES = sorted(
    file
    for folder in ("src", "tests", "engine", "binding", "fuzz", "examples", "benchmarks", "interop")
    for file in ROOT.joinpath(folder).rglob("*")
    if file.suffix in (".py", ".pyi", ".rs")
    and "target" not in file.parts
    and not any(part.startswith(".") for part in file.relative_to(ROOT).parts)
)

PACKAGES = sorted({file.parent for file in FILES if PACKAGE in file.parents})


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lines_of(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def test_long_files_are_listed() -> None:
    long = {name_of(file) for file in FILES if lines_of(file) > MOST_LINES}
    assert long - set(LONGER) == set(), f"split these files by concept: they have more than {MOST_LINES} lines"
    assert set(LONGER) - long == set(), "remove these files from LONGER"


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_most_files_of_a_package_are_short(package: Path) -> None:
    sizes = [lines_of(file) for file in package.glob("*.py")]
    assert median(sizes) <= MOST_LINES_OF_THE_MEDIAN
