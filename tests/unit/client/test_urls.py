"""The URLs of calls."""

from typing import Any

import pytest

from ropewalk.client import InvalidCall
from ropewalk.client.urls import find_url, parse_base_url, parse_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://a", "http://a/"),
        ("HTTPS://A.Example:443/x?y#z", "https://a.example/x?y"),
        ("http://a:80?x=1", "http://a/?x=1"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
        ("http://bücher.example/ü b", "http://xn--bcher-kva.example/%C3%BC%20b"),
        ("http://straße.example:81/", "http://xn--strae-oqa.example:81/"),
        ("http://νίκος.example/", "http://xn--kxawhkp.example/"),
        ("http://BÜCHER。example/", "http://xn--bcher-kva.example/"),
        ("http://☃.example/", "http://xn--n3h.example/"),
        ("http://my_service:8080/%2F", "http://my_service:8080/%2F"),
    ],
)
def test_absolute_urls(text: str, expected: str) -> None:
    assert str(parse_url(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "/path",
        "ftp://a/",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://user:secret@a/",
        "http://a:99999/",
        "http://a:0/",
        "http://a b/",
        "http://a\\@b/",
        "http://a/\r\nx: y",
        "http://a\x00/",
        f"http://{'ü' * 80}.example/",
        f"http://{'ü.' * 100_000}example/",
        "http://ß☃.example/",
        "http://☃\uff1a81/",
        "http://☃\uff0fb/",
        "http://ü\uff20b/",
        "http://ü:\uff18\uff11/",
        b"http://a/",
        None,
    ],
)
def test_wrong_urls(text: Any) -> None:
    with pytest.raises(InvalidCall, match="RW357") as caught:
        parse_url(text)
    assert "secret" not in str(caught.value)
    assert "test_urls.py" in str(caught.value)


BASE = parse_base_url("https://a.example/v1/")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/rooms", "https://a.example/v1/rooms"),
        ("rooms", "https://a.example/v1/rooms"),
        ("", "https://a.example/v1"),
        ("?a=b", "https://a.example/v1?a=b"),
        ("/redirect?to=https://b.example/", "https://a.example/v1/redirect?to=https://b.example/"),
        ("/a...b/..c", "https://a.example/v1/a...b/..c"),
        ("https://A.example/other", "https://a.example/other"),
    ],
)
def test_paths_below_the_base_url(url: str, expected: str) -> None:
    assert str(find_url(BASE, url, None, None)) == expected


@pytest.mark.parametrize(
    "url",
    [
        "//b.example/",
        "https://b.example/",
        "http://a.example/",
        "https://a.example:444/",
        "https://a.example.b.example/",
        "/../x",
        "/x/..",
        "..",
        "/x/%2e%2E/y",
        "/x/.%2e",
        "/x/..\\y",
        "/./x",
        "/x\ty",
        "/x\r\ny",
    ],
)
def test_what_is_not_below_the_base_url(url: str) -> None:
    with pytest.raises(InvalidCall):
        find_url(BASE, url, None, None)


def test_without_a_base_url() -> None:
    assert str(find_url(None, "http://b/x", None, None)) == "http://b/x"
    with pytest.raises(InvalidCall, match="no base_url"):
        find_url(None, "/x", None, None)


class TestPath:
    def test_values_are_encoded(self) -> None:
        url = find_url(BASE, "/{a}/{b}", {"a": "../x/?#%", "b": 7}, None)
        assert url.target == "/v1/..%2Fx%2F%3F%23%25/7"
        assert find_url(BASE, "/{a}/{b}", {"a": b"\xff", "b": True}, None).target == "/v1/%FF/true"

    @pytest.mark.parametrize("value", ["", ".", ".."])
    def test_values_that_are_no_segment(self, value: str) -> None:
        with pytest.raises(InvalidCall, match="segment"):
            find_url(BASE, "/{a}", {"a": value}, None)

    def test_missing_and_unused_values(self) -> None:
        with pytest.raises(InvalidCall, match="no value for {a}"):
            find_url(BASE, "/{a}", {}, None)
        with pytest.raises(InvalidCall, match="path= has b"):
            find_url(BASE, "/{a}", {"a": 1, "b": 2}, None)


def test_queries() -> None:
    query = {"a": ["1", 2], "b": None, "c": True, "d": "ü&="}
    assert find_url(BASE, "/x?y=1", None, query).target == "/v1/x?y=1&a=1&a=2&c=true&d=%C3%BC%26%3D"
    assert find_url(BASE, "/x", None, {}).target == "/v1/x"
    assert find_url(BASE, "/x", None, {"a": b"\xff"}).target == "/v1/x?a=%FF"
