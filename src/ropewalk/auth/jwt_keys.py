"""Keys that verify or sign tokens, each with the algorithms that it may be used with."""

import re
from base64 import b64decode
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from ropewalk.auth.jwt_algorithms import UnusableKey, algorithms_of_public_key, algorithms_of_secret
from ropewalk.auth.packages import optional
from ropewalk.errors import OptionError

MOST_KEYS: Final = 50
"""The maximum number of keys that are read from a JWK Set. Microsoft's set has about ten."""
_PUBLIC_PARTS: Final = ("kty", "n", "e", "crv", "x", "y", "k")
_PRIVATE_PARTS: Final = ("d", "p", "q", "dp", "dq", "qi")
"""With `_PUBLIC_PARTS`, the members of a JWK that contain the key itself (RFC 7518, section 6)."""
_PUBLIC_TEXT: Final = re.compile(rb"----[- ]BEGIN |\b(?:ssh|ecdsa)-\S+\s+AAAA")
"""Finds a public key in PEM or SSH format within a text."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of joserfc, its id, and the algorithms that it may be used with."""

    id: str | None
    algorithms: frozenset[str]
    key: Any = field(repr=False)

    def verifies(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """Whether a signature is valid. `algorithm` must be one of `algorithms`."""
        model = optional("joserfc.jws", "joserfc", "BearerJWT").JWSRegistry.algorithms[algorithm]
        try:
            return bool(model.verify(signed, signature, self.key))
        except ValueError:  # raised, for example, for a signature of a wrong length
            return False

    def sign(self, algorithm: str, signed: bytes) -> bytes:
        """The signature of some bytes.

        `algorithm` must be one of `algorithms`, and the key must come from `signing_key`.
        """
        model = optional("joserfc.jws", "joserfc", "TokenIssuer").JWSRegistry.algorithms[algorithm]
        signature: bytes = model.sign(signed, self.key)
        return signature


def keys_of(given: Any, algorithms: tuple[str, ...] | None) -> tuple[Key, ...]:
    """The keys in `BearerJWTOptions.keys`. Raises HandlerError (RW240) for a key that cannot be used."""
    keys = given if isinstance(given, tuple) else (given,)
    try:
        made = tuple(_key_of(each, algorithms) for each in keys)
    except UnusableKey as error:
        raise OptionError("RW240", f"A key of BearerJWTOptions cannot be used: {error}.") from None
    if not made:
        raise OptionError("RW240", "BearerJWTOptions has no keys.")
    return made


def signing_key(given: Any, algorithms: tuple[str, ...] | None) -> Key:
    """The secret or private key that `TokenIssuer` signs with. Raises UnusableKey for a key that cannot sign."""
    key = _from_jwk(given, algorithms, "sign") if isinstance(given, dict) else _key_of(given, algorithms)
    if key.key.key_type != "oct" and not key.key.is_private:
        raise UnusableKey("it is a public key; tokens are signed with the private key")
    return key


def public_keys(jwks: Any, algorithms: tuple[str, ...] | None) -> tuple[Key, ...]:
    """The usable public keys in a decoded JWK Set. Other keys are ignored (RFC 7517, section 5).

    Raises UnusableKey if the document is not a JWK Set.
    """
    found = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(found, list):
        raise UnusableKey("the document is not a JWK Set")
    keys = []
    for each in found[:MOST_KEYS]:
        if not isinstance(each, dict) or each.get("kty") not in ("RSA", "EC", "OKP"):
            continue  # for example a secret ("oct"), which must not be published
        try:
            keys.append(_from_jwk(each, algorithms))
        except UnusableKey:
            continue
    return tuple(keys)


def _key_of(given: Any, algorithms: tuple[str, ...] | None) -> Key:
    if isinstance(given, dict):
        return _from_jwk(given, algorithms)
    if not isinstance(given, str | bytes):
        raise UnusableKey("it is neither str nor bytes nor a dict")
    octets = given.encode("utf-8") if isinstance(given, str) else given
    if octets.lstrip().startswith((b"-----", b"ssh-", b"ecdsa-")):
        for kind in ("RSA", "EC", "OKP"):
            key = _import(octets, kind)
            if key is not None:
                return _with_algorithms(key, None, algorithms_of_public_key(key), algorithms)
        raise UnusableKey("it is not a key of RSA, EC, Ed25519 or Ed448 in PEM, or it has a password")
    _refuse_public(octets)
    allowed = algorithms_of_secret(octets)
    key = _import(octets, "oct")
    if key is None:
        raise UnusableKey("it cannot be a secret")
    return _with_algorithms(key, None, allowed, algorithms)


def _from_jwk(jwk: dict[str, Any], algorithms: tuple[str, ...] | None, operation: str = "verify") -> Key:
    kind, key_id, pinned, operations = (jwk.get(name) for name in ("kty", "kid", "alg", "key_ops"))
    if jwk.get("use", "sig") != "sig" or (operations is not None and operation not in _list(operations)):
        raise UnusableKey("it is not for signatures")
    if kind not in ("RSA", "EC", "OKP", "oct") or not isinstance(key_id, str | None):
        raise UnusableKey("its type or its id is unknown")
    names = _PUBLIC_PARTS if operation == "verify" else _PUBLIC_PARTS + _PRIVATE_PARTS
    parts = {name: value for name, value in jwk.items() if name in names}
    key = _import(parts, kind)
    if key is None:
        raise UnusableKey("it is malformed")
    allowed = algorithms_of_secret(key.raw_value) if kind == "oct" else algorithms_of_public_key(key)
    if pinned is not None:
        allowed = tuple(each for each in allowed if each == pinned)
    return _with_algorithms(key, key_id, allowed, algorithms)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _import(data: Any, kind: str) -> Any:
    """Import a key with joserfc. Returns None if the data are malformed, or if the key is of another type."""
    registry = optional("joserfc.jwk", "joserfc", "BearerJWT").JWKRegistry
    try:
        key = registry.import_key(data, kind)
        if kind != "oct":
            _ = key.public_key  # makes joserfc decode the numbers now
        return key
    except Exception:  # noqa: BLE001 - joserfc and cryptography raise many classes for malformed keys
        return None


def _refuse_public(octets: bytes) -> None:
    """Raises UnusableKey for a public key in a form that looks like a secret.

    If it were used as a secret, every client that knows the public key could sign tokens with HMAC.
    """
    if octets.lstrip().startswith(b"{"):
        raise UnusableKey("it is JSON; give a JWK as a dict")
    if _PUBLIC_TEXT.search(octets):
        raise UnusableKey("it has a key with other text before it; give the key alone")
    serialization = optional("cryptography.hazmat.primitives.serialization", "cryptography", "BearerJWT")
    x509 = optional("cryptography.x509", "cryptography", "BearerJWT")
    forms = [octets]
    with suppress(ValueError):
        forms.append(b64decode(b"".join(octets.split()), validate=True))
    loaders = (serialization.load_der_public_key, x509.load_der_x509_certificate)
    if any(_loads(load, form) for load in loaders for form in forms):
        raise UnusableKey("it is a public key; give it in PEM, with its first and last line")


def _loads(load: Callable[[bytes], Any], octets: bytes) -> bool:
    try:
        load(octets)
    except Exception:  # noqa: BLE001 - cryptography raises several classes for malformed data
        return False
    return True


def _with_algorithms(key: Any, key_id: str | None, own: Iterable[str], wanted: Collection[str] | None) -> Key:
    algorithms = frozenset(own) if wanted is None else frozenset(own).intersection(wanted)
    if not algorithms:
        raise UnusableKey("it suits none of the allowed algorithms")
    return Key(key_id, algorithms, key)
