"""`BearerJWT`: signed tokens in the Authorization field (RFC 6750, RFC 7519)."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from ropewalk.auth.bearer import BearerScheme, bearer_token
from ropewalk.auth.identity import Identity, identity_for, words
from ropewalk.auth.jwks import FetchedKeys
from ropewalk.auth.jwt_algorithms import check_algorithms
from ropewalk.auth.jwt_claims import check_claims
from ropewalk.auth.jwt_keys import Key, keys_of
from ropewalk.auth.jwt_options import JWKS, BearerJWTOptions
from ropewalk.auth.jwt_tokens import Token, decode_object, refused
from ropewalk.auth.packages import optional
from ropewalk.auth.scheme_functions import SchemeFunction
from ropewalk.auth.verified_tokens import VerifiedToken, VerifiedTokens
from ropewalk.clocks import unix_time
from ropewalk.errors import check_options
from ropewalk.request import Request


class TokenPrincipal(Struct, frozen=True):
    """The principal of a token: its claims, scopes and roles."""

    subject: str | None
    """The claim `sub`."""
    claims: dict[str, Any]
    """All claims of the token. Its signature, issuer, audience and times are verified."""
    scopes: frozenset[str] = frozenset()
    """The scopes in the claim `scope`."""
    roles: frozenset[str] = frozenset()
    """The roles in the claim `roles`."""


class BearerJWT(BearerScheme):
    """Signed JSON Web Tokens in the Authorization field.

    The identity has the scopes of the token. If the principal that `load` returns has `scopes` too, the identity has
    only the scopes that are in both, because a token may allow less than its owner may do. The identity has the roles
    of the principal if the principal has `roles`, otherwise the roles of the token. Raises HandlerError (RW240) for
    keys that cannot be used, and (RW244) if joserfc is not installed.
    """

    def __init__(
        self,
        options: BearerJWTOptions,
        *,
        realm: str = "app",
        name: str = "bearer",
        clock: Callable[[], float] = unix_time,
    ) -> None:
        super().__init__(name, realm)
        optional("joserfc.jwk", "joserfc", "BearerJWT")
        check_options(options, BearerJWTOptions, "RW240")
        self.options = options
        self._clock = clock
        check_algorithms(options.algorithms)
        keys = options.keys
        self._fetched = FetchedKeys(keys, options.algorithms) if isinstance(keys, JWKS) else None
        self._keys = () if isinstance(keys, JWKS) else keys_of(keys, options.algorithms)
        self._load = None if options.load is None else SchemeFunction(options.load, 1)
        self._verified = VerifiedTokens(options.remembered)

    async def identify(self, request: Request) -> Identity | None:
        """The identity of the token's subject; None without a token.

        Raises Refused for an invalid token, and HTTPError 503 if the keys cannot be fetched.
        """
        written = bearer_token(request)
        if written is None:
            return None
        known = self._verified.find(written)
        if known is not None:
            keys = self._keys if self._fetched is None else await self._fetched.current()
            if known.keys is keys:
                if known.is_valid(self._clock(), self.options.leeway):
                    return await self._identity(request, known.claims(), known.scopes, known.roles)
            else:
                self._verified.forget(written)
        return await self._verify(request, written)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI description: `{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}`."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}

    async def _verify(self, request: Request, written: bytes) -> Identity:
        token = Token(written, self.options)
        keys, candidates = await self._keys_for(token)
        payload = token.payload(candidates)
        claims = decode_object(payload)
        begins, expires = check_claims(claims, self.options, self._clock())
        scopes, roles = scopes_and_roles(claims, self.options)
        self._verified.add(written, VerifiedToken(payload, begins, expires, scopes, roles, keys))
        return await self._identity(request, claims, scopes, roles)

    async def _identity(
        self, request: Request, claims: dict[str, Any], scopes: frozenset[str], roles: frozenset[str]
    ) -> Identity:
        if self._load is None:
            return identity_of_claims(claims, scopes, roles)
        return loaded_identity(await self._load.principal(request, claims), claims, self.options, scopes, roles)

    async def _keys_for(self, token: Token) -> tuple[tuple[Key, ...], list[Key]]:
        """All current keys, and a list of the keys among them that may have signed the token."""
        if self._fetched is None:
            return self._keys, token.candidates(self._keys)
        keys = await self._fetched.current()
        found = token.candidates(keys)
        if not found and await self._fetched.refreshed():
            keys = await self._fetched.current()
            found = token.candidates(keys)
        return keys, found


def scopes_and_roles(claims: dict[str, Any], options: BearerJWTOptions) -> tuple[frozenset[str], frozenset[str]]:
    """The scopes and the roles that the claims of a token grant."""
    return words(claims.get(options.scope_claim)), words(claims.get(options.roles_claim))


def identity_of_claims(claims: dict[str, Any], scopes: frozenset[str], roles: frozenset[str]) -> Identity:
    """The identity for valid claims, if the options have no `load`."""
    subject = claims.get("sub")
    return Identity(TokenPrincipal(subject if isinstance(subject, str) else None, claims, scopes, roles), scopes, roles)


def loaded_identity(
    principal: Any, claims: dict[str, Any], options: BearerJWTOptions, scopes: frozenset[str], roles: frozenset[str]
) -> Identity:
    """The identity for valid claims and the principal that `load` has returned.

    Raises Refused if the principal is None.
    """
    if principal is None:
        raise refused("`load` has returned None for its claims")
    own = identity_for(principal)
    if options.scope_claim not in claims:
        scopes = own.scopes
    elif hasattr(principal, "scopes"):
        scopes &= own.scopes
    return Identity(principal, scopes, own.roles if hasattr(principal, "roles") else roles)
