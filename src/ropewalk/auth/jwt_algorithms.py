"""Signature algorithms, and the choice of those that a key may be used with.

The key determines the allowed algorithms, never the token alone (RFC 8725, section 3.1). So a token cannot make this
server use a public key as an HMAC secret, and no key allows `none`.
"""

from typing import Any, Final

from ropewalk.errors import OptionError, shown

_LEAST_RSA: Final = 2048
"""The minimum size in bits of an RSA key (RFC 7518, section 3.3)."""
_HMAC: Final = {"HS256": 32, "HS384": 48, "HS512": 64}
"""The minimum size in bytes of a secret (RFC 7518, section 3.2)."""
_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_EC: Final = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",)}
_OKP: Final = {"Ed25519": ("EdDSA", "Ed25519"), "Ed448": ("EdDSA", "Ed448")}
KNOWN: Final = {*_HMAC, *_RSA, "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "Ed448"}


class UnusableKey(ValueError):
    """Raised for a key that cannot be used for tokens. The message says why."""


def check_algorithms(algorithms: tuple[str, ...] | None, owner: str = "BearerJWTOptions") -> None:
    """Raises HandlerError (RW240) for an unknown algorithm, or an empty tuple."""
    given: Any = algorithms
    if given is not None and (not isinstance(given, tuple) or not given or not KNOWN.issuperset(given)):
        remedy = f"Use a tuple with one or more of {', '.join(sorted(KNOWN))}."
        raise OptionError("RW240", f"{owner} has the algorithms {shown(given)}.", remedy)


def algorithms_of_public_key(key: Any) -> tuple[str, ...]:
    """The algorithms that a public key may be used with. Raises UnusableKey for an RSA key that is too short."""
    if key.key_type == "RSA":
        bits = key.public_key.key_size
        if bits < _LEAST_RSA:
            raise UnusableKey(f"RSA needs at least {_LEAST_RSA} bits, and it has {bits}")
        return _RSA
    by_curve = _EC if key.key_type == "EC" else _OKP
    return by_curve.get(key.curve_name, ())


def algorithms_of_secret(octets: bytes) -> tuple[str, ...]:
    """The HMAC algorithms that a secret is long enough for. Raises UnusableKey if there are none."""
    found = tuple(name for name, least in _HMAC.items() if len(octets) >= least)
    if not found:
        raise UnusableKey(f"a secret needs at least 32 bytes, and it has {len(octets)}")
    return found
