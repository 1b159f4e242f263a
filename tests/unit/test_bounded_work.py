"""For each parser, the work grows linearly with the number of bytes that a client sends."""

import http.cookies
import urllib.parse
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from tests.unit.steps import Steps
from twisted.web import http as twisted_http

import ropewalk.byte_ranges
import ropewalk.charsets
import ropewalk.conditions
import ropewalk.cookies
import ropewalk.headers
import ropewalk.negotiation
from ropewalk import HTTPError, QueryParams
from ropewalk.byte_ranges import satisfied
from ropewalk.charsets import find_codec
from ropewalk.conditions import evaluate
from ropewalk.converters import BUILT_IN
from ropewalk.cookies import parse_cookies
from ropewalk.dropin.request import access_log as combined
from ropewalk.dropin.request import lazy_request
from ropewalk.headers import Headers, content_type
from ropewalk.json_values import is_too_deep, read_json
from ropewalk.negotiation import preferred
from ropewalk.request.query import parse_query
from ropewalk.resource import split_path

Make = Callable[[int], Any]

SIZE = 500


def each(parse: Callable[[Any], object], **makes: Make) -> list[Any]:
    name = parse.__qualname__.replace(".<locals>", "")
    return [pytest.param(parse, make, id=f"{name}, {kind}") for kind, make in makes.items()]


def args(query: bytes) -> object:
    return parse_query(query, "latin-1")


def refused(parse: Callable[[Any], object]) -> Callable[[Any], object]:
    def parsing(value: Any) -> None:
        with suppress(ValueError, HTTPError):
            parse(value)

    parsing.__qualname__ = parse.__qualname__
    return parsing


def decode(named: tuple[str, bytes]) -> object:
    codec = find_codec(named[0])
    return codec and named[1].decode(codec, "replace")


def received(lines: list[tuple[bytes, bytes]]) -> object:
    headers = Headers.received(lines)
    return headers.get("cookie"), headers.lines(), len(headers), headers.get("none")


def as_dict(lines: list[tuple[bytes, bytes]]) -> object:
    """Convert header fields to dicts, with names whose comparisons count as steps."""
    headers = Headers.received([(name, value) for name, value in lines])
    headers._lines = [(Compared(name), value) for name, value in headers._lines]
    return dict(headers), dict(headers.items())


