"""`ropewalk explain`: error codes without the documentation."""

import pytest
from click.testing import CliRunner, Result

from ropewalk.cli import main
from ropewalk.errors import CATALOGUE


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
    result = explain()
    assert result.exit_code == 0
    assert [line.split(maxsplit=1) for line in result.output.splitlines()] == [
        [code, CATALOGUE[code].summary] for code in sorted(CATALOGUE)
    ]


@pytest.mark.parametrize("code", ["RW2133", "nonsense"])
def test_an_unknown_one(code: str) -> None:
    result = explain(code)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"There is no code {code!r}. `ropewalk explain` lists all codes.\n" in result.stderr


def test_nothing_is_explained_where_one_is_unknown() -> None:
    result = explain("RW101", "nonsense")
    assert (result.exit_code, result.stdout) == (2, "")
