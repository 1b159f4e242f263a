"""Which of the offered media types a client prefers (RFC 9110, section 12.5.1)."""

import pytest

from ropewalk.negotiation import preferred

JSON, HTML, TEXT = "application/json", "text/html", "text/plain"
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
CHROME = f"{FIREFOX},application/signed-exchange;v=b3;q=0.7"
AXIOS = "application/json, text/plain, */*"
JAVA = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, JSON),
        ("", JSON),
        (" , ,", JSON),
        ("*/*", JSON),
        (FIREFOX, HTML),
        (CHROME, HTML),
        (AXIOS, JSON),
        (JAVA, HTML),
        ("*", JSON),
        (JSON, JSON),
        ("text/plain", TEXT),
        ("TEXT/Plain", TEXT),
        (" text/html ; q=0.5 ,\ttext/plain ; Q=0.6 ", TEXT),
        ("text/*", HTML),
        ("text/*, text/html;q=0.1", TEXT),
        ("text/plain, text/html", HTML),
        ("text/html, application/json", JSON),
        ("image/png", None),
        ("*/*;q=0", None),
        ("application/json;q=0, */*", HTML),
        ("application/json;q=0.0, text/html;q=0.001", HTML),
        ("*/*;q=0.9, application/*;q=0.1, text/plain;q=0.5", HTML),
        ("application/json;q=0, application/json;q=0.5", JSON),
        ("application/json;q=1.000", JSON),
    ],
)
def test_the_preferred_type(accept: str | None, wanted: str | None) -> None:
    assert preferred(accept, (JSON, HTML, TEXT)) == wanted


@pytest.mark.parametrize(
    "malformed",
    [
        "text/html;q=2",
        "text/html;q=-1",
        "text/html;q=nan",
        "text/html;q=1.5",
        "text/html;q=",
        "text/html;q",
        "text/html;q=1e0",
        "text/html;q=\u0661",
        "*/html",
        "/html",
        "text/",
        "text",
        ";q=1",
    ],
)
def test_a_malformed_range_is_ignored(malformed: str) -> None:
    assert preferred(malformed, (HTML,)) is None
    assert preferred(f"{malformed}, text/plain;q=0.1", (HTML, TEXT)) == TEXT


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("text/html;level=1", "text/html;level=1"),
        ("text/html;LEVEL=1", "text/html;level=1"),
        ('text/html;level="1"', "text/html;level=1"),
        ('text/html; level="\\1"', "text/html;level=1"),
        ("text/html;level=1;q=0.1, text/html", "text/html"),
        ("text/html;level=1;q=0.5;ext=1, text/html;q=0.4", "text/html;level=1"),
        ("text/html;level=3, text/*;q=0.1", "text/html"),
    ],
)
def test_parameters(accept: str, wanted: str) -> None:
    assert preferred(accept, ("text/html", "text/html;level=1")) == wanted


@pytest.mark.parametrize("value", ['a="x,text/plain;q=1"', 'a="\\",text/plain"', 'a="text/plain,', 'a="\\'])
def test_a_quoted_string_is_one_value(value: str) -> None:
    assert preferred(f"image/png;{value}", (TEXT,)) is None


def test_no_offers() -> None:
    assert preferred("*/*", ()) is None


@pytest.mark.parametrize("part", ["text/html,", ",", '"', '\\"', '\\"\\', ";", "a=;", "text/html;q=0.1;", '"a",', "\\"])
def test_a_large_value(part: str) -> None:
    """If the time were quadratic, one of these values would take minutes."""
    for start in ("", 'text/a;x="', "text/a;"):
        preferred(start + part * 200_000, (JSON, HTML))
