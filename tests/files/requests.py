"""Requests for files, with which `test_nginx.py` compares Ropewalk and nginx.

In the fields, TAG is the ETag that the server itself has sent for the file, and DATE its Last-Modified.
"""

from typing import NamedTuple

EARLIER = "Sun, 09 Sep 2001 01:46:39 GMT"
LATER = "Sun, 09 Sep 2001 01:46:41 GMT"


class Sent(NamedTuple):
    """A request."""

    method: str
    path: str
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        return " ".join((self.method, self.path, *(f"{name}: {value}" for name, value in self.fields)))


def get(path: str, **fields: str) -> Sent:
    return Sent("GET", path, tuple((name.replace("_", "-"), value) for name, value in fields.items()))


def head(path: str, **fields: str) -> Sent:
    return get(path, **fields)._replace(method="HEAD")


TEXT = "/text.txt"

_TAGS = ("TAG", "W/TAG", '"x"', 'W/"x"', "*", '"x", TAG', 'TAG, "x"', '"x","y"', 'W/"x", W/TAG', "x", '"', "")
_DATES = (
    *("DATE", EARLIER, LATER, "Sunday, 09-Sep-01 01:46:40 GMT", "Sun Sep  9 01:46:40 2001"),
    *("Sunday, 09-Sep-01 01:46:39 GMT", "Sun Sep  9 01:46:39 2001", "yesterday", "0", ""),
)
_CONDITIONS = (
    *(get(TEXT, If_None_Match=each) for each in _TAGS),
    *(get(TEXT, If_Match=each) for each in _TAGS),
    *(get(TEXT, If_Modified_Since=each) for each in _DATES),
    *(get(TEXT, If_Unmodified_Since=each) for each in _DATES),
    *(head(TEXT, If_None_Match=each) for each in ("TAG", '"x"', "*")),
    *(head(TEXT, If_Match=each) for each in ("TAG", '"x"', "*")),
    *(head(TEXT, If_Modified_Since=each) for each in ("DATE", EARLIER, LATER)),
    *(head(TEXT, If_Unmodified_Since=each) for each in ("DATE", EARLIER, LATER)),
    get(TEXT, If_None_Match='"x"', If_Modified_Since="DATE"),
    get(TEXT, If_None_Match="TAG", If_Modified_Since=EARLIER),
    get(TEXT, If_Match="TAG", If_Unmodified_Since=EARLIER),
    get(TEXT, If_Match='"x"', If_Unmodified_Since="DATE"),
    get(TEXT, If_Match="TAG", If_None_Match="TAG"),
    get(TEXT, If_Match='"x"', If_None_Match="TAG"),
    get(TEXT, If_Unmodified_Since=EARLIER, If_Modified_Since="DATE"),
    get(TEXT, If_Unmodified_Since="DATE", If_Modified_Since="DATE"),
    get("/missing.txt", If_None_Match="*"),
    get("/missing.txt", If_Match="*"),
)

_RANGES = (
    *("0-0", "0-499", "500-999", "500-", "-500", "-1", "0-", "999-", "999-2000", "-1000", "-5000", "0-999", "0-5000"),
    *("1000-", "1000-2000", "-0", "5000-", "5-4", "a-b", "-", "", "1", "--1", "1-2-3", "+1-2", "0x1-2"),
    *("0-1,500-501", "500-501,0-1", "0-1,-2", "0-1, 500-501 , -2", "0-1,5000-", "5000-,6000-", "0-1,", ",0-1"),
    *("0-99,50-149", "0-99,100-199", "0-99,110-199", "0-,0-,0-", "0-499,500-999", "0-1,5-4", "0-1,a-b", "-2,0-1"),
    *(f"0-{'9' * 30}", f"{'9' * 30}-", f"-{'9' * 30}", "00-01", " 0-1", "0 - 1"),
)
_PARTS = (
    *(get(TEXT, Range=f"bytes={each}") for each in _RANGES),
    get(TEXT, Range="BYTES=0-1"),
    get(TEXT, Range="bytes 0-1"),
    get(TEXT, Range="items=0-1"),
    get(TEXT, Range="0-1"),
    *(get("/empty.txt", Range=f"bytes={each}") for each in ("0-", "0-0", "-1", "-0", "1-", "0-,0-")),
    *(head(TEXT, Range=f"bytes={each}") for each in ("0-0", "1000-", "0-1,500-501")),
    get("/large.bin", Range="bytes=100000-199999"),
    get("/large.bin", Range="bytes=0-99999,200000-299999"),
    get("/", Range="bytes=0-1"),
    get("/docs", Range="bytes=0-1"),
    get("/missing.txt", Range="bytes=0-1"),
    *(get(TEXT, Range="bytes=0-1", If_Range=each) for each in _TAGS),
    *(get(TEXT, Range="bytes=0-1", If_Range=each) for each in _DATES[:-1]),
    get(TEXT, Range="bytes=1000-", If_Range='"x"'),
    get(TEXT, Range="bytes=1000-", If_Range="TAG"),
    get(TEXT, Range="bytes=0-1", If_None_Match="TAG"),
    get(TEXT, Range="bytes=0-1", If_None_Match='"x"'),
    get(TEXT, Range="bytes=0-1", If_Match='"x"'),
    get(TEXT, Range="bytes=1000-", If_Match='"x"'),
    get(TEXT, Range="bytes=1000-", If_Modified_Since="DATE"),
)

_CODINGS = (
    *("gzip", "GZIP", "x-gzip", "gzip, deflate", "deflate, gzip", "br", "br, gzip", "deflate", "identity", "*", ""),
    *("gzip;q=1", "gzip;q=0.5", "gzip;q=0.001", "gzip;q=0", "gzip; q=0.0", "gzip;q=2", "*;q=0", "identity;q=0"),
    *("gzip;q=0, *", "identity, gzip;q=0.5", "gzipped", "gzip;level=1"),
)
_NEGOTIATION = (
    *(get("/app.js", Accept_Encoding=each) for each in _CODINGS),
    head("/app.js", Accept_Encoding="gzip"),
    get("/app.js"),
    get("/app.js.gz", Accept_Encoding="gzip"),
    get("/app.js", Accept_Encoding="gzip", Range="bytes=0-3"),
    get("/page.html", Accept_Encoding="gzip"),
)

_PATHS = (
    *map(get, ("/", "/docs/", "/docs", "/docs?a=1", "/docs/?a=1", "/nothing/", "/nothing", "/missing", "/missing/")),
    *map(get, ("/text.txt/", "/text.txt?a=b", "/a%20b.txt", "/r%C3%A4um.txt", "/100%25.txt", "/b%5Cc.txt", "/%FF.txt")),
    *map(get, ("/docs/../text.txt", "/docs/%2e%2e/text.txt", "/../text.txt", "/..%2ftext.txt", "/./text.txt")),
    *map(get, ("//text.txt", "/docs//index.html", "/docs%2findex.html", "/text%2etxt", "/%74ext.txt", "/%00", "/a%zz")),
    *map(
        get, ("/page.html", "/style.css", "/logo.svg", "/data.json", "/empty.txt", "/unknown.xyz", "/fifo", "/link.txt")
    ),
    *map(head, ("/", "/docs", "/missing", "/empty.txt", "/large.bin")),
    *(Sent(method, TEXT) for method in ("POST", "PUT", "DELETE", "OPTIONS")),
)

REQUESTS = (*_CONDITIONS, *_PARTS, *_NEGOTIATION, *_PATHS)
