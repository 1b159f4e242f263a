"""`TokenIssuer`: signs the tokens that `BearerJWT` accepts (RFC 7519)."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from secrets import token_urlsafe
from typing import Any, Final

import msgspec

from ropewalk.auth.jwt_algorithms import UnusableKey, check_algorithms
from ropewalk.auth.jwt_keys import signing_key
from ropewalk.auth.packages import optional
from ropewalk.clocks import unix_time
from ropewalk.errors import HandlerError, OptionError, shown

_OWN: Final = ("iss", "sub", "aud", "exp", "iat", "jti")
"""The claims that `issue` sets itself."""
_PREFERRED: Final = ("HS256", "RS256", "ES256", "ES384", "ES512", "EdDSA")
"""The algorithms that are used if `algorithm` is None. Each type of key allows only one of these."""


class TokenIssuer:
    """Signs JSON Web Tokens, which `BearerJWT` with the same key, issuer and audience accepts.

    `key` is an HMAC secret of at least 32 bytes, a private key in PEM without a password, or a private JWK as a dict.
    `algorithm` is by default HS256 for a secret, RS256 for RSA, the ES algorithm of the curve for EC, and EdDSA for
    Ed25519 and Ed448. `issuer` and `audience` become the claims `iss` and `aud`; None leaves a claim out. A token is
    valid for `lifetime`. `scope_claim` and `roles_claim` are the names of the claims with the scopes and the roles.

    Raises HandlerError (RW240) for a key that cannot sign and for wrong options, and (RW244) if joserfc is not
    installed.
    """

    def __init__(
        self,
        key: str | bytes | dict[str, Any],
        algorithm: str | None = None,
        *,
        issuer: str | None,
        audience: str | tuple[str, ...] | None,
        lifetime: timedelta = timedelta(hours=1),
        scope_claim: str = "scope",
        roles_claim: str = "roles",
        clock: Callable[[], float] = unix_time,
    ) -> None:
        optional("joserfc.jwk", "joserfc", "TokenIssuer")
        if algorithm is not None:
            check_algorithms((algorithm,), "TokenIssuer")
        given: Any = lifetime
        if not isinstance(given, timedelta) or given < timedelta(seconds=1):
            raise _wrong(f"has the invalid value lifetime={shown(given)}", "Give a timedelta of at least one second.")
        try:
            self._key = signing_key(key, None if algorithm is None else (algorithm,))
        except UnusableKey as error:
            raise OptionError("RW240", f"The key of TokenIssuer cannot be used: {error}.") from None
        self.algorithm = algorithm or next(each for each in _PREFERRED if each in self._key.algorithms)
        self.lifetime = lifetime
        self._issuer = issuer
        self._audience = list(audience) if isinstance(audience, tuple) else audience
        self._claims = (scope_claim, roles_claim)
        self._clock = clock
        header = {"alg": self.algorithm, "typ": "JWT"} | ({} if self._key.id is None else {"kid": self._key.id})
        self._header = _encoded(header)

    @property
    def expires_in(self) -> int:
        """The lifetime in seconds, for the field `expires_in` of a response with a token (RFC 6749, section 5.1)."""
        return int(self.lifetime.total_seconds())

    def issue(
        self, subject: str, *, scopes: Iterable[str] | None = None, roles: Iterable[str] | None = None, **claims: Any
    ) -> str:
        """Return a new token for a subject, such as the id of a user.

        The token has the claims `sub`, `iss`, `aud`, `iat`, `exp`, a random `jti`, and the claims in `claims`, whose
        values must be possible in JSON. The scopes are written with spaces between them (RFC 8693, section 4.2), and
        the roles as a list. Without `scopes`, the token does not restrict what its owner may do; with an empty tuple,
        it allows nothing that needs a scope. Raises HandlerError (RW240) for a subject that is not a str, for scopes
        and roles that are not words, and for a claim that the issuer sets itself.
        """
        known: Any = subject
        if not isinstance(known, str) or not known:
            raise _wrong(f"got the subject {shown(known)}", "Give a str that is not empty: `issue(str(user.id))`.")
        own = next((name for name in claims if name in _OWN or name in self._claims), None)
        if own is not None:
            raise _wrong(
                f"got the claim {own}", "Set this claim with the options of TokenIssuer or the parameters of `issue`."
            )
        now = int(self._clock())
        made: dict[str, Any] = {"sub": subject, "iat": now, "exp": now + self.expires_in, "jti": token_urlsafe(16)}
        made |= {} if self._issuer is None else {"iss": self._issuer}
        made |= {} if self._audience is None else {"aud": self._audience}
        scope_claim, roles_claim = self._claims
        made |= {} if scopes is None else {scope_claim: " ".join(_words("scopes", scopes))}
        made |= {} if roles is None else {roles_claim: _words("roles", roles)}
        signed = f"{self._header}.{_encoded(made | claims)}"
        return f"{signed}.{_text(self._key.sign(self.algorithm, signed.encode()))}"


def _words(name: str, given: Any) -> list[str]:
    """The scopes or roles as a sorted list. Raises HandlerError (RW240) for a scope or role with a space."""
    words: list[Any] | None = given.split() if isinstance(given, str) else None
    if words is None and isinstance(given, Iterable) and not isinstance(given, Mapping):
        words = list(given)
    if words is None or any(not isinstance(each, str) or each.split() != [each] for each in words):
        raise _wrong(f"got {name}={shown(given)}", "Give words without spaces, such as ('rooms:read',).")
    return sorted(set(words))


def _encoded(value: dict[str, Any]) -> str:
    return _text(msgspec.json.encode(value))


def _text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def _wrong(what: str, remedy: str) -> HandlerError:
    return OptionError("RW240", f"TokenIssuer {what}.", remedy)
