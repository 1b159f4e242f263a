"""The values that path parameters accept."""

from typing import Any
from uuid import UUID

import pytest

from ropewalk.converters import BUILT_IN, PATH, STR

CONVERTERS = {converter.name: converter for converter in BUILT_IN}


@pytest.mark.parametrize(
    ("name", "segment", "value"),
    [
        ("int", "0", 0),
        ("int", "-7", -7),
        ("int", "007", 7),
        ("float", "1.5", 1.5),
        ("float", "-2", -2.0),
        ("uuid", "12345678-1234-5678-1234-567812345678", UUID("12345678-1234-5678-1234-567812345678")),
        ("str", "a b", "a b"),
        ("path", "", ""),
        ("path", "a/b/", "a/b/"),
    ],
)
def test_what_fits(name: str, segment: str, value: Any) -> None:
    assert CONVERTERS[name].parse(segment) == value


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        *(("int", segment) for segment in ("", "-", "+1", " 1", "1_0", "1.0", "٣", "0x1", "9" * 20)),
        *(("float", segment) for segment in ("9" * 310, "-" + "1" * 5000, f"{'9' * 310}.5")),
        *(("float", segment) for segment in ("", ".", "1.", ".5", "1e5", "nan", "inf", "1_0", "٣")),
        *(("uuid", segment) for segment in ("", "12345678123456781234567812345678", "{}", "x" * 36)),
        ("str", ""),
    ],
)
def test_what_does_not_fit(name: str, segment: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any will do
        CONVERTERS[name].parse(segment)


def test_quoting() -> None:
    assert STR.quote("a+b c?") == "a+b%20c%3F"
    assert PATH.quote("a/b c?") == "a/b%20c%3F"
    assert CONVERTERS["int"].quote(5) == "5"


def test_quoting_what_would_not_be_matched() -> None:
    with pytest.raises(ValueError, match="not an integer"):
        CONVERTERS["int"].quote("x")
    with pytest.raises(ValueError, match="has a slash"):
        STR.quote("a/b")
