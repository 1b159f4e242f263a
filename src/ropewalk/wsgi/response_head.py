"""Parse the arguments of `start_response` (PEP 3333, "The start_response() Callable")."""

from functools import lru_cache
from typing import Final

from ropewalk.errors import HostedError, is_status, shown
from ropewalk.headers import Text, reason_phrase

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
"""Header fields about the connection, which only the server may set (RFC 9110, section 7.6.1; PEP 3333, "Other HTTP
Features")."""

_SPECIAL: Final = HOP_BY_HOP | {"content-length"}


@lru_cache(maxsize=256)
def parse_status(status: object) -> tuple[int, bytes | None]:
    """Parse a status line into the status and the reason phrase. The phrase is None if it is empty, or for "200 OK".

    Raises HostedError (RW700) for an invalid status.
    """
    code, _, reason = status.partition(" ") if isinstance(status, str) else ("", "", "")
    if not (len(code) == 3 and code.isascii() and code.isdigit() and is_status(int(code))):
        raise HostedError("RW700", f"The status is {shown(status)}.", 'Give one from 200 to 599, such as "200 OK".')
    return int(code), None if status == "200 OK" or not reason else reason_phrase(reason)


def parse_headers(headers: object) -> tuple[list[tuple[str, Text]], int | None]:
    """Convert an application's headers to fields for the engine. Return the fields and the value of Content-Length,
    which is None if absent.

    Raises HostedError: RW700 for malformed headers, RW703 for a field in HOP_BY_HOP.
    """
    if not isinstance(headers, list):
        raise HostedError("RW700", f"The headers are {shown(headers)}.", "Give a list of tuples of two str.")
    length = None
    is_ascii = True
    for header in headers:
        if not (isinstance(header, tuple) and len(header) == 2):
            raise _malformed(header)
        name, value = header
        if not (isinstance(name, str) and isinstance(value, str)):
            raise _malformed(header)
        if name.lower() in _SPECIAL:
            if name.lower() in HOP_BY_HOP:
                raise HostedError("RW703", f"{shown(header)} is a hop-by-hop header.")
            length = _parse_length(value)
        if not value.isascii():
            is_ascii = False
    return ([*headers] if is_ascii else [(name, _latin(name, value)) for name, value in headers]), length


def _malformed(header: object) -> HostedError:
    return HostedError("RW700", f"{shown(header)} is not a header.", "Give each as a tuple of two str.")


def _parse_length(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise HostedError("RW700", f"The Content-Length is {shown(value)}.", "Give a number of bytes, as a str.")
    return int(value)


def _latin(name: str, value: str) -> Text:
    """Convert the value of a header for the engine: each character is one byte (PEP 3333, "Unicode Issues")."""
    try:
        return value if value.isascii() else value.encode("latin-1")
    except UnicodeEncodeError:
        what = f"The header {name} is not Latin-1 but {shown(value)}."
        raise HostedError("RW700", what, "Encode it as the field requires, for example with RFC 8187.") from None
