"""The head of an answer as `start_response` takes it (PEP 3333, "The start_response() Callable")."""

from functools import lru_cache
from typing import Final, NamedTuple

from ropewalk.errors import HostedError, is_status, shown
from ropewalk.headers import Text, reason_phrase
from ropewalk.request import BODILESS

HOP_BY_HOP: Final = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
"""Fields of the connection, which is the server's (RFC 9110, section 7.6.1)."""


class Head(NamedTuple):
    """Status and fields, fit for the engine as far as can be seen without it."""

    status: int
    reason: bytes | None
    """The phrase, where it is not the registered one."""
    fields: list[tuple[str, Text]]
    length: int | None
    """What Content-Length says, in bytes."""
    bodiless: bool


def parse_head(status: object, headers: object) -> Head:
    """Raises HostedError: RW700 for what is malformed, RW703 for a field of the connection."""
    if not isinstance(status, str):
        raise HostedError("RW700", f"The status is {shown(status)}.", 'Give a str such as "200 OK".')
    if not isinstance(headers, list):
        raise HostedError("RW700", f"The headers are {shown(headers)}.", "Give a list of tuples of two str.")
    code, reason = _parse_status(status)
    fields: list[tuple[str, Text]] = headers
    length = None
    ascii_only = True
    for pair in headers:
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], str)):
            raise HostedError("RW700", f"{shown(pair)} is no header.", "Give each as a tuple of two str.")
        name = pair[0].lower()
        if name in HOP_BY_HOP:
            raise HostedError("RW703", f"The header {shown(pair)} is about the connection.")
        if name == "content-length":
            length = _parse_length(pair[1])
        ascii_only = ascii_only and pair[1].isascii()
    if not ascii_only:
        fields = [(name, value if value.isascii() else _latin(name, value)) for name, value in headers]
    return Head(code, reason, fields, length, code in BODILESS)


@lru_cache(maxsize=256)
def _parse_status(status: str) -> tuple[int, bytes | None]:
    code, _, reason = status.partition(" ")
    if not (len(code) == 3 and code.isascii() and code.isdigit() and is_status(int(code))):
        raise HostedError("RW700", f"The status is {shown(status)}.", 'Give one from 200 to 599, such as "200 OK".')
    return int(code), None if status == "200 OK" or not reason else reason_phrase(reason)


def _parse_length(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise HostedError("RW700", f"The Content-Length is {shown(value)}.", "Give a number of bytes, as a str.")
    return int(value)


def _latin(name: str, value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        what = f"The header {name} is not Latin-1 but {shown(value)}."
        raise HostedError("RW700", what, "Encode it as its field demands (RFC 8187, for instance).") from None
