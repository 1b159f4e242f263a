"""Where Ropewalk and nginx differ, and why. The first of two values is ours."""

from typing import Any, Final, NamedTuple

_Values = dict[str, tuple[Any, Any]]


class Difference(NamedTuple):
    """A difference in the responses to some requests, and its reason."""

    reason: str
    values: _Values
    requests: tuple[str, ...]


def _status(ours: int, theirs: int) -> _Values:
    return {"status": (ours, theirs)}


def _merged(size: int) -> _Values:
    return {
        "body": (f"{size} bytes", "2 parts"),
        "content-length": (str(size), None),
        "content-range": (f"bytes 0-{size - 1}/1000", None),
        "content-type": ("text/plain; charset=utf-8", None),
    }


_EARLIER: Final = "Sun, 09 Sep 2001 01:46:39 GMT"
_LATER: Final = "Sun, 09 Sep 2001 01:46:41 GMT"

_ALL: Final = (
    Difference(
        "A file that has not changed since a later date has not changed (RFC 9110, section 13.1.3). By default, nginx "
        "compares for equality.",
        _status(304, 200),
        (f"GET /text.txt If-Modified-Since: {_LATER}", f"HEAD /text.txt If-Modified-Since: {_LATER}"),
    ),
    Difference(
        "If-Modified-Since is ignored beside If-None-Match (section 13.1.3).",
        _status(304, 200),
        (f"GET /text.txt If-None-Match: TAG If-Modified-Since: {_EARLIER}",),
    ),
    Difference(
        "A date that is malformed is ignored (section 13.1.4).",
        _status(200, 412),
        tuple(f"GET /text.txt If-Unmodified-Since: {each}" for each in ("yesterday", "0", "")),
    ),
    Difference(
        "If-Unmodified-Since is ignored beside If-Match (section 13.1.4).",
        _status(200, 412),
        (f"GET /text.txt If-Match: TAG If-Unmodified-Since: {_EARLIER}",),
    ),
    Difference(
        "A Range that is malformed is ignored, as one of an unknown unit is (section 14.2).",
        _status(200, 416),
        tuple(
            f"GET /text.txt Range: bytes={each}"
            for each in ("5-4", "a-b", "-", "1", "--1", "1-2-3", "+1-2", "0x1-2", "0-1,a-b")
        ),
    ),
    Difference(
        "A Range that is malformed in one part is ignored as a whole (section 14.1.1).",
        _status(200, 206),
        ("GET /text.txt Range: bytes=0-1,5-4",),
    ),
    Difference(
        "A Range of nothing is ignored. For others, nginx does the same.",
        _status(200, 416),
        ("GET /empty.txt Range: bytes=1-",),
    ),
    Difference(
        "A Range counts for GET only (section 14.2).",
        _status(200, 416),
        ("HEAD /text.txt Range: bytes=1000-",),
    ),
    Difference(
        "A Range counts for GET only (section 14.2).",
        _status(200, 206),
        ("HEAD /text.txt Range: bytes=0-0", "HEAD /text.txt Range: bytes=0-1,500-501"),
    ),
    Difference(
        "Empty elements of a list are accepted (section 5.6.1.2), and so are numbers of any size (section 14.1.1).",
        _status(206, 416),
        tuple(f"GET /text.txt Range: bytes={each}" for each in ("0-1,", ",0-1", f"0-{'9' * 30}", f"-{'9' * 30}")),
    ),
    *(
        Difference(
            "Ranges that overlap, or are close to each other, are merged (section 15.3.7.2).",
            _merged(size),
            tuple(f"GET /text.txt Range: bytes={each}" for each in ranges),
        )
        for size, ranges in (
            (150, ("0-99,50-149",)),
            (200, ("0-99,100-199", "0-99,110-199")),
            (1000, ("0-499,500-999",)),
        )
    ),
    Difference(
        "Ranges that overlap are merged before their sizes are added.",
        _status(206, 200),
        ("GET /text.txt Range: bytes=0-,0-,0-",),
    ),
    Difference(
        "Compressed files have ranges, because they have strong tags of their own.",
        _status(206, 200),
        ("GET /app.js Accept-Encoding: gzip Range: bytes=0-3",),
    ),
    Difference(
        "Compressed files have ranges, because they have strong tags of their own.",
        {"accept-ranges": ("bytes", None)},
        (
            *(
                f"GET /app.js Accept-Encoding: {each}"
                for each in ("gzip", "GZIP", "gzip, deflate", "deflate, gzip", "br, gzip")
            ),
            *(f"GET /app.js Accept-Encoding: gzip;q={each}" for each in ("1", "0.5", "0.001")),
            "HEAD /app.js Accept-Encoding: gzip",
        ),
    ),
    Difference(
        "x-gzip is an alias of gzip (section 8.4.1.3), * means every coding (section 12.5.3), and only the parameter q "
        "matters.",
        {"body": ("38 bytes", "900 bytes"), "content-encoding": ("gzip", None), "content-length": ("38", "900")},
        tuple(f"GET /app.js Accept-Encoding: {each}" for each in ("x-gzip", "*", "gzip;level=1")),
    ),
    Difference(
        "The client prefers the content without a coding.",
        {
            "accept-ranges": ("bytes", None),
            "body": ("900 bytes", "38 bytes"),
            "content-encoding": (None, "gzip"),
            "content-length": ("900", "38"),
        },
        ("GET /app.js Accept-Encoding: identity, gzip;q=0.5",),
    ),
    Difference(
        "The status keeps the method of the request (section 15.4.9).",
        _status(308, 301),
        ("GET /docs Range: bytes=0-1", "GET /docs", "GET /docs?a=1", "GET /nothing", "HEAD /docs"),
    ),
    Difference("What is not served looks like what is missing.", _status(404, 403), ("GET /nothing/", "GET /link.txt")),
    Difference("A path that is not UTF-8 is malformed.", _status(400, 404), ("GET /%FF.txt",)),
    Difference(
        "A path is not rewritten: clients remove dots before they send it, and a file has one path.",
        _status(404, 200),
        (
            *("GET /docs/../text.txt", "GET /docs/%2e%2e/text.txt", "GET /./text.txt", "GET //text.txt"),
            *("GET /docs//index.html", "GET /docs%2findex.html"),
        ),
    ),
    Difference(
        "A path without a file is a missing file.",
        _status(404, 400),
        ("GET /../text.txt", "GET /..%2ftext.txt", "GET /a%zz"),
    ),
    Difference(
        "A 405 has Allow (section 15.5.6).",
        {"allow": ("GET, HEAD, OPTIONS", None)},
        tuple(f"{method} /text.txt" for method in ("POST", "PUT", "DELETE")),
    ),
    Difference("OPTIONS lists the methods (section 9.3.7).", _status(204, 405), ("OPTIONS /text.txt",)),
)

DIFFERENCES: Final = {request: each.values for each in _ALL for request in each.requests}
"""What differs, by request."""
