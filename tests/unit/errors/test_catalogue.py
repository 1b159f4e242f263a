"""The catalogue of error codes."""

import re
from importlib import import_module
from itertools import pairwise

import pytest
from tests.processes import ROOT

from ropewalk.errors import CATALOGUE, SUBJECTS, Entry, page_of
from ropewalk.errors.links import PAGE


class TestCatalogue:
    def test_codes_are_in_order(self) -> None:
        for before, after in pairwise(CATALOGUE):
            assert before < after, f"move {after} in errors/catalogue: it stands after {before}"

    def test_every_code_has_a_subject(self) -> None:
        assert {code[:3] for code in CATALOGUE} == set(SUBJECTS)
        page = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
        assert re.findall(r"(?m)^\| (RW\d)\.\. \| (.*) \|$", page) == list(SUBJECTS.items())

    @pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
    def test_every_code_has_an_anchor_and_both_texts_in_the_reference(
        self, entry: Entry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("sphinx")
        monkeypatch.syspath_prepend(str(ROOT / "docs" / "_extensions"))
        lines = import_module("ropewalk_tables").entry_lines(entry)
        address = page_of(entry.code)
        anchor = f"{PAGE}#{entry.code.lower()}" if address is None else address
        assert lines[:2] == [f"({anchor.rpartition('#')[2]})=", f"### {entry.code}"]
        assert entry.summary in lines
        assert any(line.startswith("**Remedy:** ") for line in lines)

    @pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
    def test_every_entry_is_of_sentences(self, entry: Entry) -> None:
        for text in (entry.summary, entry.remedy):
            rule = f"begin {text!r} of {entry.code} with a capital letter or `, and end it with a full stop"
            assert re.fullmatch(r"[A-Z`].*\.", text), rule
