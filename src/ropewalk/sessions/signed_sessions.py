"""Sessions as text that a client can read but not change. itsdangerous signs them."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any, Final

import msgspec

from ropewalk.cookies import LARGEST_COOKIE
from ropewalk.errors import optional_package
from ropewalk.stores import StoredSession

_decoder: Final = msgspec.json.Decoder(tuple[int, int, str | None, dict[str, msgspec.Raw]])


class SignedSessions:
    """Signs sessions for the cookie with a name. Raises MissingPackage (RW255) if itsdangerous is not installed.

    The first of the keys signs; all are accepted.
    """

    def __init__(self, keys: tuple[str | bytes, ...], name: str) -> None:
        feature = "A session in a signed cookie"
        itsdangerous: Any = optional_package("itsdangerous", "itsdangerous", feature, extra="sessions", code="RW255")
        # Derived here, once, because itsdangerous would derive them again for each signature. The purpose keeps
        # signatures that the program makes with the same secret apart.
        derived = [_derived(key, f"ropewalk.sessions {name}") for key in reversed(keys)]  # the last one signs
        self._signer: Any = itsdangerous.Signer(derived, key_derivation="none", digest_method=sha256)
        self._bad_signature = itsdangerous.BadSignature

    def write(self, session: StoredSession) -> str:
        """Encode and sign a session."""
        values = {name: msgspec.Raw(value) for name, value in session.values.items()}
        content = msgspec.json.encode((int(session.created), int(session.touched), session.user, values))
        signed: bytes = self._signer.sign(urlsafe_b64encode(content).rstrip(b"="))
        return signed.decode("ascii")

    def read(self, text: str) -> StoredSession | None:
        """The session in a signed text; None if the signature is invalid."""
        if len(text) > LARGEST_COOKIE or not text.isascii():
            return None
        try:
            content: bytes = self._signer.unsign(text)
            created, touched, user, values = _decoder.decode(urlsafe_b64decode(content + b"=" * (-len(content) % 4)))
        except (self._bad_signature, ValueError):  # msgspec.DecodeError, and errors of base64, are ValueErrors
            return None
        return StoredSession({name: bytes(value) for name, value in values.items()}, user, created, touched)


def _derived(key: str | bytes, purpose: str) -> bytes:
    octets = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key
    return hmac.new(octets, purpose.encode(), sha256).digest()
