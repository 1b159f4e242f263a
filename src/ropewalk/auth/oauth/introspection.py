"""`TokenIntrospection`: tokens of any form, which the provider checks (RFC 7662)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from ropewalk.auth.bearer import BearerScheme, bearer_token
from ropewalk.auth.bearer_jwt import identity_of_claims, loaded_identity, scopes_and_roles
from ropewalk.auth.identity import Identity
from ropewalk.auth.jwt_claims import check_claims
from ropewalk.auth.jwt_options import BearerJWTOptions
from ropewalk.auth.jwt_tokens import refused
from ropewalk.auth.oauth.introspected_tokens import IntrospectedTokens
from ropewalk.auth.oauth.provider_calls import ClientAuthentication, ProviderCalls, client_request, unusable
from ropewalk.auth.option_checks import check_called_with, check_count, check_seconds
from ropewalk.auth.packages import optional
from ropewalk.auth.provider_http import FetchFailed, decode, is_secure_url
from ropewalk.auth.scheme_functions import SchemeFunction
from ropewalk.clocks import unix_time
from ropewalk.errors import KnownOptions, OptionError, check_options, shown
from ropewalk.request import Request

_TOKEN: Final = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
"""The syntax of bearer tokens (RFC 6750, section 2.1)."""


@dataclass(frozen=True, kw_only=True)
class TokenIntrospectionOptions(KnownOptions):
    """Options that determine where tokens are checked and which are accepted. Times are in seconds."""

    url: str
    """The URL of the provider's introspection endpoint."""
    client_id: str
    """The id under which your application is registered at the provider."""
    client_secret: str = field(repr=False)
    """The secret that belongs to `client_id`."""
    client_authentication: ClientAuthentication = "basic"
    """How the client secret is sent: `basic` (in the Authorization field), or `post` (in the form)."""
    issuer: str | tuple[str, ...] | None = None
    """The required claim `iss`: one value, or a tuple of accepted values. None accepts any issuer."""
    audience: str | tuple[str, ...] | None
    """The claim `aud` must be or contain this value, or one of these values. None accepts any audience; then tokens
    that were issued for another service of the same provider are accepted too."""
    keep_time: float = 30.0
    """The time for which the claims of a token are kept.

    A revoked token may still be accepted for this time. With 0, the provider checks the token of each request.
    """
    leeway: float = 30.0
    """The time by which the provider's clock may differ."""
    token_limit: int = 4096
    """The maximum size in bytes of a token. A longer token is refused."""
    load: Callable[..., Any] | None = None
    """A function that takes the claims and returns the principal, as in `BearerJWTOptions`."""
    scope_claim: str = "scope"
    """The name of the claim with the scopes."""
    roles_claim: str = "roles"
    """The name of the claim with the roles."""
    timeout: float = 5.0
    """The maximum time for one request to the provider."""
    body_limit: int = 65536
    """The maximum size in bytes of a response from the provider."""

    def __post_init__(self) -> None:
        check_called_with(self, self.load, "the claims")
        if not is_secure_url(self.url):
            what = f"TokenIntrospectionOptions has the url {shown(self.url)}."
            raise OptionError("RW240", what, "Give an absolute https URL. http is allowed only on this machine.")
        if self.client_authentication not in ("basic", "post"):
            given = f"client_authentication={shown(self.client_authentication)}"
            what = f"TokenIntrospectionOptions has the invalid value {given}."
            raise OptionError("RW240", what, 'Use "basic" or "post".')
        check_seconds(self, "timeout")
        check_seconds(self, "keep_time", "leeway", zero=True)
        check_count(self, "token_limit", "body_limit")


class TokenIntrospection(BearerScheme):
    """Tokens in the Authorization field that only their provider can read, such as opaque access tokens.

    The provider checks each token, and the claims that it returns are kept for `keep_time`. For JSON Web Tokens, prefer
    `BearerJWT`, which needs no request to the provider. Raises HandlerError (RW244) if Authlib is not installed.
    """

    def __init__(
        self,
        options: TokenIntrospectionOptions,
        *,
        realm: str = "app",
        name: str = "bearer",
        clock: Callable[[], float] = unix_time,
    ) -> None:
        super().__init__(name, realm)
        optional("authlib.oauth2.auth", "Authlib", "TokenIntrospection", extra="oauth")
        check_options(options, TokenIntrospectionOptions, "RW240")
        self.options = options
        self._clock = clock
        self._calls = ProviderCalls(options.timeout, options.body_limit)
        self._rules = BearerJWTOptions(
            keys=(),
            issuer=options.issuer,
            audience=options.audience,
            required=(),
            leeway=options.leeway,
            load=options.load,
            scope_claim=options.scope_claim,
            roles_claim=options.roles_claim,
        )
        self._load = None if options.load is None else SchemeFunction(options.load, 1)
        self._kept = IntrospectedTokens(options.keep_time)

    async def identify(self, request: Request) -> Identity | None:
        """The identity of the token's subject.

        Raises HTTPError: 502 if the provider's response is unusable, 503 if the provider cannot be reached.
        """
        written = bearer_token(request)
        if written is None:
            return None
        if len(written) > self.options.token_limit or not _TOKEN.fullmatch(written):
            raise refused("it is too long, or has characters that no token has")
        claims = await self._claims(written)
        if claims.get("active") is not True:
            raise refused("its provider says that it is not active")
        check_claims(claims, self._rules, self._clock())
        scopes, roles = scopes_and_roles(claims, self._rules)
        if self._load is None:
            return identity_of_claims(claims, scopes, roles)
        return loaded_identity(await self._load.principal(request, claims), claims, self._rules, scopes, roles)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI description: `{"type": "http", "scheme": "bearer"}`."""
        return {"type": "http", "scheme": "bearer"}

    async def _claims(self, token: bytes) -> dict[str, Any]:
        now = self._clock()
        known = self._kept.find(token, now)
        if known is not None:
            return known
        claims = await self._fetch(token.decode("ascii"))
        self._kept.add(token, claims, now)
        return claims

    async def _fetch(self, token: str) -> dict[str, Any]:
        options = self.options
        form = urlencode({"token": token, "token_type_hint": "access_token"})
        method = options.client_authentication
        url, fields, body = client_request(options.url, form, options.client_id, options.client_secret, method)
        found = await self._calls.call(url, fields, body)
        if found.status != 200:
            unusable(options.url, f"The status is {found.status}.", "RW246")
        try:
            document = decode(found.content)
        except FetchFailed as error:
            unusable(options.url, str(error))
        if not isinstance(document, dict) or not isinstance(document.get("active"), bool):
            unusable(options.url, "The response does not say whether the token is active.")
        return document
