"""The URLs to which redirects lead."""

import pytest

from ropewalk.client import RedirectRefused, Timeouts
from ropewalk.client.exchange import OutgoingRequest
from ropewalk.client.redirects import redirected
from ropewalk.client.urls import parse_url
from ropewalk.headers import Headers


def target(location: bytes) -> str:
    """The URL to which a redirect from `http://a.example/rooms/5?x` leads."""
    request = OutgoingRequest("GET", parse_url("http://a.example/rooms/5?x"), Headers(), None, Timeouts())
    headers = Headers.received([(b"location", location)])
    following = redirected(request, 302, headers, cross_origin=True)
    assert following is not None
    return str(following.url)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (b"/free", "http://a.example/free"),
        (b"6", "http://a.example/rooms/6"),
        (b"?y", "http://a.example/rooms/5?y"),
        (b"../../../b#c", "http://a.example/b"),
        (b"//b.example/c", "http://b.example/c"),
        (b"/a b", "http://a.example/a%20b"),
        (b"/%C3%BC%2f", "http://a.example/%C3%BC%2f"),
    ],
)
def test_locations(location: bytes, expected: str) -> None:
    assert target(location) == expected


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/Zürich?ö=ü".encode(), "http://a.example/Z%C3%BCrich?%C3%B6=%C3%BC"),
        ("http://bücher.example/".encode(), "http://xn--bcher-kva.example/"),
        (b"/Z\xfcrich", "http://a.example/Z%FCrich"),
    ],
)
def test_locations_with_other_bytes_than_ascii(location: bytes, expected: str) -> None:
    assert target(location) == expected


@pytest.mark.parametrize("location", [b"javascript:x", b"http://b\\c", b"http://b\xfccher.example/", b"http://u:p@b/"])
def test_locations_that_are_refused(location: bytes) -> None:
    with pytest.raises(RedirectRefused, match="RW356"):
        target(location)
