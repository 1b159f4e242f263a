"""Sessions as text that a client can read but not change.

The engine signs them as itsdangerous does, and verifies them, because that happens for each request. itsdangerous
verifies the engine's signature once, when a middleware is made.
"""

import hmac
from hashlib import sha256
from typing import Any, Final

import msgspec

from ropewalk.errors import optional_package
from ropewalk.request import SignedText


class SignedSession(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A session as a signed text has it. It has the attributes of StoredSession, and is decoded in one step."""

    created: int
    touched: int
    user: str | None
    values: dict[str, msgspec.Raw]


decoded: Final = msgspec.json.Decoder(SignedSession).decode
_encode: Final = msgspec.json.encode


class SignedSessions:
    """Signs sessions for the cookie with a name. Raises MissingPackage (RW255) if itsdangerous is not installed.

    The first of the keys signs; all are accepted.
    """

    def __init__(self, keys: tuple[str | bytes, ...], name: str) -> None:
        feature = "A session in a signed cookie"
        itsdangerous: Any = optional_package("itsdangerous", "itsdangerous", feature, extra="sessions", code="RW255")
        # Derived here, once, because itsdangerous would derive them again for each signature. The purpose keeps
        # signatures that the program makes with the same secret apart.
        derived = [_derived(key, f"ropewalk.sessions {name}") for key in keys]
        signed = SignedText(derived)
        self._sign = signed.write
        self.read = signed.read_session
        """See `SignedText.read_session`."""
        signer = itsdangerous.Signer(derived[0], key_derivation="none", digest_method=sha256)
        signer.unsign(self._sign(b"[]"))  # raises an error if its signatures are not the engine's

    def write(self, values: dict[str, msgspec.Raw], user: str | None, created: float, touched: float) -> str:
        """Encode and sign a session."""
        return self._sign(_encode((int(created), int(touched), user, values)))


def _derived(key: str | bytes, purpose: str) -> bytes:
    octets = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key
    return hmac.new(octets, purpose.encode(), sha256).digest()
