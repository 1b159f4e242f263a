"""Requests as correct clients, careless clients and attackers send them."""

from collections.abc import Iterator
from itertools import pairwise

from hypothesis import strategies as st

BEHIND = b"GET /behind HTTP/1.1\r\nHost: a\r\n\r\n"
"""The last request of every conversation. A parser can read it only if it has found the end of each earlier message."""


class Words:
    """The good and bad words for one place of a request. In generated requests, about one word in `odds` is bad."""

    def __init__(self, good: list[bytes], bad: list[bytes], odds: int = 12) -> None:
        self.all = [*good, *bad]
        self.some = st.sampled_from(good * (odds * len(bad) // len(good)) + bad)


METHODS = Words(
    [b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"DELETE", b"PATCH"],
    [b"get", b"BREW", b"CONNECT", b"TRACE", b"G(T", b"", b"GET\t", b"\x00GET", b"GE\xe9", b"GET "],
)

PATHS = [b"/", b"/a?b=c", b"/a%20b", b"//x", b"/;=*'()[]{}|^`\"<>\\", b"/?", b"/a:b"]
URLS = [b"http://a/b?c", b"HTTP://A"]
WRONG_PATHS = [b"", b"*", b"a", b"?a", b"/a#b", b"/?#", b"/%00", b"/\xe9", b"/\x01", b"/\x7f", b"/a b", b"/a\tb"]
WRONG_URLS = [b"a:80", b"http:///b", b"http://u@a/", b"http://b/", b"ftp://a/", b"http://a:b/", b"https://[::1]:8/"]
TARGETS = Words([*PATHS, *URLS], [*WRONG_PATHS, *WRONG_URLS])

VERSIONS = Words(
    [*[b"HTTP/1.1"] * 7, b"HTTP/1.0"],
    [b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1", b"http/1.1", b"HTTP/1.10", b"HTTP/01.1", b"HTTP/1.1 ", b""],
)

OTHER_HOSTS = [b"Host: b:80", b"Host: [::1]:8", b"Host: a:065535", b"Host: a%20b", b"Host: [v1.a:b]"]
WRONG_HOSTS = [
    b"Host: " + host for host in (b"", b"u@a", b"a b", b"a,b", b"a:b", b"[::g]", b"a/b", b"a:65536", b"%zz", b"[v1]")
]
HOSTS = Words(
    [b"Host: a", b"host:a", b"HOST: \ta \t"],
    [*OTHER_HOSTS, *WRONG_HOSTS, b"Host: a\r\nHost: a", b"Host : a", b" Host: a", b"X: y"],
)

PLAIN = [
    b"X-Y: z",
    b"x_y:z",
    b"X: ",
    b"X:",
    b"X:  y  z  ",
    b"Content-Type: text/plain",
    b"Cookie: a=b",
    b"TE: trailers",
]
UNUSUAL = [b"!#$%&'*+-.^_`|~09: a", b"X: \xc3\xa9\xff", b'X: a\t "b", c:d', b"Trailer: X-T", b"Expect: 100-continue"]
OPTIONS = [b"Connection: close", b"Connection: keep-alive", b"connection: x, CLOSE", b"Keep-Alive: 5"]
ODD_OPTIONS = [b"Connection: close, keep-alive", b"Connection: ,close,", b"Connection:\xa0close", b"Expect: x"]
WRONG_NAMES = [b"X Y: z", b"X : y", b"X\t: y", b": y", b"X", b"", b"X\xe9: y", b"(X): y", b"\x00X: y", b" X: y"]
WRONG_VALUES = [b"X: " + value for value in (b"a\x00b", b"\x01", b"\x7f", b"a\rb", b"a\nb", b"a\r", b"\x0b", b"\x0cy")]
FOLDED = [b"X: a\r\n b", b"X: a\r\n\tb", b"X:\xa0y"]
FIELDS = Words([*PLAIN, *UNUSUAL, *OPTIONS], [*ODD_OPTIONS, *WRONG_NAMES, *WRONG_VALUES, *FOLDED])

ENDS = Words([b"\r\n"], [b"\n", b"\r", b"\r\r\n", b" \r\n", b"\t\r\n", b"\x00\r\n"], odds=60)

SIGNED = [b"+%d", b"-%d", b"0%d", b"0x%d", b"_%d", b"%d_", b"%d.0", b"%d;", b"\x0b%d", b"%d\x0c", b"\xb2", b""]
WRONG_COUNTS = [b"%d0", b"1%d", b"99999999999999999999", b"18446744073709551616"]
SEVERAL = [b"%d, %d", b"%d 0", b"%d\r\nContent-Length: %d", b"%d\r\nContent-Length: 0", b"%d\r\nContent_Length: 0"]
LENGTHS = Words(
    [b"%d"], [*SIGNED, *WRONG_COUNTS, *SEVERAL, b"%d ", b"%d\t", b"%d\r\nTransfer-Encoding: chunked"], odds=10
)

CHUNKED = b"Transfer-Encoding: chunked"
OTHER_CODINGS = [b"gzip, chunked", b"chunked, gzip", b"identity", b"", b"xchunked", b"chunked, chunked", b"chunked;a"]
SECOND_FIELDS = [b"Transfer-Encoding: chunked", b"Transfer-Encoding: x", b"Content-Length: 0", b"Content-Length: 5"]
DISGUISED = [
    b" : chunked",
    b":\x0bchunked",
    b": chunked\x00",
    b": c\r\n hunked",
    b":\xa0chunked",
    b":,chunked",
    b': "chunked"',
]
CODINGS = Words(
    [CHUNKED, b"transfer-encoding:Chunked", b"Transfer-Encoding: \tchunked "],
    [
        b"Transfer_Encoding: chunked",
        *(b"Transfer-Encoding: " + coding for coding in OTHER_CODINGS),
        *(b"Transfer-Encoding" + rest for rest in DISGUISED),
        *(CHUNKED + b"\r\n" + field for field in SECOND_FIELDS),
    ],
    odds=10,
)

WRONG_SIGNS = [b"+%x", b"-%x", b"0x%x", b" %x", b"%x_", b"%x.", b"", b"\xb2", b"%xg"]
WRONG_SIZES = [b"1%x", b"%x0", b"ffffffffffffffff%x", b"000000000000000%x", b"00000000000000000000%x"]
SIZES = Words([b"%x", b"%x", b"%X", b"0%x", b"00000%x"], [*WRONG_SIGNS, *WRONG_SIZES])

SPACED = [b" ", b"\t", b" a", b" ;a", b"; ", b"; a = b", b"a", b"\x0b"]
UNNAMED = [b";", b";;", b";a;", b";a=", b";a(", b';a="b', b';a="b"c', b";\xe9"]
WITH_CONTROLS = [b";a\x00", b";a\n", b";a\rb", b";\x7f", b';a="\r']
EXTENSIONS = Words(
    [b"", b"", b"", b";a", b";a=b", b";a;b=c", b';a="b c"', b';a="\\"; "'], [*SPACED, *UNNAMED, *WITH_CONTROLS]
)

PARTS = st.sampled_from([b"a", b"hello", b"\r\n", b"0\r\n\r\n", BEHIND, b"\x00\xff", b"x" * 17])

TRAILERS = Words(
    [b"X-T: y", b"x-t:y", b"X-T: \xff", b"X-T:"],
    [*WRONG_NAMES, *WRONG_VALUES, *FOLDED, b"X: a\r\n b: c", b"Host: b", b"Cookie: a", b"Content-Length: 5", CHUNKED],
)

SEPARATORS = [b"\r", b"\n", b"\r\n", b"\n\n", b"\0", b" ", b"\t", b":", b",", b";", b"\x0b", b"\x0c", b"\x7f", b"\xa0"]
SCRAPS = [
    b"\x80",
    b"\xff",
    b"0",
    b"1",
    b"-",
    b"+",
    b"_",
    b"%00",
    b"#",
    b"@",
    b'"',
    b"chunked",
    b"Content-Length: 5\r\n",
]
INSERTED = st.sampled_from([*SEPARATORS, *SCRAPS])


@st.composite
def chunks(draw: st.DrawFn) -> bytes:
    """A chunked body."""
    data = b""
    for part in draw(st.lists(PARTS, max_size=3)):
        data += filled(draw(SIZES.some), len(part)) + draw(EXTENSIONS.some) + draw(ENDS.some) + part + draw(ENDS.some)
    data += filled(draw(SIZES.some), 0) + draw(EXTENSIONS.some) + draw(ENDS.some)
    for trailer in draw(st.lists(TRAILERS.some, max_size=2)):
        data += trailer + draw(ENDS.some)
    return data + draw(ENDS.some)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One request."""
    head = [draw(METHODS.some) + b" " + draw(TARGETS.some) + b" " + draw(VERSIONS.some), draw(HOSTS.some)]
    head += draw(st.lists(FIELDS.some, max_size=3))
    body = b""
    match draw(st.sampled_from(["none", "length", "chunked"])):
        case "length":
            body = draw(PARTS)
            head.insert(draw(st.integers(1, len(head))), b"Content-Length: " + filled(draw(LENGTHS.some), len(body)))
        case "chunked":
            body = draw(chunks())
            head.insert(draw(st.integers(1, len(head))), draw(CODINGS.some))
    return b"".join(line + draw(ENDS.some) for line in [*head, b""]) + body


def filled(pattern: bytes, number: int) -> bytes:
    """The pattern, with each placeholder replaced by the number."""
    return pattern % ((number,) * pattern.count(b"%"))


@st.composite
def conversations(draw: st.DrawFn) -> bytes:
    """Some requests in sequence, perhaps damaged, and a valid one at the end."""
    data = b"".join(draw(st.lists(requests(), min_size=1, max_size=3)))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2, 3]))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.one_of(st.just(b""), INSERTED)) + data[at + draw(st.integers(0, 3)) :]
    return data + BEHIND


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The same bytes, divided into pieces."""
    edges = draw(st.lists(st.integers(0, len(data)), max_size=4))
    return [data[start:end] for start, end in pairwise([0, *sorted(edges), len(data)]) if end > start]


def one_by_one() -> Iterator[bytes]:
    """Place every word in an otherwise valid request, one at a time."""
    places = {"method": METHODS, "target": TARGETS, "version": VERSIONS, "host": HOSTS, "field": FIELDS}
    for place, words in (places | {"length": LENGTHS, "end": ENDS}).items():
        for word in words.all:
            yield sized(**{place: word}) + BEHIND
    for place, words in {
        "coding": CODINGS,
        "size": SIZES,
        "extensions": EXTENSIONS,
        "trailer": TRAILERS,
        "end": ENDS,
    }.items():
        for word in words.all:
            yield chunked(**{place: word}) + BEHIND


def sized(
    method: bytes = b"POST",
    target: bytes = b"/",
    version: bytes = b"HTTP/1.1",
    host: bytes = b"Host: a",
    field: bytes = b"X-Y: z",
    length: bytes = b"%d",
    end: bytes = b"\r\n",
) -> bytes:
    """A request with a Content-Length."""
    lines = [b" ".join((method, target, version)), host, field, b"Content-Length: " + filled(length, 5), b""]
    return b"".join(line + end for line in lines) + b"hello"


def chunked(
    coding: bytes = CHUNKED,
    size: bytes = b"%x",
    extensions: bytes = b"",
    trailer: bytes = b"X-T: y",
    end: bytes = b"\r\n",
) -> bytes:
    """A request whose body is chunked."""
    lines = [filled(size, 5) + extensions, b"hello", filled(size, 0) + extensions, trailer, b""]
    return b"POST / HTTP/1.1\r\nHost: a\r\n" + coding + b"\r\n\r\n" + b"".join(line + end for line in lines)
