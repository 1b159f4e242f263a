"""Decodes tokens (RFC 7515, section 7.1), and verifies their signatures."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ropewalk.auth.jwt_keys import Key
from ropewalk.auth.jwt_options import BearerJWTOptions
from ropewalk.auth.unauthorized import Refused
from ropewalk.errors import shown
from ropewalk.json_values import is_too_deep

_TOKEN: Final = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_DESCRIPTIONS: Final = {"expired": "The token has expired", "invalid": "The token is invalid"}
_NO_OBJECT: Final = "its header or its claims are not a JSON object"
MOST_TRIED: Final = 8
"""The maximum number of keys that are tried for one token."""


class Token:
    """A token with its header decoded. Nothing in it is verified yet. Raises Refused for a malformed token."""

    def __init__(self, written: bytes, options: BearerJWTOptions) -> None:
        if len(written) > options.token_limit:
            raise refused(f"it has {len(written)} bytes, and token_limit is {options.token_limit}")
        parts = _TOKEN.fullmatch(written)
        if parts is None:
            raise refused("it does not consist of three parts in base64url")
        header = decode_object(_octets(parts[1]))
        self.algorithm = header.get("alg")
        self.key_id = header.get("kid")
        kind = header.get("typ", "jwt")
        accepted = [each.lower() for each in options.token_types]
        if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in accepted:
            raise refused(f"its typ is {shown(kind)}, and token_types is {options.token_types}")
        if "crit" in header or not isinstance(self.algorithm, str) or not isinstance(self.key_id, str | None):
            raise refused(
                "its header has crit, or an alg or kid that is not text"
            )  # `crit` names extensions that a recipient must support, and Ropewalk supports none
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
        tried = tuple(keys)
        if not any(each.verifies(algorithm, self._signed, self._signature) for each in tried):
            if not tried:
                raise refused(f"no key has its alg {shown(algorithm)} and its kid {shown(self.key_id)}")
            raise refused("its signature does not fit the keys")
        return _octets(self._payload)


def refused(why: str, what: str = "invalid") -> Refused:
    """The Refused error for a token (RFC 6750, section 3.1). `why` is for the log."""
    return Refused({"error": "invalid_token", "error_description": _DESCRIPTIONS[what]}, why=why)


def decode_object(octets: bytes) -> dict[str, Any]:
    """Decode a JSON object. Raises Refused for anything else."""
    try:
        if is_too_deep(octets):
            raise refused(_NO_OBJECT)
        value = msgspec.json.decode(octets)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise refused(_NO_OBJECT) from None
    if not isinstance(value, dict):
        raise refused(_NO_OBJECT)
    return value


def _octets(part: bytes) -> bytes:
    try:
        return urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except ValueError:
        raise refused("a part of it is not base64url") from None
