"""The CSRF token of a session. A form that contains it comes from a page that was made for this session."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from secrets import compare_digest, token_bytes
from typing import Final

from ropewalk.request import Request
from ropewalk.sessions.session import Session
from ropewalk.sessions.values import OWN

FIELD: Final = "csrf_token"
"""The name of the form field that has the token."""
SECRET: Final = f"{OWN}csrf"
"""The name of the value in the session that has the secret of its tokens."""
_BYTES: Final = 32
_LONGEST: Final = 128
"""The maximum length in characters of a token. A longer text is refused without decoding it."""


def csrf_token(request: Request) -> str:
    """The token for a form of this session: `<input type="hidden" name="csrf_token" value="...">`.

    It is needed only for clients that send neither `Sec-Fetch-Site` nor `Origin`. Each call returns another text, so
    that an attacker cannot guess the token from the lengths of compressed pages (BREACH). All these texts are valid
    until the user logs in or out. Raises HandlerError (RW250) without `sessions`.
    """
    session = request.session
    try:
        secret = _octets(session.read(SECRET))
    except KeyError:
        secret = token_bytes(_BYTES)
        session.write(SECRET, _text(secret))
    mask = token_bytes(_BYTES)
    return _text(mask + _xor(mask, secret))


def is_token(session: Session, given: str) -> bool:
    """Whether a client sent a valid token of a session."""
    try:
        secret = _octets(session.read(SECRET))
        octets = _octets(given) if len(given) <= _LONGEST else b""
    except (KeyError, ValueError):
        return False
    if len(octets) != 2 * _BYTES:
        return False
    return compare_digest(_xor(octets[:_BYTES], octets[_BYTES:]), secret)


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _octets(text: str) -> bytes:
    """Decode a token or a secret. Raises ValueError."""
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
