"""`BoundaryFinder`: which bytes of a multipart body are content only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk._engine import BoundaryFinder

DELIMITER = b"\r\n--limit"


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"\r\nx", b"--limit", b"\n--limit", b"\r--limit", b"x\r\n--limi_"])
def test_content(data: bytes) -> None:
    assert BoundaryFinder(DELIMITER).is_content(data)


@pytest.mark.parametrize("length", range(1, len(DELIMITER) + 1))
@pytest.mark.parametrize("before", [b"", b"x", b"x" * 100, b"\r", b"\r\n--lim"])
def test_a_beginning_of_the_delimiter_at_the_end(before: bytes, length: int) -> None:
    assert not BoundaryFinder(DELIMITER).is_content(before + DELIMITER[:length])


@pytest.mark.parametrize("after", [b"x", b"--", b"\r\n", b"x" * 100])
def test_a_delimiter_before_the_end(after: bytes) -> None:
    assert not BoundaryFinder(DELIMITER).is_content(b"x" * 70 + DELIMITER + after)


@given(st.lists(st.sampled_from([b"\r", b"\n", b"-", b"--", b"lim", b"limit", b"x"])))
def test_any_bytes(parts: list[bytes]) -> None:
    data = b"".join(parts)
    begins = any(data.endswith(DELIMITER[:length]) for length in range(1, len(DELIMITER)))
    assert BoundaryFinder(DELIMITER).is_content(data) == (DELIMITER not in data and not begins)
