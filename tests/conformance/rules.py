"""Intended differences from h11 and llhttp: what only we refuse (`RULES`), and what only they refuse (`LENIENCES`).

A rule belongs to a reason that the engine gives for a refusal, and checks in the bytes whether the reason is true. If
an oracle accepts what we refuse, and no rule explains this, our engine has a bug.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv6Address

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
EXTENSION = rb"[ \t]*;[ \t]*%b(?:[ \t]*=[ \t]*(?:%b|%b))?" % (TOKEN.pattern, TOKEN.pattern, QUOTED)
EXTENSIONS = re.compile(rb"(?:%b)*" % EXTENSION)
"""The extensions of a chunk (RFC 9112, section 7.1.1)."""
METHODS = set(
    b"ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR "
    b"MKCOL MKREDIRECTREF MKWORKSPACE MOVE NOTIFY OPTIONS ORDERPATCH PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY "
    b"REBIND REPORT SEARCH UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL".split()
)
"""The methods that the engine supports: the registry of RFC 9110 and two common ones, without CONNECT and TRACE."""


class Raw:
    """A message, divided into its parts as leniently as any parser might."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.behind_empty_line = data.removeprefix(b"\r\n")
        found = re.search(rb"\n\r?\n", self.behind_empty_line)
        end = found.end() if found else len(data)
        self.head, self.body = self.behind_empty_line[:end], self.behind_empty_line[end:]
        self.request_line, *self.lines = [line.rstrip(b"\r\n") for line in self.head.split(b"\n")]

    @cached_property
    def parts(self) -> list[bytes]:
        """The parts of the request line: method, target, version."""
        return [*self.request_line.split(b" "), b"", b"", b""]

    @property
    def method(self) -> bytes:
        return self.parts[0]

    @property
    def target(self) -> bytes:
        return self.parts[1]

    @property
    def version(self) -> bytes:
        return self.parts[2]

    def values(self, name: bytes) -> list[bytes]:
        """The value of each field with this name."""
        fields = [line.partition(b":") for line in self.lines]
        return [value.strip(b" \t") for candidate, _, value in fields if candidate.lower() == name]

    @property
    def extensions(self) -> list[bytes]:
        """The text after each possible chunk size in the body."""
        return re.findall(rb"(?:^|\r\n)[0-9A-Fa-f]+(;(?:(?!\r\n).)*)", self.body, re.DOTALL)

    @property
    def authority(self) -> bytes | None:
        """The authority of a target in absolute form."""
        found = re.match(rb"(?i:https?)://([^/?#]*)", self.target)
        return found[1] if found else None


@dataclass(frozen=True)
class Rule:
    """Why we refuse a message that an oracle accepts."""

    refusal: str
    """The reason that the engine gives."""
    section: str
    """The section of RFC 9112, or of the RFC that is named."""
    reason: str
    holds: Callable[[Raw], bool]
    example: bytes


@dataclass(frozen=True)
class Lenience:
    """Why we accept a message that an oracle refuses."""

    refusal: str
    """The beginning of the reason that the oracle gives."""
    section: str
    reason: str
    holds: Callable[[Raw], bool]
    example: bytes


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def is_authority(value: bytes) -> bool:
    """Whether a value is a host, with or without a port, that has no encoded control characters."""
    name = rb"(?:[-._~!$&'()*+;=0-9A-Za-z]|%(?!7[Ff])[2-9A-Fa-f][0-9A-Fa-f])+"
    found = re.fullmatch(rb"(?:\[([^\]]*)\]|(" + name + rb"))(?::([0-9]*))?", value)
    if not found or int((found[3] or b"").lstrip(b"0")[:6] or 0) > 65_535:
        return False
    return found[2] is not None or is_ipv6(found[1].decode("latin-1")) or is_future_address(found[1])


def is_ipv6(text: str) -> bool:
    try:
        return not IPv6Address(text).scope_id
    except ValueError:
        return False


def is_future_address(value: bytes) -> bool:
    return re.fullmatch(rb"[vV][0-9A-Fa-f]+\.[-._~!$&'()*+;=:0-9A-Za-z]+", value) is not None


