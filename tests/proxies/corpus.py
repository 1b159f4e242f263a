"""Messages that two servers in a row may read differently, and some that they must read alike.

In each message, `$` stands for a unique path. A last request (`LAST`) follows each case. If a parser reads the last
request as part of the message before it, its response is missing. For a strict parser, a hidden request (`HIDDEN`) is
part of another message and is not served.
"""

from dataclasses import dataclass
from itertools import starmap


@dataclass(frozen=True)
class Case:
    """The bytes of one connection."""

    name: str
    template: bytes
    served: int = 0
    """How many of its requests we serve if a client sends it to us directly."""
    refused: bool = False
    """Whether we then refuse a message and serve nothing after it. If not, we respond to the last request."""

    def data(self, path: str) -> bytes:
        """The bytes, with the last request after them."""
        return (self.template + LAST).replace(b"$", path.encode())


LAST = b"GET /$/last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

GET = b"GET /$/first HTTP/1.1\r\nHost: a\r\n\r\n"
HIDDEN = b"GET /$/hidden HTTP/1.1\r\nHost: a\r\nX: "
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SMALL = b"5\r\nhello\r\n0\r\n\r\n"


def good(name: str, template: bytes, served: int = 1) -> Case:
    return Case(name, template, served, refused=False)


def bad(name: str, template: bytes, served: int = 0) -> Case:
    return Case(name, template, served, refused=True)


def post(fields: bytes, body: bytes = b"", start: bytes = b"POST /$/first HTTP/1.1") -> bytes:
    return start + b"\r\nHost: a\r\n" + fields + b"\r\n" + body


def length(body: bytes) -> bytes:
    """The Content-Length of a body in which every `$` will be replaced by a path of `PATH_LENGTH` bytes."""
    grown = len(body) + body.count(b"$") * (PATH_LENGTH - 1)
    return b"Content-Length: %d\r\n" % grown


PATH_LENGTH = 8

# Spellings of Transfer-Encoding that one server recognises and another does not.
OBSCURED = {
    "plain": b"Transfer-Encoding: chunked\r\n",
    "capitals": b"TRANSFER-ENCODING: CHUNKED\r\n",
    "unknown": b"Transfer-Encoding: xchunked\r\n",
    "space-before-colon": b"Transfer-Encoding : chunked\r\n",
    "tab-before-colon": b"Transfer-Encoding\t: chunked\r\n",
    "no-space": b"Transfer-Encoding:chunked\r\n",
    "tab": b"Transfer-Encoding:\tchunked\r\n",
    "vertical-tab": b"Transfer-Encoding:\x0bchunked\r\n",
    "form-feed": b"Transfer-Encoding: chunked\x0c\r\n",
    "nul": b"Transfer-Encoding: chunked\x00\r\n",
    "high-byte": b"Transfer-Encoding: \xa0chunked\r\n",
    "space-behind": b"Transfer-Encoding: chunked \r\n",
    "tab-behind": b"Transfer-Encoding: chunked\t\r\n",
    "fold": b"Transfer-Encoding:\r\n chunked\r\n",
    "fold-of-another": b"X: y\r\n Transfer-Encoding: chunked\r\n",
    "leading-space": b" Transfer-Encoding: chunked\r\n",
    "bare-lf": b"X: y\nTransfer-Encoding: chunked\r\n",
    "bare-cr": b"X: y\rTransfer-Encoding: chunked\r\n",
    "bare-lf-end": b"Transfer-Encoding: chunked\n",
    "quoted": b'Transfer-Encoding: "chunked"\r\n',
    "parameter": b"Transfer-Encoding: chunked;q=1\r\n",
    "twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "and-identity": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "identity-and": b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
    "list": b"Transfer-Encoding: identity, chunked\r\n",
    "list-behind": b"Transfer-Encoding: chunked, identity\r\n",
    "list-twice": b"Transfer-Encoding: chunked, chunked\r\n",
    "list-comma": b"Transfer-Encoding: chunked,\r\n",
    "gzip": b"Transfer-Encoding: gzip, chunked\r\n",
    "empty": b"Transfer-Encoding:\r\n",
    "underscore": b"Transfer_Encoding: chunked\r\n",
    "content": b"Content-Encoding: chunked\r\n",
    "connection": b"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n",
}

_NO_CODING = {"underscore", "content"}
"""Spellings that a strict parser does not read as a Transfer-Encoding."""
_JUST_CHUNKED = {"plain", "capitals", "no-space", "tab", "space-behind", "tab-behind", "connection"}
"""Spellings that a strict parser reads as chunked."""


