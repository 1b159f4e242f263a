"""The options of `BearerJWT`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ropewalk.auth.option_checks import check_called_with, check_count, check_seconds, wrong
from ropewalk.auth.provider_http import is_secure_url
from ropewalk.errors import KnownOptions, shown


@dataclass(frozen=True, kw_only=True)
class JWKS(KnownOptions):
    """The keys that an issuer publishes at a URL (RFC 7517, section 5). Times are in seconds.

    The keys are fetched when the first token arrives, and kept. They are fetched again when a token names an unknown
    key id, so the issuer may rotate its keys at any time. While the issuer cannot be reached, the known keys remain in
    use.
    """

    url: str
    """An https URL. http is allowed only on this machine."""
    refresh_interval: float = 600.0
    """Keys older than this are fetched again. While they are fetched, requests use the old keys."""
    minimum_interval: float = 30.0
    """The least time between two fetches, even if clients send unknown key ids or a fetch has failed."""
    longest_use: float = 86400.0
    """Keys older than this are no longer used: a revoked key must not stay valid because its issuer is unreachable."""
    timeout: float = 5.0
    """The maximum time for one fetch."""
    body_limit: int = 262144
    """The maximum size in bytes of the fetched document."""

    def __post_init__(self) -> None:
        if not is_secure_url(self.url):
            remedy = "Give an absolute https URL. http is allowed only on this machine."
            raise wrong(self, f"the url {shown(self.url)}", remedy)
        check_seconds(self, "refresh_interval", "longest_use", "timeout")
        check_seconds(self, "minimum_interval", zero=True)
        check_count(self, "body_limit")


@dataclass(frozen=True, kw_only=True)
class BearerJWTOptions(KnownOptions):
    """Options that determine which tokens `BearerJWT` accepts."""

    keys: str | bytes | dict[str, Any] | tuple[str | bytes | dict[str, Any], ...] | JWKS = field(repr=False)
    """An HMAC secret of at least 32 bytes, a public key in PEM, a JWK as a dict, a tuple of these, or a JWKS."""
    issuer: str | tuple[str, ...] | None
    """The required claim `iss`: one value, or a tuple of accepted values. None accepts any issuer."""
    audience: str | tuple[str, ...] | None
    """The claim `aud` must be or contain this value, or one of these values. None accepts any audience; then tokens
    that were issued for another service of the same issuer are accepted too."""
    algorithms: tuple[str, ...] | None = None
    """The allowed algorithms. None allows all algorithms for the type of each key: HS256 to HS512 for secrets, the RS
    and PS algorithms for RSA, the ES algorithm of the curve for EC, and EdDSA for Ed25519 and Ed448."""
    required: tuple[str, ...] = ("exp",)
    """Claims that a token must have. `iss` and `aud` are also required unless `issuer` or `audience` is None."""
    leeway: float = 30.0
    """Seconds by which the issuer's clock may differ when `exp`, `nbf` and `iat` are checked."""
    token_types: tuple[str, ...] = ("jwt", "at+jwt")
    """Accepted values of `typ` in the header; case does not matter (RFC 8725, section 3.11). A token without `typ` is
    accepted."""
    token_limit: int = 8192
    """The maximum size in bytes of a token. A longer token is refused before it is decoded."""
    remembered: int = 1024
    """How many verified tokens are remembered, so that their signature is not verified again for each request. Their
    times are always checked. If the keys of a JWKS change, all tokens are verified again. 0 remembers none."""
    load: Callable[..., Any] | None = None
    """A function that takes the claims and returns the principal, or None to refuse the token. It may be plain, return
    a Deferred, or be a coroutine function. By default the principal is a `TokenPrincipal`."""
    scope_claim: str = "scope"
    """The name of the claim with the scopes: a list, or a str with spaces between the scopes."""
    roles_claim: str = "roles"
    """The name of the claim with the roles: a list, or a str with spaces between the roles."""

    def __post_init__(self) -> None:
        check_seconds(self, "leeway", zero=True)
        check_count(self, "token_limit")
        check_count(self, "remembered", least=0)
        check_called_with(self, self.load, "the claims")
