"""The catalogue of error codes."""

import re
from itertools import pairwise

import pytest

from ropewalk.errors import CATALOGUE, Entry


class TestCatalogue:
    def test_codes_are_in_order(self) -> None:
        for before, after in pairwise(CATALOGUE):
            assert before < after, f"move {after} in errors/catalogue: it stands after {before}"

    @pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
    def test_every_entry_is_of_sentences(self, entry: Entry) -> None:
        for text in (entry.summary, entry.remedy):
            rule = f"begin {text!r} of {entry.code} with a capital letter or `, and end it with a full stop"
            assert re.fullmatch(r"[A-Z`].*\.", text), rule
