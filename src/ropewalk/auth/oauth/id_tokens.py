"""Verifies ID tokens, which name the user who has logged in (OpenID Connect Core 1.0, sections 2 and 3.1.3.7)."""

from collections.abc import Callable
from typing import Any, Final

from ropewalk.auth.jwks import FetchedKeys
from ropewalk.auth.jwt_claims import check_claims
from ropewalk.auth.jwt_keys import Key
from ropewalk.auth.jwt_options import JWKS, BearerJWTOptions
from ropewalk.auth.jwt_tokens import Token
from ropewalk.auth.oauth.endpoints import Endpoints
from ropewalk.auth.oauth.options import OpenIDConnectOptions
from ropewalk.auth.oauth.provider import NOT_BEGUN
from ropewalk.auth.oauth.provider_calls import unusable
from ropewalk.auth.oauth.tokens import Tokens
from ropewalk.auth.packages import optional
from ropewalk.auth.secrets import same_secret
from ropewalk.auth.unauthorized import Refused
from ropewalk.clocks import unix_time
from ropewalk.errors import HTTPError

_MOST_BYTES: Final = 32768
"""The maximum size in bytes of an ID token. Some providers list all groups of a user in it."""
_LONGEST_SUBJECT: Final = 255
"""The maximum length in characters of the claim `sub` (OpenID Connect Core 1.0, section 2)."""


class IDTokens:
    """Verifies the ID tokens of one provider, with the keys that it publishes."""

    def __init__(self, options: OpenIDConnectOptions, clock: Callable[[], float] = unix_time) -> None:
        self._options = options
        self._clock = clock
        self._keys_url: str | None = None
        self._keys: FetchedKeys | None = None

    async def claims(self, endpoints: Endpoints, tokens: Tokens, nonce: str) -> dict[str, Any]:
        """The claims of a valid ID token that belongs to the login with this nonce.

        Raises HTTPError: 400 if the token belongs to another login, 502 if it is invalid, 503 if the provider's keys
        cannot be fetched.
        """
        if tokens.id_token is None:
            unusable(endpoints.token, "The response has no ID token.")
        rules = self._rules(endpoints)
        try:
            token = Token(tokens.id_token.encode("utf-8", "replace"), rules)
            claims = token.claims(await self._candidates(endpoints, token))
            check_claims(claims, rules, self._clock())
        except Refused:
            unusable(endpoints.token, "The ID token has an invalid signature, issuer, audience or time.")
        subject, given = claims["sub"], claims.get("nonce")
        if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
            unusable(endpoints.token, "The ID token has no usable subject.")
        if not isinstance(given, str) or not same_secret(given, nonce):
            raise HTTPError(400, NOT_BEGUN)  # for example, an attacker has put another code into the response
        self._check_rest(endpoints, tokens, str(token.algorithm), claims)
        return claims

    def _rules(self, endpoints: Endpoints) -> BearerJWTOptions:
        return BearerJWTOptions(
            keys=JWKS(url=str(endpoints.keys)),
            issuer=self._options.issuer,
            audience=self._options.client_id,
            required=("iss", "sub", "aud", "exp", "iat"),
            leeway=self._options.leeway,
            token_types=("jwt",),
            token_limit=_MOST_BYTES,
        )

    async def _candidates(self, endpoints: Endpoints, token: Token) -> list[Key]:
        if self._keys is None or self._keys_url != endpoints.keys:
            self._keys_url = endpoints.keys
            self._keys = FetchedKeys(JWKS(url=str(endpoints.keys), timeout=self._options.timeout), None)
        found = token.candidates(await self._keys.current())
        if not found and await self._keys.refreshed():
            found = token.candidates(await self._keys.current())
        return found

    def _check_rest(self, endpoints: Endpoints, tokens: Tokens, algorithm: str, claims: dict[str, Any]) -> None:
        """Check `azp`, `at_hash`, `auth_time` and the types of claims with Authlib."""
        core = optional("authlib.oidc.core", "Authlib", "OpenIDConnect", extra="oauth")
        errors = optional("joserfc.errors", "joserfc", "OpenIDConnect", extra="oauth")
        longest = self._options.authorization_parameters.get("max_age")
        token = core.CodeIDToken(
            claims,
            {"alg": "EdDSA" if algorithm == "Ed25519" else algorithm},  # two names for the same algorithm (RFC 9864)
            params={
                "client_id": self._options.client_id,
                "access_token": tokens.access_token,
                "max_age": longest,
            },
        )
        now, leeway = int(self._clock()), int(self._options.leeway)
        try:
            token.validate(now=now, leeway=leeway)
        except (errors.JoseError, ValueError, TypeError) as error:
            unusable(endpoints.token, f"The ID token is refused: {error}.")
        if longest is not None and claims["auth_time"] + int(longest) + leeway < now:
            unusable(endpoints.token, "The user logged in at the provider longer ago than max_age allows.")