def obscured(name: str, coding: bytes) -> list[Case]:
    """A Transfer-Encoding with a contradicting Content-Length, in both orders, and without one."""
    in_length = b"0\r\n\r\n" + HIDDEN
    in_chunk = b"GET /$/hidden HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\n\r\n"
    size = b"%x" % (len(in_chunk) + PATH_LENGTH - 1)
    chunk = size + b"\r\n" + in_chunk + b"\r\n0\r\n\r\n"
    short = b"Content-Length: %d\r\n" % (len(size) + 2)
    alone = good if name in _JUST_CHUNKED else bad
    cases = [
        Case(f"cl.te/{name}", post(length(in_length) + coding, in_length), 0, refused=True),
        Case(f"te.cl/{name}", post(coding + short, chunk), 0, refused=True),
        alone(f"te/{name}", post(coding, SMALL), int(name in _JUST_CHUNKED)),
    ]
    if name in _NO_CODING:
        # A strict parser finds no Transfer-Encoding, so the length determines the body. If there is no length either,
        # it reads the chunks as an invalid request.
        return [good(cases[0].name, cases[0].template), bad(cases[2].name, cases[2].template, 1)]
    return cases


def lengths() -> list[Case]:
    """Content-Length fields that are invalid or repeated."""
    hidden = HIDDEN
    odd = {
        "plus": b"+5",
        "minus": b"-5",
        "hex": b"0x5",
        "exponent": b"5e0",
        "underscore": b"5_0",
        "leading-zero": b"05",
        "space-within": b"5 5",
        "empty": b"",
        "list": b"5, 5",
        "list-differs": b"5, 6",
        "fraction": b"5.0",
        "huge": b"99999999999999999999",
        "wraps-at-64": b"18446744073709551621",
        "wraps-at-32": b"4294967301",
        "nul": b"5\x00",
        "vertical-tab": b"\x0b5",
        "words": b"five",
    }
    cases = [
        bad(f"length/{name}", post(b"Content-Length: " + value + b"\r\n", b"hello")) for name, value in odd.items()
    ]
    at = next(number for number, case in enumerate(cases) if case.name.endswith("/wraps-at-32"))
    # This length is valid, but larger than the limit, so the handler gets the request and the body is refused with 413.
    cases[at] = bad(cases[at].name, cases[at].template, 1)
    return [
        *cases,
        bad("length/two-equal", post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello")),
        bad("length/two-differ", post(b"Content-Length: 0\r\n" + length(hidden), hidden)),
        bad("length/two-differ-back", post(length(hidden) + b"Content-Length: 0\r\n", hidden)),
        bad("length/space-before-colon", post(b"Content-Length : 5\r\n", b"hello")),
        bad("length/fold", post(b"Content-Length:\r\n 5\r\n", b"hello")),
        bad("length/bare-cr", post(b"X: y\rContent-Length: 5\r\n", b"hello")),
        bad("length/bare-lf", post(b"X: y\nContent-Length: 5\r\n", b"hello")),
        good("length/of-get", post(length(hidden), hidden, b"GET /$/first HTTP/1.1")),
        good("length/of-head", post(length(hidden), hidden, b"HEAD /$/first HTTP/1.1")),
        good("length/of-delete", post(length(hidden), hidden, b"DELETE /$/first HTTP/1.1")),
        bad("length/of-underscore", post(b"Content_Length: 5\r\n", b"hello"), 1),
        good("length/in-connection", post(b"Connection: Content-Length\r\nContent-Length: 5\r\n", b"hello")),
        good("length/zero", post(b"Content-Length: 0\r\n")),
        good("length/none", post(b"")),
    ]


def chunks() -> list[Case]:
    """Chunked bodies that end at different places for different readers."""
    hidden = b"GET /$/hidden HTTP/1.1\r\nHost: a\r\n\r\n"
    grown = len(hidden) + PATH_LENGTH - 1
    odd = {
        "0x": b"0x5\r\nhello\r\n0\r\n\r\n",
        "plus": b"+5\r\nhello\r\n0\r\n\r\n",
        "minus": b"-5\r\nhello\r\n0\r\n\r\n",
        "space-before": b" 5\r\nhello\r\n0\r\n\r\n",
        "underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
        "no-digits": b"\r\nhello\r\n0\r\n\r\n",
        "words": b"five\r\nhello\r\n0\r\n\r\n",
        "wraps-at-32": b"100000005\r\nhello\r\n0\r\n\r\n",
        "wraps-at-64": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
        "lf-behind-size": b"5\nhello\r\n0\r\n\r\n",
        "cr-behind-size": b"5\rhello\r\n0\r\n\r\n",
        "lf-behind-data": b"5\r\nhello\n0\r\n\r\n",
        "nothing-behind-data": b"5\r\nhello0\r\n\r\n",
        "more-behind-data": b"5\r\nhelloXX0\r\n\r\n",
        "lf-behind-last": b"5\r\nhello\r\n0\n\r\n",
        "lf-at-end": b"5\r\nhello\r\n0\r\n\n",
        "bare-lf-in-extension": b"5;a\nx\r\nhello\r\n0\r\n\r\n",
        "cr-in-extension": b"5;a\rx\r\nhello\r\n0\r\n\r\n",
        "nul-in-extension": b"5;a\x00\r\nhello\r\n0\r\n\r\n",
        "hidden-by-lf-in-extension": b"0;\n%x\r\n%s\r\n0\r\n\r\n" % (grown, hidden),
        "hidden-by-lf": b"2;\nxx\r\n%x\r\n0\r\n\r\n%s\r\n0\r\n\r\n" % (grown + 5, hidden),
        "bare-semicolon": b"5;\r\nhello\r\n0\r\n\r\n",
        "trailer-fold": b"5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n",
        "trailer-bare-lf": b"5\r\nhello\r\n0\r\nX: a\n\r\n",
        "trailer-no-colon": b"5\r\nhello\r\n0\r\nGET /$/hidden HTTP/1.1\r\n\r\n",
    }
    even = {
        "one": SMALL,
        "leading-zeros": b"0005\r\nhello\r\n0\r\n\r\n",
        "capitals": b"A\r\nhellohello\r\n0\r\n\r\n",
        "zeros-at-end": b"5\r\nhello\r\n000\r\n\r\n",
        "extension": b"5;a=b\r\nhello\r\n0;c\r\n\r\n",
        "quoted-extension": b'5;a="b;c"\r\nhello\r\n0\r\n\r\n',
        "trailer": b"5\r\nhello\r\n0\r\nX: a\r\n\r\n",
        "trailer-of-framing": b"5\r\nhello\r\n0\r\nContent-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n",
        "none": b"0\r\n\r\n",
    }
    # The handler responds to the head before the body is read, so one request is served even if the body is refused.
    return [
        *(bad(f"chunk/{name}", post(CHUNKED, body), 1) for name, body in odd.items()),
        *(good(f"chunk/{name}", post(CHUNKED, body)) for name, body in even.items()),
    ]


def heads() -> list[Case]:
    """Lines, fields and targets."""
    odd = {
        "bare-lf": b"GET /$/first HTTP/1.1\nHost: a\n\n",
        "lf-in-field": b"GET /$/first HTTP/1.1\r\nHost: a\r\nX: y\n\r\n",
        "lf-at-end": b"GET /$/first HTTP/1.1\r\nHost: a\r\n\n",
        "cr-at-end": b"GET /$/first HTTP/1.1\r\nHost: a\r\n\r\r\n",
        "cr-in-value": b"GET /$/first HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n",
        "nul-in-value": b"GET /$/first HTTP/1.1\r\nHost: a\r\nX: y\x00z\r\n\r\n",
        "no-colon": b"GET /$/first HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
        "no-name": b"GET /$/first HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n",
        "odd-name": b"GET /$/first HTTP/1.1\r\nHost: a\r\nX(y): z\r\n\r\n",
        "fold": b"GET /$/first HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
        "space-first": b"GET /$/first HTTP/1.1\r\n Host: a\r\n\r\n",
        "empty-lines": b"\r\n\r\n\r\nGET /$/first HTTP/1.1\r\nHost: a\r\n\r\n",
        "two-spaces": b"GET  /$/first HTTP/1.1\r\nHost: a\r\n\r\n",
        "tab": b"GET\t/$/first HTTP/1.1\r\nHost: a\r\n\r\n",
        "three-words": b"GET /$/first first HTTP/1.1\r\nHost: a\r\n\r\n",
        "space-behind": b"GET /$/first HTTP/1.1 \r\nHost: a\r\n\r\n",
        "no-version": b"GET /$/first\r\nHost: a\r\n\r\n",
        "version-0.9": b"GET /$/first HTTP/0.9\r\nHost: a\r\n\r\n",
        "version-1": b"GET /$/first HTTP/1\r\nHost: a\r\n\r\n",
        "version-1.01": b"GET /$/first HTTP/1.01\r\nHost: a\r\n\r\n",
        "version-1.2": b"GET /$/first HTTP/1.2\r\nHost: a\r\n\r\n",
        "version-2": b"GET /$/first HTTP/2.0\r\nHost: a\r\n\r\n",
        "version-small": b"GET /$/first http/1.1\r\nHost: a\r\n\r\n",
        "preface-of-2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "no-host": b"GET /$/first HTTP/1.1\r\n\r\n",
        "two-hosts": b"GET /$/first HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "odd-host": b"GET /$/first HTTP/1.1\r\nHost: a b\r\n\r\n",
        "host-of-user": b"GET /$/first HTTP/1.1\r\nHost: a@b\r\n\r\n",
        "other-authority": b"GET http://b/$/first HTTP/1.1\r\nHost: a\r\n\r\n",
        "authority-of-user": b"GET http://a@b/$/first HTTP/1.1\r\nHost: b\r\n\r\n",
        "relative": b"GET $/first HTTP/1.1\r\nHost: a\r\n\r\n",
        "fragment": b"GET /$/first#x HTTP/1.1\r\nHost: a\r\n\r\n",
        "star": b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        "high-byte": b"GET /$/first\xe9 HTTP/1.1\r\nHost: a\r\n\r\n",
        "encoded-nul": b"GET /$/first%00 HTTP/1.1\r\nHost: a\r\n\r\n",
        "unknown-method": b"BREW /$/first HTTP/1.1\r\nHost: a\r\n\r\n",
        "small-method": b"get /$/first HTTP/1.1\r\nHost: a\r\n\r\n",
        "trace": b"TRACE /$/first HTTP/1.1\r\nHost: a\r\n\r\n",
        "connect": b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
        "many-fields": b"GET /$/first HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 150 + b"\r\n",
        "long-field": b"GET /$/first HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 40_000 + b"\r\n\r\n",
        "long-target": b"GET /$/first?" + b"y" * 10_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        "coding-of-1.0": b"POST /$/first HTTP/1.0\r\nHost: a\r\n" + CHUNKED + b"\r\n" + SMALL,
        "coding-of-1.0-kept": b"POST /$/first HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n"
        + CHUNKED
        + b"\r\n"
        + SMALL,
        "odd-expectation": post(b"Expect: something\r\nContent-Length: 5\r\n", b"hello"),
    }
    even = {
        "empty-line": b"\r\n" + GET,
        "capitals-of-host": b"GET http://A/$/first HTTP/1.1\r\nHost: a\r\n\r\n",
        "absolute": b"GET http://a/$/first HTTP/1.1\r\nHost: a\r\n\r\n",
        "absolute-without-path": b"GET http://a?x=$ HTTP/1.1\r\nHost: a\r\n\r\n",
        "options-star": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "empty-value": b"GET /$/first HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n",
        "high-byte-in-value": b"GET /$/first HTTP/1.1\r\nHost: a\r\nX: \xe9\r\n\r\n",
        "dots": b"GET /$/../$/./first HTTP/1.1\r\nHost: a\r\n\r\n",
        "slashes": b"GET //$//first HTTP/1.1\r\nHost: a\r\n\r\n",
        "encoded": b"GET /$/%2e%2e%2ffirst%0d%0aX:%20y HTTP/1.1\r\nHost: a\r\n\r\n",
        "head": b"HEAD /$/first HTTP/1.1\r\nHost: a\r\n\r\n",
        "kept-1.0": b"GET /$/first HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "expects": post(b"Expect: 100-continue\r\nContent-Length: 5\r\n", b"hello"),
        "expects-chunked": post(b"Expect: 100-continue\r\n" + CHUNKED, SMALL),
        "upgrade": b"GET /$/first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "upgrade-to-2": b"GET /$/first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        "host-in-connection": b"GET /$/first HTTP/1.1\r\nHost: a\r\nConnection: Host\r\n\r\n",
        "forged-stamps": b"GET /$/first HTTP/1.1\r\nHost: a\r\nX-Front-Request: forged\r\n\r\n",
        "stamp-in-connection": b"GET /$/first HTTP/1.1\r\nHost: a\r\nConnection: X-Front-Request\r\n\r\n",
    }
    return [
        *(bad(f"head/{name}", template) for name, template in odd.items()),
        *(good(f"head/{name}", template) for name, template in even.items()),
    ]


def rows() -> list[Case]:
    """Pipelined requests."""
    body = post(b"Content-Length: 5\r\n", b"hello")
    return [
        good("row/gets", GET * 5, 5),
        good("row/posts", body * 3, 3),
        good("row/chunked", post(CHUNKED, SMALL) * 3, 3),
        good("row/mixed", GET + body + post(CHUNKED, SMALL) + b"\r\n" + GET, 4),
        good("row/heads", GET.replace(b"GET", b"HEAD") * 2 + GET, 3),
        bad("row/good-then-bad", GET + post(b"Content-Length: 5\r\n" + CHUNKED, SMALL), 1),
        bad("row/body-then-more", body + b"more\r\n", 1),
        Case("row/closed", GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + GET, 1, refused=True),
        Case("row/closed-1.0", b"GET /$/first HTTP/1.0\r\n\r\n" + GET, 1, refused=True),
    ]


CORPUS = (
    *(case for cases in starmap(obscured, OBSCURED.items()) for case in cases),
    *lengths(),
    *chunks(),
    *heads(),
    *rows(),
)
