"""Preconditions in the order of RFC 9110, section 13.2.2, as tables."""

import pytest

from ropewalk.conditions import evaluate, range_applies, without_content

TAG = '"v1"'
EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT"
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
LATER = "Sun, 06 Nov 1994 08:49:38 GMT"
NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 200),
        # 13.1.1, If-Match: strong comparison
        ({"if-match": TAG}, 200),
        ({"if-match": "*"}, 200),
        ({"if-match": f'"a", {TAG}'}, 200),
        ({"if-match": '"v2"'}, 412),
        ({"if-match": f"W/{TAG}"}, 412),
        ({"if-match": ""}, 412),
        ({"if-match": "v1"}, 412),
        # 13.1.4, If-Unmodified-Since: only without If-Match
        ({"if-unmodified-since": EARLIER}, 412),
        ({"if-unmodified-since": DATE}, 200),
        ({"if-unmodified-since": LATER}, 200),
        ({"if-unmodified-since": "yesterday"}, 200),
        ({"if-match": TAG, "if-unmodified-since": EARLIER}, 200),
        ({"if-match": '"v2"', "if-unmodified-since": LATER}, 412),
        # 13.1.2, If-None-Match: weak comparison
        ({"if-none-match": TAG}, 304),
        ({"if-none-match": f"W/{TAG}"}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": f'"a,b",{TAG}'}, 304),
        ({"if-none-match": '"v2"'}, 200),
        ({"if-none-match": "v1"}, 200),
        ({"if-none-match": ""}, 200),
        # 13.1.3, If-Modified-Since: only without If-None-Match
        ({"if-modified-since": EARLIER}, 200),
        ({"if-modified-since": DATE}, 304),
        ({"if-modified-since": LATER}, 304),
        ({"if-modified-since": "0"}, 200),
        ({"if-none-match": '"v2"', "if-modified-since": LATER}, 200),
        ({"if-none-match": TAG, "if-modified-since": EARLIER}, 304),
        # 13.2.2: the conditions for changes come first
        ({"if-match": '"v2"', "if-none-match": TAG}, 412),
        ({"if-match": TAG, "if-none-match": TAG}, 304),
        ({"if-unmodified-since": EARLIER, "if-none-match": TAG}, 412),
        ({"if-unmodified-since": LATER, "if-modified-since": LATER}, 304),
    ],
)
def test_the_order(fields: dict[str, str], status: int) -> None:
    assert evaluate(fields.get, TAG, DATE, NOW) == status


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"if-match": TAG}, 412),
        ({"if-match": "*"}, 200),
        ({"if-none-match": TAG}, 200),
        ({"if-none-match": "*"}, 304),
        ({"if-modified-since": LATER}, 200),
        ({"if-unmodified-since": EARLIER}, 200),
    ],
)
@pytest.mark.parametrize("tag", [None, "v1"])
def test_without_validators(fields: dict[str, str], status: int, tag: str | None) -> None:
    assert evaluate(fields.get, tag, None, NOW) == status


@pytest.mark.parametrize(
    ("value", "applies"),
    [
        (None, True),
        (TAG, True),
        (f" {TAG} ", True),
        ('"v2"', False),
        (f"W/{TAG}", False),
        ("*", False),
        (f"{TAG}, {TAG}", False),
        ("v1", False),
        ("", False),
        (DATE, True),
        (EARLIER, False),
        (LATER, False),
        ("Sunday, 06-Nov-94 08:49:37 GMT", True),
    ],
)
def test_if_range(value: str | None, applies: bool) -> None:
    """RFC 9110, section 13.1.5."""
    assert range_applies(value, TAG, DATE, NOW) is applies


def test_if_range_with_weak_validators() -> None:
    assert not range_applies(f"W/{TAG}", f"W/{TAG}", DATE, NOW)
    assert not range_applies(TAG, f"W/{TAG}", DATE, NOW)
    assert not range_applies(DATE, TAG, None, NOW)
    assert not range_applies("x", None, "x", NOW)


def test_the_fields_that_a_304_keeps() -> None:
    lines = [("content-type", "a/b"), ("etag", TAG), ("vary", "accept"), ("content-length", "5"), ("set-cookie", "a=b")]
    assert without_content(lines) == [("etag", TAG), ("vary", "accept"), ("set-cookie", "a=b")]