class Compared(str):
    """A name whose comparisons count as calls."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)


def negotiate(accept: str) -> object:
    return preferred(accept, ("application/json", "text/html"))


def ranges_of(value: str) -> object:
    return satisfied(value, 10**9)


def conditions_of(value: str) -> object:
    return evaluate({"if-match": '"a",' + value, "if-none-match": value}.get, '"a"', None, 0)


PARSERS = [
    *each(
        ranges_of,
        ranges=lambda n: "bytes=" + ",".join(f"{i}-{i}" for i in range(0, n * 1000, 1000)),
        equal_ranges=lambda n: "bytes=" + "0-," * n,
        commas=lambda n: "bytes=" + "," * n,
        digits=lambda n: "bytes=" + "9" * n + "-",
        hyphens=lambda n: "bytes=" + "-" * n,
        spaces=lambda n: "bytes=0" + " " * n,
    ),
    *each(
        conditions_of,
        tags=lambda n: '"b",' * n,
        quotes=lambda n: '"' * n,
        weak=lambda n: "W/" * n,
    ),
    *each(
        negotiate,
        ranges=lambda n: ",".join(f"text/a{i:06};q=0.5" for i in range(n)),
        commas=lambda n: "," * n,
        parameters=lambda n: "text/html" + ";a=1" * n,
        open_quotes=lambda n: 'text/html;a="' * n,
        escapes=lambda n: 'text/html;a="' + r"\"" * n,
        backslashes=lambda n: 'text/html;a="' + "\\" * n,
        quotes=lambda n: '"' * n,
        digits=lambda n: "text/html;q=0." + "1" * n,
        spaces=lambda n: "text/html" + " " * n + ";" + " " * n + "q=1",
    ),
    *each(
        parse_cookies,
        escapes=lambda n: 'a="' + r"\"" * n + '"',
        backslashes=lambda n: 'a="' + "\\" * n + '"',
        octals=lambda n: 'a="' + r"\101" * n + '"',
        one_that_is_none=lambda n: 'a="' + "\\" * n + r'\101"',
        open_quotes=lambda n: 'a="' * n,
        many=lambda n: "; ".join(f"a{i:06}=1" for i in range(n)),
        semicolons=lambda n: ";" * n,
        equals=lambda n: "a" + "=" * n,
        spaces=lambda n: "a = " + " " * n + ";" + " " * n,
    ),
    *each(
        QueryParams,
        many=lambda n: b"&".join(b"a%06d=1" % i for i in range(n)),
        of_one_name=lambda n: b"a=1&" * n,
        separators=lambda n: b"&;" * n,
        percent=lambda n: b"a=" + b"%C3%A9" * n,
        not_utf8=lambda n: b"%FF=" + b"%FF%C3" * n,
        broken_percent=lambda n: b"a=" + b"%" * n,
        plus=lambda n: b"+" * n,
        equals=lambda n: b"=" * n,
    ),
    *each(
        args,
        many=lambda n: b"&".join(b"a%06d=1" % i for i in range(n)),
        percent=lambda n: b"a=" + b"%C3%A9" * n,
        broken_percent=lambda n: b"a=" + b"%" * n,
    ),
    *each(
        content_type,
        parameters=lambda n: "text/plain" + ";a=b" * n,
        semicolons=lambda n: ";" * n,
        quotes=lambda n: 'text/plain; charset="' + '"' * n,
        spaces=lambda n: "text/plain;" + " " * n + "charset" + " " * n,
        slashes=lambda n: "/" * n,
    ),
    *each(
        refused(split_path),
        segments=lambda n: b"/a" * n,
        slashes=lambda n: b"/" * n,
        dots=lambda n: b"/.." * n,
        percent=lambda n: b"/" + b"%41" * n,
        not_utf8=lambda n: b"/" + b"%FF" * n,
        encoded_slashes=lambda n: b"/%2F" * n,
    ),
    *[
        param
        for converter in BUILT_IN
        for param in each(
            refused(converter.parse),
            digits=lambda n: "1" * n,
            minus=lambda n: "-" * n,
            fraction=lambda n: "1." + "1" * n,
            points=lambda n: "." * n,
        )
    ],
    *each(
        received,
        lines=lambda n: [(b"cookie", b"a=1")] * n,
        names=lambda n: [(b"x-%06d" % i, b"1") for i in range(n)],
    ),
    *each(
        as_dict,
        names=lambda n: [(b"x-%06d" % i, b"1") for i in range(n)],
    ),
    *each(
        is_too_deep,
        arrays=lambda n: b"[" * n,
        closed=lambda n: b"[" * n + b"]" * n,
        objects=lambda n: b'{"a":' * n,
        flat=lambda n: b"[" + b'{"a":[]},' * n,
        strings=lambda n: b"[" * 250 + b'"a[",' * n,
        escapes=lambda n: b"[" * 250 + b'"' + b'\\"' * n,
        backslashes=lambda n: b"[" * 250 + b'"' + b"\\" * n,
        quotes=lambda n: b"[" * 250 + b'"' * n,
        of_nothing=lambda n: b"]}" * n + b"[" * n,
    ),
    *each(
        refused(lambda body: read_json(body, Any)),
        integer=lambda n: b"1" * n,
        fraction=lambda n: b"1." + b"1" * n,
        exponent=lambda n: b"1e" + b"9" * n,
        one_key=lambda n: b"{" + b'"a":1,' * n + b'"a":1}',
        string=lambda n: b'"' + b"\\u00e9" * n + b'"',
        arrays=lambda n: b"[" * n + b"]" * n,
    ),
    *each(
        lazy_request.parse_cookies,
        many=lambda n: [b"; ".join(b"a%06d=1" % i for i in range(n))],
        lines=lambda n: [b"a=1"] * n,
        quotes=lambda n: [b'a="' + b'\\"' * n + b'"'],
    ),
    *each(
        combined._text,
        quotes=lambda n: b'"' * n,
        escapes=lambda n: b"\\\xff" * n,
    ),
    *[
        pytest.param(decode, lambda n, name=name: (name, "aé".encode("utf-16") * n), id=f"decode, {name}")
        for name in [labels.split()[0] for labels in ropewalk.charsets._LABELS.values()]
    ],
    pytest.param(decode, lambda n: ("punycode", b"a" * n + b"-" + b"b" * n), id="decode, punycode"),
    pytest.param(decode, lambda n: ("idna", b"a." * n), id="decode, idna"),
]


@pytest.mark.parametrize(("parse", "make"), PARSERS)
def test_work_is_linear(parse: Callable[[Any], object], make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch)
    steps.watch(
        *(urllib.parse, http.cookies, combined, twisted_http),
        *(ropewalk.byte_ranges, ropewalk.conditions, ropewalk.cookies, ropewalk.headers, ropewalk.negotiation),
    )
    for size in (1, SIZE):
        parse(make(size))  # fills caches
    small, twice, four = (steps.of(partial(parse, make(size))) for size in (SIZE, 2 * SIZE, 4 * SIZE))
    assert twice <= 2.2 * small + 100
    assert four <= 4.4 * small + 100
