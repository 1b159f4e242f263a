"""The charts and tables of figures on the pages are those of the files of results."""

import re
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
TITLE = "Plain text, 13 bytes, 64 connections"

TEXT = """Measured on 2026-11-22 14:56 UTC: x86_64, 2 cores, Linux,
CPython 3.11.7, commit `86de271`;

### Other

| peer | CPU µs/request |
|---|---:|
| A | 1 |

### Plain text

| peer | requests/s | CPU µs/request |
|---|---:|---:|
| B on granian. Without middleware. | 50 | 20.0 |
| **Ropewalk**, `Site` on the epoll reactor | 200 | 5.00 |
| **Ropewalk**, command line | 180 | 5.50 |
| C | 9 | 110 |

### Another

| peer | CPU µs/request |
|---|---:|
| D | 1 |
"""


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The extension of Sphinx that draws the charts."""
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(ROOT / "docs" / "_extensions")
    monkeypatch.delitem(sys.modules, "ropewalk_figures", raising=False)
    import ropewalk_figures  # type: ignore[import-not-found]

    module: ModuleType = ropewalk_figures
    return module


def test_a_table_is_read(extension: ModuleType) -> None:
    run = extension.read_run(TEXT, "Plain text")
    assert (run.date, run.commit) == ("2026-11-22", "86de271")
    assert [(each.server, each.cpu) for each in extension.chosen(run)] == [
        ("Ropewalk", 5.0),
        ("B on granian", 20.0),
        ("C", 110.0),
    ]
    assert [each.server for each in extension.chosen(run, "C")] == ["Ropewalk", "B on granian"]


def test_a_missing_table_is_an_error(extension: ModuleType) -> None:
    with pytest.raises(LookupError, match="no table 'Plain'"):
        extension.read_run(TEXT, "Plain")


def test_undated_figures_are_an_error(extension: ModuleType) -> None:
    with pytest.raises(LookupError, match="when they were measured"):
        extension.read_run(TEXT.replace("Measured on", "From"), "Plain text")


def test_bars_have_the_lengths_of_their_figures(extension: ModuleType) -> None:
    figures = extension.chosen(extension.read_run(TEXT, "Plain text"))
    drawing = ET.fromstring(extension.draw(figures))
    lengths = [float(bar.attrib["width"]) for bar in drawing.iter("rect")]
    assert lengths == pytest.approx([lengths[2] * each.cpu / 110 for each in figures], abs=0.06)
    assert "Ropewalk 5 µs, B on granian 20 µs, C 110 µs" in drawing.attrib["aria-label"]


def charts() -> list[tuple[str, str, str]]:
    """The file, the part that is left out, and the table of each chart of the front page."""
    page = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    return re.findall(r"```{cpu-chart} (\S+)\n(?::caption: .*\n)(?::leave-out: (.*)\n)?\n(.+)\n```", page)


def test_the_front_page_shows_charts() -> None:
    assert len(charts()) == 2


@pytest.mark.parametrize(("file", "left_out", "title"), charts())
def test_what_a_chart_shows(extension: ModuleType, file: str, left_out: str, title: str) -> None:
    """Only servers that are much slower than the others may be left out, because their bars would hide the others."""
    run = extension.read_run((RESULTS / file).read_text(encoding="utf-8"), title)
    shown = extension.chosen(run, left_out)
    assert len(shown) > 5
    hidden = [each.cpu for each in run.figures if each.server == left_out]
    assert hidden, "the server that is left out is not in the results"
    assert min(hidden) > max(each.cpu for each in shown)


def test_the_table_of_the_readme_is_that_of_the_results(extension: ModuleType) -> None:
    text = (RESULTS / "bench.md").read_text(encoding="utf-8")
    table = text.split(f"### {TITLE}\n")[1].split("\n### ")[0]
    rows = [[cell.strip() for cell in row.split("|")] for row in re.findall(r"(?m)^\| (?!peer)(.*) \|$", table)]
    expected = "".join(f"| {row[0]} | {row[3]} | {row[4]} |\n" for row in rows)
    run = extension.read_run(text, TITLE)
    readme = (ROOT / "README.md").read_text(encoding="utf-8").split("## Performance\n")[1].split("\n## ")[0]
    assert expected in readme, f"replace the table of README.md by:\n{expected}"
    assert run.commit in readme, f"name the commit {run.commit} in README.md"
    assert run.date in readme, f"name the day {run.date} in README.md"


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
@pytest.mark.parametrize(
    ("file", "row", "unit"),
    [
        ("rest.md", "validated POST, typed: times FastAPI on uvicorn", ""),
        ("rest.md", "validated POST, typed: times the next, sanic", ""),
        ("bench.md", "memory per idle keep-alive connection", " KiB"),
    ],
)
def test_figures_in_the_text_of_the_readme(page: str, file: str, row: str, unit: str) -> None:
    """The text rounds ratios to one digit after the point."""
    text = (RESULTS / file).read_text(encoding="utf-8")
    measured = re.search(rf"(?m)^\| {re.escape(row)} \| ([\d.]+)", text)
    assert measured, f"{file} has no row {row!r}"
    figure = f"{measured[1]}{unit}" if unit else f"{float(measured[1]):.1f}"
    assert figure in (ROOT / page).read_text(encoding="utf-8"), f"{row!r} is {measured[1]} in {file}: correct {page}"


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_run_that_the_readme_names(page: str) -> None:
    text = (RESULTS / "rest.md").read_text(encoding="utf-8")
    commit = re.search(r"commit `(\S+)`", text)
    assert commit
    assert f"`{commit[1]}`" in (ROOT / page).read_text(encoding="utf-8"), f"name the commit of rest.md in {page}"
