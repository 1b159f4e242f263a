"""Urlencoded forms: the same pairs as those of the standard library, within limits."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.errors import BodyTooLarge, HTTPError
from ropewalk.forms import DEFAULT_LIMITS, FormLimits, parse_urlencoded
from ropewalk.forms.urlencoded import _PIECE


def parse(body: bytes, field: str | None = None, limits: FormLimits = DEFAULT_LIMITS) -> list[tuple[str, str]]:
    return parse_urlencoded(body, field, limits).pairs()


class TestPairs:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"&",
            b"a",
            b"a=",
            b"=b",
            b"=",
            b"a=b=c",
            b"a=1&a=2&&b=3&",
            b"a+b=c+d%2B",
            b"a%3Db=%26",
            b"a=%C3%A4%20",
            b"a=%",
            b"a=%4",
            b"a=%zz%41",
            b"a;b=1",
            "ä=ö".encode(),
        ],
    )
    def test_they_are_those_of_the_standard_library(self, body: bytes) -> None:
        assert parse(body) == parse_qsl(body.decode(), keep_blank_values=True)

    @given(st.text("aA%41&=+; ä", max_size=30))
    def test_any_text(self, text: str) -> None:
        try:
            expected = parse_qsl(text, keep_blank_values=True, errors="strict")
        except UnicodeDecodeError:
            return
        assert parse(text.encode()) == expected

    @pytest.mark.parametrize("shift", range(6))
    def test_a_long_value_is_decoded_in_pieces(self, shift: int) -> None:
        value = b"x" * (_PIECE - shift) + b"%41%C3%A4%%4" * 2000 + b"%"
        assert parse(b"a=" + value) == parse_qsl((b"a=" + value).decode())

    def test_a_charset(self) -> None:
        assert parse(b"a=%e4+\xf6", "application/x-www-form-urlencoded; charset=ISO-8859-1") == [("a", "ä ö")]
        assert parse(b"a=%82%a0", "a; charset=shift_jis") == [("a", "あ")]

    def test_semicolons_separate_nothing(self) -> None:
        """A form is not split at semicolons. If it were, a proxy that does not split there would see another form than
        the handler.
        """
        assert parse(b"a=1;b=2") == [("a", "1;b=2")]


class TestLimits:
    @pytest.mark.parametrize(
        ("option", "body"),
        [
            ("part_limit", b"a&b&c&d"),
            ("name_limit", b"abcd=1"),
            ("name_limit", b"%C3%A4%C3%A4=1"),
            ("field_limit", b"a=1234"),
            ("fields_limit", b"a=12"),
        ],
    )
    def test_over_a_limit(self, option: str, body: bytes) -> None:
        with pytest.raises(BodyTooLarge):
            parse(body, limits=FormLimits(**{option: 3}))

    def test_at_the_limits(self) -> None:
        limits = FormLimits(part_limit=3, name_limit=1, field_limit=3, fields_limit=9)
        assert parse(b"a=123&b&c", limits=limits) == [("a", "123"), ("b", ""), ("c", "")]

    @pytest.mark.parametrize("charset", ["utf-7", "idna", "nothing"])
    def test_an_unsupported_charset(self, charset: str) -> None:
        with pytest.raises(HTTPError) as raised:
            parse(b"a=b", f"a; charset={charset}")
        assert raised.value.status == 415
