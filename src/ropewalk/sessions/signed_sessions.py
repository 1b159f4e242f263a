"""Sessions as text that a client can read but not change.

The format is that of itsdangerous, but the engine signs and verifies the texts, because it is faster, and each request
needs this. When a middleware is made, itsdangerous verifies one signature of the engine, so that a difference between
the two is found before the first request.
"""

import hmac
from hashlib import sha256
from typing import Any, Final

import msgspec

from ropewalk.errors import optional_package
from ropewalk.request import SignedText


class SignedSession(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A session as a signed text has it: the attributes of StoredSession, which msgspec decodes in one call."""

    created: int
    touched: int
    user: str | None
    values: dict[str, msgspec.Raw]


decoded: Final = msgspec.json.Decoder(SignedSession).decode
_encode: Final = msgspec.json.encode


class SignedSessions:
    """Signs sessions for the cookie `name`. Raises MissingPackage (RW255) if itsdangerous is not installed.

    The first of the keys signs; all are accepted.
    """

    def __init__(self, keys: tuple[str | bytes, ...], name: str) -> None:
        feature = "A session in a signed cookie"
        itsdangerous: Any = optional_package("itsdangerous", "itsdangerous", feature, extra="sessions", code="RW255")
        # The keys are derived from the secrets here, once: itsdangerous would derive a key again for each signature.
        # Each key depends on the name of the cookie, so that a text which the program signs with the same secret for
        # another purpose is not accepted as a session.
        derived = [_derived(key, f"ropewalk.sessions {name}") for key in keys]
        signed = SignedText(derived)
        self._sign = signed.write
        self.read = signed.read_session
        """See `SignedText.read_session`."""
        signer = itsdangerous.Signer(derived[0], key_derivation="none", digest_method=sha256)
        signer.unsign(self._sign(b"[]"))  # raises an error if itsdangerous refuses a signature of the engine

    def write(self, values: dict[str, msgspec.Raw], user: str | None, created: float, touched: float) -> str:
        """Encode and sign a session."""
        return self._sign(_encode((int(created), int(touched), user, values)))


def _derived(key: str | bytes, purpose: str) -> bytes:
    octets = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key
    return hmac.new(octets, purpose.encode(), sha256).digest()
