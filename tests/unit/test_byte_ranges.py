"""Byte ranges (RFC 9110, section 14), as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.byte_ranges import GAP, MAX_RANGES, ByteRange, content_range, multipart, satisfied, unsatisfied

FAR = GAP + 1


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-499", [(0, 500)]),
        ("bytes=500-999", [(500, 1000)]),
        ("bytes=500-", [(500, 1000)]),
        ("bytes=-500", [(500, 1000)]),
        ("bytes=-1", [(999, 1000)]),
        ("bytes=-1000", [(0, 1000)]),
        ("bytes=-5000", [(0, 1000)]),
        ("bytes=0-", [(0, 1000)]),
        ("bytes=0-5000", [(0, 1000)]),
        ("bytes=999-999", [(999, 1000)]),
        (f"bytes=0-{'9' * 3000}", [(0, 1000)]),
        (f"bytes={'0' * 300}5-{'0' * 300}6", [(5, 7)]),
        ("BYTES=0-1", [(0, 2)]),
        ("bytes= 0-1", [(0, 2)]),
        ("bytes=0 - 1", [(0, 2)]),
        ("bytes=,0-1,,", [(0, 2)]),
        # several
        ("bytes=0-1,500-501", [(0, 2), (500, 502)]),
        ("bytes=500-501, 0-1", [(500, 502), (0, 2)]),
        ("bytes=0-1,-2", [(0, 2), (998, 1000)]),
        ("bytes=0-1,5000-,-2", [(0, 2), (998, 1000)]),
        # merged
        ("bytes=0-9,5-19", [(0, 20)]),
        ("bytes=0-9,10-19", [(0, 20)]),
        ("bytes=0-9,0-9,0-9", [(0, 10)]),
        ("bytes=10-19,0-9", [(0, 20)]),
        (f"bytes=0-9,{10 + GAP}-{19 + GAP}", [(0, 20 + GAP)]),
        (f"bytes=0-9,{10 + FAR}-{19 + FAR}", [(0, 10), (10 + FAR, 20 + FAR)]),
        ("bytes=900-909,0-9,5-14", [(0, 15), (900, 910)]),
        ("bytes=0-,-1", [(0, 1000)]),
        # none is satisfiable, so the status is 416
        ("bytes=1000-", []),
        ("bytes=1000-2000", []),
        ("bytes=-0", []),
        ("bytes=5000-,6000-", []),
        (f"bytes={'9' * 3000}-", []),
        # the field is ignored, so the status is 200
        ("", None),
        ("bytes", None),
        ("bytes=", None),
        ("bytes=,", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=1", None),
        ("bytes=5-4", None),
        ("bytes=0-1,5-4", None),
        ("bytes=0-1;2-3", None),
        ("bytes=+0-1", None),
        ("bytes=0x0-1", None),
        ("bytes=--1", None),
        ("bytes=1-2-3", None),
        ("bytes=\u0661-\u0662", None),
        ("bytes:0-1", None),
        ("items=0-1", None),
        ("0-1", None),
        ("bytes=0-1,items=0-1", None),
        # too many, or as much as the whole
        ("bytes=0-499," + ",".join(f"{each}-999" for each in (640, 660)), [(0, 500), (640, 1000)]),
        (f"bytes={','.join(['0-'] * MAX_RANGES)}", [(0, 1000)]),
        (f"bytes={','.join(['0-'] * (MAX_RANGES + 1))}", None),
        (f"bytes=0-1{' ' * 5000}", None),
    ],
)
def test_of_1000_bytes(field: str, expected: list[tuple[int, int]] | None) -> None:
    assert satisfied(field, 1000) == expected


@pytest.mark.parametrize("field", ["bytes=0-", "bytes=0-0", "bytes=-0", "bytes=-5"])
def test_of_nothing(field: str) -> None:
    assert satisfied(field, 0) is None


def test_beyond_4_gib() -> None:
    size = 10 * 2**40
    assert satisfied(f"bytes={size - 5}-", size) == [(size - 5, size)]
    assert satisfied("bytes=4294967295-4294967296", size) == [(4_294_967_295, 4_294_967_297)]


def test_content_range() -> None:
    assert content_range(ByteRange(0, 500), 1000) == "bytes 0-499/1000"
    assert unsatisfied(1000) == "bytes */1000"


def test_multipart() -> None:
    made = multipart([ByteRange(0, 2), ByteRange(500, 503)], 1000, "text/plain", "B")
    body = made.heads[0] + b"ab" + made.heads[1] + b"cde" + made.end
    assert body == (
        b"--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/1000\r\n\r\nab"
        b"\r\n--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 500-502/1000\r\n\r\ncde"
        b"\r\n--B--\r\n"
    )
    assert made.length == len(body)
    assert b"Content-Type" not in multipart([ByteRange(0, 2)], 1000, None, "B").heads[0]


_POSITIONS = st.integers(0, 2000)
_SPECS = st.one_of(
    st.tuples(_POSITIONS, _POSITIONS).map(lambda each: (min(each), max(each))),
    st.tuples(_POSITIONS, st.none()),
    st.tuples(st.none(), _POSITIONS),
)


@given(st.integers(1, 1500), st.lists(_SPECS, min_size=1, max_size=20))
def test_they_have_the_requested_bytes(size: int, specs: list[tuple[int | None, int | None]]) -> None:
    """The parts contain each requested byte once, and otherwise only bytes of small gaps between requested ones."""
    field = ",".join(f"{'' if first is None else first}-{'' if last is None else last}" for first, last in specs)
    wanted: set[int] = set()
    for first, last in specs:
        if first is None:
            wanted |= set(range(max(size - (last or 0), 0), size))
        else:
            wanted |= set(range(first, size if last is None else min(last + 1, size)))
    parts = satisfied(f"bytes={field}", size)
    if parts is None:  # several parts that are as large as the whole
        return
    sent = [position for start, stop in parts for position in range(start, stop)]
    assert len(set(sent)) == len(sent)
    assert set(sent) >= wanted
    assert bool(parts) is bool(wanted)
    assert all(any(near in wanted for near in range(each, each + GAP + 1)) for each in set(sent) - wanted)
    assert all(0 <= start < stop <= size for start, stop in parts)
    assert len(parts) == 1 or len(sent) < size
