"""The documentation shows every difference, and the versions that are compared."""

import re
from importlib.metadata import version

import pytest
from tests.conformance.corpus import REQUIREMENT
from tests.conformance.differences import CORPUS
from tests.conformance.linting import REQUIREMENTS
from tests.conformance.messages import one_by_one
from tests.conformance.tables import tables
from tests.conformance.test_redbot import PLACES
from tests.processes import ROOT

PAGE = (ROOT / "docs" / "explanation" / "conformance.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.partition("|")[2].partition("|")[0].strip())
def test_tables(table: str) -> None:
    """The page has each table as `python -m tests.conformance.tables` prints it."""
    assert [row for row in table.splitlines() if row not in PAGE] == []
    assert table in PAGE


def test_versions() -> None:
    locked = re.findall(
        r"^((?:gunicorn|redbot)==\S+)", REQUIREMENT.read_text() + REQUIREMENTS.read_text(), re.MULTILINE
    )
    versions = [*locked, *(f"{name}=={version(name)}" for name in ("h11", "httptools"))]
    assert len(versions) == 4
    assert [it for it in versions if it.replace("==", " ") not in PAGE] == []


def test_counts() -> None:
    listed = [file for it in CORPUS for file in it.files]
    valid, invalid = (sum(file.startswith(kind) for file in listed) for kind in ("valid/", "invalid/"))
    assert f"62 valid ones: {62 - valid} accepted as expected, {valid} listed below" in PAGE
    assert f"81 invalid ones: {81 - invalid} refused, {invalid} listed below" in PAGE
    assert f"{len(PLACES)} URLs" in PAGE
    assert f"each of {len(list(one_by_one()))} valid and invalid parts" in PAGE
