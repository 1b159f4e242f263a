"""`ropewalk explain`: error codes without the documentation."""

import re

import pytest
from click.testing import CliRunner, Result

from ropewalk.cli import main
from ropewalk.errors import CATALOGUE, SUBJECTS, links, more_about


def explain(*codes: str) -> Result:
    return CliRunner().invoke(main, ["explain", *codes])


@pytest.mark.parametrize("written", ["RW213", "rw213", "213", "RW213:"])
def test_a_code(written: str) -> None:
    entry = CATALOGUE["RW213"]
    result = explain(written)
    assert (result.exit_code, result.output) == (0, f"RW213 {entry.summary}\nRemedy: {entry.remedy}\n")


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_code_is_printed_as_it_is(code: str) -> None:
    """Square brackets in a text are printed, not interpreted as markup."""
    assert explain(code).output == f"{code} {CATALOGUE[code].summary}\nRemedy: {CATALOGUE[code].remedy}\n"


def test_several() -> None:
    assert [line[:5] for line in explain("RW404", "RW101").output.splitlines()[::2]] == ["RW404", "RW101"]


def test_all() -> None:
    """All codes, below their subjects."""
    lines = explain().stdout.splitlines()
    assert [line.split(maxsplit=1) for line in lines if line.startswith(" ")] == [
        [code, CATALOGUE[code].summary] for code in sorted(CATALOGUE)
    ]
    assert [line for line in lines if not line.startswith(" ")] == [
        f"{start}.. {subject}" for start, subject in SUBJECTS.items()
    ]


def test_a_word() -> None:
    lines = explain("watchdog", "Dockerfile").output
    assert "There is no code 'watchdog', and no code mentions it." in lines
    found = explain("SQLite").stdout
    assert re.findall(r"(?m)^RW\d+", found) == [
        code for code, entry in CATALOGUE.items() if "sqlite" in f"{entry.summary} {entry.remedy}".lower()
    ]


@pytest.mark.parametrize("code", ["nonsense", "", "("])
def test_an_unknown_one(code: str) -> None:
    result = explain(code)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"There is no code {code!r}, and no code mentions it. `ropewalk explain` lists all codes.\n" in result.stderr


def test_a_similar_one_is_suggested_with_its_meaning() -> None:
    result = explain("RW2133")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Did you mean RW213 ({CATALOGUE['RW213'].summary.rstrip('.')})?" in result.stderr


def test_nothing_is_explained_where_one_is_unknown() -> None:
    result = explain("RW101", "nonsense")
    assert (result.exit_code, result.stdout) == (2, "")


def test_the_page_if_the_documentation_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "_documentation", lambda: "https://docs.example.com/")
    page = "https://docs.example.com/reference/errors.html#rw213"
    assert explain("RW213").stdout.splitlines()[-1] == f"Page: {page}"
    assert more_about("RW213") == f"More: ropewalk explain RW213 or {page}"
