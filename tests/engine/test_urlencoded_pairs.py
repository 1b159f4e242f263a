"""`urlencoded_pairs` finds the same pairs as the standard library. It returns None for text that is not UTF-8, which
Python code then handles."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk._engine import urlencoded_pairs


@given(st.text("aA%41&=+; äé\0", max_size=30))
def test_they_are_those_of_the_standard_library(text: str) -> None:
    found = urlencoded_pairs(text.encode(), 100, 100)
    try:
        expected = parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        assert found is None
        return
    assert found is not None
    assert list(found[0]) == expected
    by_name: dict[str, list[str]] = {}
    for name, value in expected:
        by_name.setdefault(name, []).append(value)
    assert found[1] == by_name
    assert list(found[1]) == list(by_name)


@pytest.mark.parametrize("text", [b"a=%ff", b"%ff=a", b"a=\xff", b"a=%C3", b"a=1&b=%e4"])
def test_text_that_is_not_utf_8(text: bytes) -> None:
    assert urlencoded_pairs(text, 100, 100) is None


def test_limits_are_those_of_the_decoded_bytes() -> None:
    text = b"%61%62=%63%64%65&f="
    assert urlencoded_pairs(text, 2, 3) == ((("ab", "cde"), ("f", "")), {"ab": ["cde"], "f": [""]})
    assert urlencoded_pairs(text, 1, 3) is None
    assert urlencoded_pairs(text, 2, 2) is None
