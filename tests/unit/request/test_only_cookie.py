"""`Request.only_cookie`: the value of a cookie that occurs exactly once in the Cookie fields."""

import pytest
from tests.unit.request.reading import read_in_handler

from ropewalk.cookies import parse_cookies


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ([], None),
        (["a=1"], "1"),
        (["b=2; a=1; c=3"], "1"),
        (["b=2", "a=1"], "1"),
        (["xa=2; a=1; ax=3"], "1"),
        ([" \ta\t=  1 \t; b"], "1"),
        (["a="], ""),
        (["a"], ""),
        (["a=b=c"], "b=c"),
        (["a=é"], "é"),
        (["A=1"], None),
        (["a=1; a=2"], None),
        (["a=1; a=1"], None),
        (["a=1", "a=2"], None),
        (["a=1;a"], None),
    ],
)
def test_the_value(lines: list[str], value: str | None) -> None:
    fields = [("Cookie", line.encode("latin-1")) for line in lines]
    assert read_in_handler(lambda request: request.only_cookie(b"a"), "/", headers=fields) == value
    if value:
        assert parse_cookies("; ".join(lines))["a"] == value
