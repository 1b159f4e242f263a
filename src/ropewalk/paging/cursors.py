"""Cursors: opaque texts that mark a position in a list. With a secret, cursors are signed."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ropewalk.errors import OptionError, shown
from ropewalk.json_values import check_finite

MOST_CHARACTERS: Final = 500
"""The maximum length in characters of a cursor that a client may send. A cursor of this length fits into a request line
even if it is percent-encoded."""

_SIGNATURE: Final = 16
"""The length of a signature in bytes: half of a SHA-256 digest, which is still too long to guess."""
_LEAST_SECRET: Final = 16
"""The least length of a secret in bytes."""

Secret = str | bytes


class InvalidCursor(ValueError):
    """The cursor is malformed, or is not a cursor of this list."""


class Cursors:
    """Encodes values of one type as cursors, and decodes them. Raises HandlerError (RW266) for a wrong secret."""

    def __init__(self, kind: Any, secret: "Secret | Sequence[Secret] | None", purpose: str) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)
        self._keys = _keys(secret, purpose)

    def encode(self, value: Any) -> str:
        """Return the cursor for a value."""
        data = msgspec.json.encode(value)
        return _text(_sign(self._keys[0], data) + data if self._keys else data)

    def decode(self, cursor: str) -> Any:
        """Return the value of a cursor. Raises InvalidCursor."""
        data = _data(cursor)
        if self._keys:
            given, data = data[:_SIGNATURE], data[_SIGNATURE:]
            if not any(hmac.compare_digest(given, _sign(key, data)) for key in self._keys):
                raise InvalidCursor("The signature is wrong.")
        try:
            made = self._decoder.decode(data)
            check_finite(data, self._kind)
            return made
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidCursor(str(error)) from None


def _keys(secret: Any, purpose: str) -> list[bytes]:
    """Derive a signing key from each secret. For another `purpose`, the keys differ, so that a cursor of one list is
    not valid for another list."""
    if secret is None:
        return []
    secrets = [secret] if isinstance(secret, str | bytes) else list(secret)
    keys = []
    for each in secrets:
        own = each.encode() if isinstance(each, str) else each
        if not isinstance(own, bytes) or len(own) < _LEAST_SECRET:
            what = (
                f"A secret for cursors is shorter than {_LEAST_SECRET} bytes, or not str or bytes: {shown(type(each))}."
            )
            raise OptionError("RW266", what)
        keys.append(hmac.digest(own, b"ropewalk cursor\0" + purpose.encode(), hashlib.sha256))
    if not keys:
        raise OptionError("RW266", "The list of secrets for cursors is empty.")
    return keys


def _sign(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, hashlib.sha256)[:_SIGNATURE]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _data(cursor: str) -> bytes:
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:  # ValueError is raised for text that is not ASCII
        raise InvalidCursor(str(error)) from None
    if _text(data) != cursor:  # base64 can encode the same bytes in several ways; only that of `_text` is valid
        raise InvalidCursor("It is not written as it was sent.")
    return data
