"""The hashes that Digest authentication uses (RFC 7616, section 3.4)."""

import hashlib
from collections.abc import Callable
from typing import Any, Final

from ropewalk.errors import OptionError, shown

ALGORITHMS: Final[dict[str, Callable[[bytes], Any]]] = {
    "SHA-256": hashlib.sha256,
    "SHA-512-256": lambda data: hashlib.new("sha512_256", data),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False),
}
"""Hash functions by the algorithm's name in a challenge. The `-sess` algorithms are left out: few clients use them."""


def digest_hash(name: str, realm: str, password: str, algorithm: str = "SHA-256") -> str:
    """The hash of a user's password, to store in place of the password. A client that knows the hash can log in to this
    realm, so protect it like the password. Raises HandlerError (RW240) for an unknown algorithm."""
    if algorithm not in ALGORITHMS:
        what = f"digest_hash got the algorithm {shown(algorithm)}."
        raise OptionError("RW240", what, f"Use one of {', '.join(ALGORITHMS)}.")
    return hexadecimal(algorithm, f"{name}:{realm}:{password}".encode())


def hexadecimal(algorithm: str, data: bytes) -> str:
    """The hash of `data` in lower-case hexadecimal digits."""
    digits: str = ALGORITHMS[algorithm](data).hexdigest()
    return digits


def proof(algorithm: str, user_hash: str, method: str, fields: dict[str, str]) -> str:
    """The value that the client must send as `response` for qop=auth (RFC 7616, sections 3.4.1 to 3.4.3)."""
    request = hexadecimal(algorithm, f"{method}:{fields['uri']}".encode("utf-8", "surrogateescape"))
    parts = (user_hash, fields["nonce"], fields["nc"], fields["cnonce"], "auth", request)
    return hexadecimal(algorithm, ":".join(parts).encode("utf-8", "surrogateescape"))
