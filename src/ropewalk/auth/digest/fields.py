"""Parses and checks the fields of Digest credentials (RFC 9110, section 11.2; RFC 7616, section 3.4)."""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from ropewalk.auth.unauthorized import Refused

_NAME: Final = r"([!#$%&'*+.^`|~\w-]+)[ \t]*=[ \t]*"
_VALUE: Final = r'(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))'
_FIELD: Final = re.compile(rf"{_NAME}{_VALUE}[ \t]*(?:,[ \t]*|$)", re.ASCII)
_ESCAPE: Final = re.compile(r"\\(.)")
_COUNT: Final = re.compile("[0-9A-Fa-f]{8}")
LONGEST: Final = 8192
"""The maximum size in bytes of Digest credentials."""
_NEEDED: Final = ("realm", "nonce", "uri", "response", "cnonce", "nc", "qop")


def parse_fields(credentials: bytes) -> dict[str, str]:
    """The fields of credentials by lower-case name, decoded as UTF-8 with `surrogateescape`.

    Raises Refused (400) for malformed credentials.
    """
    if len(credentials) > LONGEST:
        raise Refused(status=400, why=f"they are longer than {LONGEST} bytes")
    text = credentials.decode("utf-8", "surrogateescape")
    fields: dict[str, str] = {}
    place = 0
    while place < len(text):
        found = _FIELD.match(text, place)
        if found is None or found[1].lower() in fields:
            raise Refused(status=400, why="they are not a list of fields, or repeat a field")
        fields[found[1].lower()] = found[3] if found[2] is None else _ESCAPE.sub(r"\1", found[2])
        place = found.end()
    return fields


def check_fields(fields: dict[str, str]) -> None:
    """Raises Refused (400) if a required field is missing or malformed.

    Clients of the older RFC 2069 do not send the fields that protect against replay, so they are refused.
    """
    if any(not fields.get(name) for name in _NEEDED) or fields["qop"] != "auth" or not _COUNT.fullmatch(fields["nc"]):
        raise Refused(status=400, why=f"they lack one of {', '.join(_NEEDED)}, or have another qop than auth")
    if fields.get("userhash", "false").lower() != "false":
        raise Refused(status=400, why="they have userhash")  # the challenge does not offer hashed user names


def user_name(fields: dict[str, str]) -> str:
    """The user's name, from `username` or from the extended `username*` (RFC 8187).

    Raises Refused (400) if neither or both are given, or if the name is malformed.
    """
    plain, extended = fields.get("username"), fields.get("username*")
    if (plain is None) == (extended is None):
        raise Refused(status=400, why="they have neither username nor username*, or both")
    if extended is not None:
        charset, _, encoded = extended.partition("'")
        encoded = encoded.partition("'")[2]
        if charset.lower() != "utf-8":
            raise Refused(status=400, why="the charset of username* is not UTF-8")
        octets = unquote_to_bytes(encoded)
    else:
        octets = str(plain).encode("utf-8", "surrogateescape")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(status=400, why="the name is not UTF-8") from None
