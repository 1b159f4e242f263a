"""Decodes tokens (RFC 7515, section 7.1), and verifies their signatures."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ropewalk.auth.jwt_keys import Key
from ropewalk.auth.jwt_options import BearerJWTOptions
from ropewalk.auth.unauthorized import Refused
from ropewalk.json_values import is_too_deep

_TOKEN: Final = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_DESCRIPTIONS: Final = {"expired": "The token has expired", "invalid": "The token is invalid"}
MOST_TRIED: Final = 8
"""The most keys that are tried for one token."""


class Token:
    """A token with its header decoded. Nothing in it is verified yet. Raises Refused for a malformed token."""

    def __init__(self, written: bytes, options: BearerJWTOptions) -> None:
        if len(written) > options.token_limit:
            raise refused()
        parts = _TOKEN.fullmatch(written)
        if parts is None:
            raise refused()
        header = decode_object(_octets(parts[1]))
        self.algorithm = header.get("alg")
        self.key_id = header.get("kid")
        kind = header.get("typ", "jwt")
        accepted = [each.lower() for each in options.token_types]
        if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in accepted:
            raise refused()
        if "crit" in header or not isinstance(self.algorithm, str) or not isinstance(self.key_id, str | None):
            raise refused()  # `crit` names extensions that a recipient must refuse if it does not support them
        self._payload = parts[2]
        self._signed = written[: parts.end(2)]
        self._signature = _octets(parts[3])

    def candidates(self, keys: Iterable[Key]) -> list[Key]:
        """The keys that may have signed the token."""
        suitable = [each for each in keys if self.algorithm in each.algorithms]
        if self.key_id is None:
            return suitable[:MOST_TRIED]
        named = [each for each in suitable if each.id == self.key_id]
        return (named or [each for each in suitable if each.id is None])[:MOST_TRIED]

    def claims(self, keys: Iterable[Key]) -> dict[str, Any]:
        """The claims, verified with one of the keys. Raises Refused if none of them has signed the token."""
        return decode_object(self.payload(keys))

    def payload(self, keys: Iterable[Key]) -> bytes:
        """The JSON of the claims, verified with one of the keys. Raises Refused if none has signed the token."""
        algorithm = str(self.algorithm)
        if not any(each.verifies(algorithm, self._signed, self._signature) for each in keys):
            raise refused()
        return _octets(self._payload)


def refused(what: str = "invalid") -> Refused:
    """The Refused error for a token (RFC 6750, section 3.1)."""
    return Refused({"error": "invalid_token", "error_description": _DESCRIPTIONS[what]})


def decode_object(octets: bytes) -> dict[str, Any]:
    """Decode a JSON object. Raises Refused for anything else."""
    try:
        if is_too_deep(octets):
            raise refused()
        value = msgspec.json.decode(octets)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise refused() from None
    if not isinstance(value, dict):
        raise refused()
    return value


def _octets(part: bytes) -> bytes:
    try:
        return urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except ValueError:
        raise refused() from None
