"""The options of `BearerJWT`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ropewalk.auth.provider_http import is_secure_url
from ropewalk.errors import HandlerError, shown


@dataclass(frozen=True, kw_only=True)
class JWKS:
    """The keys of an issuer at a URL (RFC 7517, section 5). Times are in seconds.

    They are fetched when the first token arrives, and kept. A key id that is not among them fetches them again, so the
    issuer may rotate its keys at any time. While the issuer cannot be reached, the keys that are there remain in use.
    """

    url: str
    """With https; http only on this machine."""
    refresh_interval: float = 600.0
    """Keys older than this are fetched again, while requests go on with the old ones."""
    minimum_interval: float = 30.0
    """Between two fetches, whatever clients send, and also after one that failed."""
    longest_use: float = 86400.0
    """Keys older than this are not used any more: a revoked key must not last if its issuer is out of reach."""
    timeout: float = 5.0
    """For one fetch as a whole."""
    max_size: int = 262144
    """The most bytes of the document."""

    def __post_init__(self) -> None:
        if not is_secure_url(self.url):
            what = f"JWKS has the url {shown(self.url)}."
            raise HandlerError("RW240", what, "Give an absolute https URL. Only one of this machine may have http.")


@dataclass(frozen=True, kw_only=True)
class JWTOptions:
    """Which tokens `BearerJWT` accepts."""

    keys: str | bytes | dict[str, Any] | tuple[str | bytes | dict[str, Any], ...] | JWKS
    """A secret for HMAC of at least 32 bytes, a public key in PEM, a JWK as a dict, several of these in a tuple, or
    JWKS."""
    issuer: str | tuple[str, ...] | None
    """The claim `iss` must be this, or one of these. None accepts any."""
    audience: str | tuple[str, ...] | None
    """The claim `aud` must be or contain this, or one of these. None accepts any: then a token that was made for
    another service of the same issuer passes."""
    algorithms: tuple[str, ...] | None = None
    """The allowed algorithms. None stands for all that suit the type of each key: HS256 to HS512 for secrets, RS and PS
    for RSA, the ES of its curve for EC, and EdDSA for Ed25519 and Ed448."""
    required: tuple[str, ...] = ("exp",)
    """Claims without which a token is refused. `iss` and `aud` are required where their value is given."""
    leeway: float = 30.0
    """Seconds by which the clock of the issuer may differ, for `exp`, `nbf` and `iat`."""
    token_types: tuple[str, ...] = ("jwt", "at+jwt")
    """Accepted values of `typ` in the header, in any case (RFC 8725, section 3.11). A token without it passes."""
    max_size: int = 8192
    """The most bytes of a token. A longer one is refused before it is decoded."""
    remembered: int = 1024
    """How many verified tokens are remembered, so that their signature need not be verified for each request. Their
    times are checked nevertheless, and new keys of a JWKS have all verified again. 0 remembers none."""
    load: Callable[["dict[str, Any]"], Any] | None = None
    """Takes the claims and returns the principal, or None to refuse the token; plain, Deferred or coroutine. By default
    the principal is a `TokenPrincipal`."""
    scope_claim: str = "scope"
    """The claim with the scopes: a str with spaces between them, or a list."""
    roles_claim: str = "roles"
    """The claim with the roles."""
