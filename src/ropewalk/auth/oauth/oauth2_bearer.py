"""`OAuth2`: a scheme for bearer tokens that also describes how clients get their tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ropewalk.auth.challenges import Challenge
from ropewalk.auth.identity import Identity
from ropewalk.auth.option_checks import type_shown
from ropewalk.auth.provider_http import is_secure_url
from ropewalk.auth.scheme import Scheme
from ropewalk.errors import OptionError, shown
from ropewalk.request import Request


@dataclass(frozen=True, kw_only=True)
class AuthorizationCode:
    """A provider's authorization code flow, for the API description (OpenAPI 3.1, OAuth Flows Object)."""

    authorization_url: str
    """The URL at which users log in and allow access."""
    token_url: str
    """The URL at which clients exchange the code for tokens."""
    refresh_url: str | None = None
    """The URL at which clients refresh tokens, if it differs from `token_url`."""
    scopes: Mapping[str, str] = field(default_factory=dict)
    """The scopes, each with a short description."""

    def __post_init__(self) -> None:
        for name in ("authorization_url", "token_url", "refresh_url"):
            given = getattr(self, name)
            if not is_secure_url(given) and (given is not None or name != "refresh_url"):
                what = f"AuthorizationCode has the invalid value {name}={shown(given)}."
                raise OptionError("RW240", what, "Give an absolute https URL. http is allowed only on this machine.")


class OAuth2(Scheme):
    """A scheme for bearer tokens, `BearerJWT` or `TokenIntrospection`, with the flow by which clients get tokens.

    The flow is an `AuthorizationCode`, or the URL of an OpenID Connect provider's metadata, such as
    `https://login.example/.well-known/openid-configuration`. The flow affects only the API description: pages such as
    Swagger UI show a login. Raises HandlerError (RW240) for another scheme or flow.
    """

    def __init__(self, bearer: Scheme, flow: AuthorizationCode | str, *, name: str = "oauth2") -> None:
        given: Any = bearer
        if not isinstance(given, Scheme) or bearer.challenge().scheme != "Bearer":
            what = f"OAuth2 got {type_shown(bearer)}."
            raise OptionError("RW240", what, "Give OAuth2 a scheme for bearer tokens: OAuth2(BearerJWT(...), ...).")
        if not isinstance(flow, AuthorizationCode) and not is_secure_url(flow):
            what = f"OAuth2 got the flow {shown(flow)}."
            raise OptionError("RW240", what, "Give an AuthorizationCode, or the https URL of an openid-configuration.")
        super().__init__(name, bearer.realm)
        self._bearer = bearer
        self._flow = flow

    def challenge(self) -> Challenge:
        """The challenge of the scheme for bearer tokens."""
        return self._bearer.challenge()

    async def identify(self, request: Request) -> Identity | None:
        """The identity that the scheme for bearer tokens finds."""
        return await self._bearer.identify(request)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI description: `{"type": "oauth2", "flows": ...}` or `{"type": "openIdConnect", "openIdConnectUrl":
        ...}`."""
        flow = self._flow
        if isinstance(flow, str):
            return {"type": "openIdConnect", "openIdConnectUrl": flow}
        urls = {"authorizationUrl": flow.authorization_url, "tokenUrl": flow.token_url, "refreshUrl": flow.refresh_url}
        written = {name: url for name, url in urls.items() if url is not None}
        return {"type": "oauth2", "flows": {"authorizationCode": {**written, "scopes": dict(flow.scopes)}}}
