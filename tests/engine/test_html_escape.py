"""`HTMLEscape`: the same text as `markupsafe.escape`."""

from datetime import date
from decimal import Decimal
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from ropewalk._engine import HTMLEscape

escaped = HTMLEscape(escape)


class Floor(IntEnum):
    """An int that is shown as a text."""

    FIRST = 1


class Named(str):
    """A str with another text."""

    def __str__(self) -> str:
        return "<named>"

    def __html__(self) -> str:
        return "<b>named</b>"


@given(st.text("ab&<>'\"é日\0", max_size=40))
def test_any_text(text: str) -> None:
    assert escaped(text) == str(escape(text))


@pytest.mark.parametrize(
    "value",
    [
        *("", "&", "&amp;", "<a href='x'>\"", "é<", "\ud800", "<\ud800>"),
        *(0, -1, 10**30, 1.5, float("inf"), True, None, Decimal("1.50"), date(2027, 5, 14), Floor.FIRST),
        *(Markup("<b>"), Named("x"), ["<", "&"], b"<"),
    ],
    ids=repr,
)
def test_any_value(value: Any) -> None:
    assert str(escaped(value)) == str(escape(value))


def test_a_text_without_special_characters_is_not_copied() -> None:
    text = "a quiet room"
    assert escaped(text) is text


def test_an_error_of_a_value_is_raised() -> None:
    class Broken:
        def __html__(self) -> str:
            raise LookupError("no text")

    with pytest.raises(LookupError, match="no text"):
        escaped(Broken())