def is_token(value: bytes) -> bool:
    return TOKEN.fullmatch(value) is not None


def is_coded_and_chunked(value: bytes) -> bool:
    """Whether a Transfer-Encoding has other codings before chunked, which comes once and last."""
    *codings, last = [coding.strip(b" \t") for coding in value.split(b",")]
    return last == b"chunked" and codings != [] and b"chunked" not in codings and all(map(is_token, codings))


def has_controls(value: bytes) -> bool:
    """Whether a field value has control characters other than the tab."""
    return re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value) is not None


def has_folded_line(lines: list[bytes]) -> bool:
    return any(line[:1] in (b" ", b"\t") for line in lines)


RULES = (
    Rule(
        "a line ends with a bare line feed",
        "2.2",
        "A recipient may accept a bare LF as a line end. But a proxy that does not accept it would see other fields.",
        lambda raw: re.search(rb"(?<!\r)\n", raw.head) is not None,
        b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    ),
    Rule(
        "a header name is not a token, or is followed by space",
        "5.1, 5.2",
        "A server must refuse or repair folded lines; Ropewalk refuses them.",
        lambda raw: has_folded_line(raw.lines),
        b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
    ),
    Rule(
        "a header value has control characters",
        "RFC 9110, 5.5",
        "The tab is the only control character in a value. A server must refuse NUL, CR and LF. Ropewalk also refuses "
        "the others.",
        lambda raw: any(has_controls(line.partition(b":")[2]) for line in raw.lines),
        b"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n",
    ),
    Rule(
        "the request line is not a method, a target and a version",
        "3; 2.3",
        "HTTP/0.9, whose requests have no version, is not supported.",
        lambda raw: raw.request_line.count(b" ") != 2,
        b"GET /\r\nHost: a\r\n\r\n",
    ),
    Rule(
        "the request line is not a method, a target and a version",
        "2.2",
        "One empty line before a request is allowed, but a bare CR is not an empty line.",
        lambda raw: re.match(rb"\r(?!\n)", raw.behind_empty_line) is not None,
        b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    Rule(
        "more than one empty line before the request line",
        "2.2",
        "A server should skip one empty line, because old clients send it. No client sends more.",
        lambda raw: raw.behind_empty_line.startswith(b"\r\n"),
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    Rule(
        "the version is not well formed",
        "2.3",
        "HTTP/0.9 with more than one space is not supported either.",
        lambda raw: re.fullmatch(rb"HTTP/[0-9]\.[0-9]", raw.version) is None,
        b"GET  /\r\nHost: a\r\n\r\n",
    ),
    Rule(
        "this version of HTTP is not supported",
        "2.3; RFC 9110, 15.6.6",
        "Ropewalk supports versions 1.0 and 1.1. Other versions get 505.",
        lambda raw: (
            re.fullmatch(rb"HTTP/[0-9]\.[0-9]", raw.version) is not None
            and raw.version not in (b"HTTP/1.0", b"HTTP/1.1")
        ),
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    ),
    Rule(
        "the method is not supported",
        "3.1; RFC 9110, 9.1",
        "A method that is not registered gets 501, before the rest of the request is read.",
        lambda raw: is_token(raw.method) and raw.method not in METHODS,
        b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    Rule(
        "CONNECT and TRACE are not supported",
        "RFC 9110, 9.3.6, 9.3.8",
        "CONNECT is for proxies, and TRACE for debugging.",
        lambda raw: raw.method in (b"CONNECT", b"TRACE"),
        b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    Rule(
        "the target * is for OPTIONS only",
        "3.2.4",
        "The asterisk form is for OPTIONS of the whole server.",
        lambda raw: raw.target == b"*" and raw.method != b"OPTIONS",
        b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    Rule(
        "the target is neither a path nor an http URL",
        "3.2",
        "A target has one of four forms, two of which are for CONNECT and OPTIONS.",
        lambda raw: not raw.target.startswith(b"/") and raw.authority is None,
        b"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    Rule(
        "the target has a fragment",
        "3.2.1",
        "A target is a path and a query. A client must not send the fragment.",
        lambda raw: b"#" in raw.target,
        b"GET /#x HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    Rule(
        "the target has an encoded NUL",
        "RFC 3986, 7.3",
        "Only attackers send an encoded NUL in a path.",
        lambda raw: b"%00" in raw.target.partition(b"?")[0],
        b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    Rule(
        "the authority of the target is not valid",
        "3.2.2; RFC 9110, 4.2.1, 4.2.4",
        "A URL with an empty host, a name and password, or a port above 65535 is an error.",
        lambda raw: raw.authority is not None and not is_authority(raw.authority),
        b"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    Rule(
        "the Host is not valid",
        "3.2; RFC 9110, 7.2",
        "A server must refuse an invalid Host. An empty Host is invalid, because an http URL always has a host.",
        lambda raw: any(not is_authority(value) for value in raw.values(b"host")),
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    ),
    Rule(
        "the target and the Host differ",
        "3.2.2",
        "A server must use the target. But a cache or filter may use the Host, and would see another host.",
        lambda raw: (
            raw.authority is not None and [value.lower() for value in raw.values(b"host")] != [raw.authority.lower()]
        ),
        b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    Rule(
        "there is no Host",
        "3.2",
        "A request of HTTP/1.1 without Host must be refused.",
        lambda raw: not raw.values(b"host"),
        b"GET / HTTP/1.1\r\n\r\n",
    ),
    Rule(
        "more than one Host",
        "3.2",
        "A request with more than one Host must be refused.",
        lambda raw: len(raw.values(b"host")) > 1,
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    ),
    Rule(
        "the only supported expectation is 100-continue",
        "RFC 9110, 10.1.1",
        "Any other expectation gets 417.",
        lambda raw: any(value.lower() != b"100-continue" for value in raw.values(b"expect")),
        b"GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n",
    ),
    Rule(
        "Transfer-Encoding in HTTP/1.0",
        "6.1",
        "A server must treat the framing of such a message as faulty.",
        lambda raw: raw.version == b"HTTP/1.0" and raw.values(b"transfer-encoding") != [],
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    Rule(
        "both Transfer-Encoding and Content-Length",
        "6.1",
        "A server should treat such a message as an error. It may refuse the message, or use the coding.",
        lambda raw: raw.values(b"transfer-encoding") != [] and raw.values(b"content-length") != [],
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    Rule(
        "the only supported transfer coding is chunked",
        "6.1; 7.2",
        "A coding that a server does not support gets 501. Clients use Content-Encoding for compression.",
        lambda raw: any(is_coded_and_chunked(value.lower()) for value in raw.values(b"transfer-encoding")),
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ),
    Rule(
        "the Transfer-Encoding is not exactly one chunked",
        "6.1; RFC 9110, 5.6.1",
        "The end of the body is clear only if chunked is the last coding, and occurs once. Ropewalk also refuses empty "
        "list elements in fields that frame a message.",
        lambda raw: any(value.lower() != b"chunked" for value in raw.values(b"transfer-encoding")),
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n",
    ),
    Rule(
        "more than one Transfer-Encoding",
        "6.1",
        "Ropewalk supports only one coding, so a list is an error.",
        lambda raw: len(raw.values(b"transfer-encoding")) > 1,
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    Rule(
        "more than one Content-Length",
        "6.3",
        "A server may merge equal values, but Ropewalk refuses them.",
        lambda raw: len(raw.values(b"content-length")) > 1,
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    ),
    Rule(
        "the Content-Length is not a plain number",
        "6.3; RFC 9110, 8.6",
        "Ropewalk accepts at most 18 digits, without leading zeros. A server may merge a list of equal numbers, but "
        "Ropewalk refuses it.",
        lambda raw: any(not re.fullmatch(rb"0|[1-9][0-9]{0,17}", value) for value in raw.values(b"content-length")),
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 01\r\n\r\nx",
    ),
    Rule(
        "a chunk size is too large",
        "7.1",
        "Ropewalk accepts at most 15 digits, including leading zeros.",
        lambda raw: re.search(rb"(?:^|\r\n)[0-9A-Fa-f]{16}", raw.body) is not None,
        CHUNKED + b"0000000000000001\r\nx\r\n0\r\n\r\n",
    ),
    Rule(
        "a chunk size is not a hexadecimal number",
        "7.1",
        "The grammar allows white space after the size only before an extension, and a sender must not send it.",
        lambda raw: re.search(rb"(?:^|\r\n)[0-9A-Fa-f]+[ \t]+[;\r]", raw.body) is not None,
        CHUNKED + b"1 \r\nx\r\n0\r\n\r\n",
    ),
    Rule(
        "a chunk size does not end with CR LF",
        "7.1.1",
        "Some parsers end the line at a bare CR in an extension.",
        lambda raw: re.search(rb"(?:^|\r\n)[0-9A-Fa-f]+;[^\r\n]*\r(?!\n)", raw.body) is not None,
        CHUNKED + b"1;a\rb\r\nx\r\n0\r\n\r\n",
    ),
    Rule(
        "a chunk extension is not well formed",
        "7.1.1",
        "Names and values are tokens or quoted strings. A parser that skips them may find another line end.",
        lambda raw: any(not EXTENSIONS.fullmatch(extensions) for extensions in raw.extensions),
        CHUNKED + b"1;\r\nx\r\n0\r\n\r\n",
    ),
    Rule(
        "a trailer line ends with a bare line feed",
        "2.2, 7.1.2",
        "The same rule applies in the head.",
        lambda raw: re.search(rb"(?<!\r)\n", raw.body) is not None,
        CHUNKED + b"0\r\nX: y\n\r\n",
    ),
    Rule(
        "a trailer value has control characters",
        "7.1.2; RFC 9110, 5.5",
        "The same rule applies in the head.",
        lambda raw: any(has_controls(line.partition(b":")[2].removesuffix(b"\r")) for line in raw.body.split(b"\n")),
        CHUNKED + b"0\r\nX: \x01\r\n\r\n",
    ),
    Rule(
        "a trailer name is not a token",
        "7.1.2, 5.2",
        "This is a folded line. The same rule applies in the head.",
        lambda raw: has_folded_line(raw.body.split(b"\n")),
        CHUNKED + b"0\r\nX: y\r\n z: a\r\n\r\n",
    ),
    Rule(
        "a trailer line has no colon",
        "7.1.2, 5.2",
        "This is a folded line. The same rule applies in the head.",
        lambda raw: has_folded_line(raw.body.split(b"\n")),
        CHUNKED + b"0\r\nX: y\r\n z\r\n\r\n",
    ),
)

LENIENCES = (
    Lenience(
        "Invalid character in chunk extensions",
        "7.1.1",
        "llhttp refuses white space around the parts of an extension. A recipient must skip this white space.",
        lambda raw: any(re.search(rb"[ \t]", found) and EXTENSIONS.fullmatch(found) for found in raw.extensions),
        CHUNKED + b"1; a = b\r\nx\r\n0\r\n\r\n",
    ),
    Lenience(
        "Content-Length can't be present with Transfer-Encoding",
        "RFC 9110, 6.5.1",
        "llhttp treats trailers as fields of the head. Ropewalk drops fields that must not be trailers.",
        lambda raw: re.search(rb"(?i)\r\ncontent-length[ \t]*:", raw.body) is not None,
        CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n",
    ),
    Lenience(
        "Invalid `Transfer-Encoding` header value",
        "RFC 9110, 6.5.1",
        "The same as for Content-Length.",
        lambda raw: re.search(rb"(?i)\r\ntransfer-encoding[ \t]*:", raw.body) is not None,
        CHUNKED + b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    Lenience(
        "Request has invalid `Transfer-Encoding`",
        "5.1",
        "llhttp treats a tab after the coding as a part of the coding. But tabs around a value are white space.",
        lambda raw: any(re.fullmatch(rb"(?i)transfer-encoding:.*\t *", line) for line in raw.lines),
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
    ),
)
