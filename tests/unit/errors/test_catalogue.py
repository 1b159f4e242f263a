"""The catalogue of error codes."""

import re

import pytest

from ropewalk.errors import (
    CATALOGUE,
)


class TestCatalogue:
    def test_codes_are_in_order(self) -> None:
        assert list(CATALOGUE) == sorted(CATALOGUE)

    @pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
    def test_every_entry_is_of_sentences(self, entry: object) -> None:
        for text in (entry.summary, entry.remedy):  # type: ignore[attr-defined]
            assert re.fullmatch(r"[A-Z`].*\.", text)
