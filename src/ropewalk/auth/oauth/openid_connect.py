"""`OpenIDConnect`: logins at an OpenID Connect provider."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urljoin

from ropewalk.auth.oauth.endpoints import DiscoveredEndpoints, Endpoints
from ropewalk.auth.oauth.id_tokens import IDTokens
from ropewalk.auth.oauth.login_scheme import LoginScheme
from ropewalk.auth.oauth.options import OpenIDConnectOptions
from ropewalk.auth.oauth.pending_logins import PendingLogin
from ropewalk.auth.oauth.provider_calls import unusable
from ropewalk.auth.oauth.tokens import Tokens
from ropewalk.clocks import unix_time
from ropewalk.errors import check_options
from ropewalk.request import Request


class OpenIDConnect(LoginScheme):
    """Logins at an OpenID Connect provider, such as Keycloak, Google, Microsoft Entra, Auth0 or Authentik.

    The ID token names the user. Its signature, issuer, audience, times, nonce, `azp` and `at_hash` are verified. The
    issuer publishes its endpoints and keys. They are fetched when they are first needed, and kept. Raises HandlerError
    (RW240) for wrong options, and (RW244) if Authlib is not installed.
    """

    _takes_nonce = True

    def __init__(
        self,
        options: OpenIDConnectOptions,
        *,
        realm: str = "app",
        name: str = "login",
        clock: Callable[[], float] = unix_time,
    ) -> None:
        check_options(options, OpenIDConnectOptions, "RW240")
        super().__init__(options, realm=realm, name=name, clock=clock)
        self.options = options
        self._discovered = DiscoveredEndpoints(options)
        self._id_tokens = IDTokens(options, clock)

    async def _endpoints(self) -> Endpoints:
        return await self._discovered.current()

    async def _claims(
        self, request: Request, endpoints: Endpoints, tokens: Tokens, pending: PendingLogin
    ) -> dict[str, Any]:
        del request
        claims = await self._id_tokens.claims(endpoints, tokens, pending.nonce)
        if not self.options.userinfo:
            return claims
        more = await self._provider.userinfo(endpoints, tokens.access_token)
        if more.get("sub") != claims["sub"]:  # OpenID Connect Core, section 5.3.2: an attacker may swap tokens
            unusable(str(endpoints.userinfo), "The claims belong to another user.")
        return {**more, **claims}

    async def _logout_url(self) -> str | None:
        """The URL that logs the user out at the provider (OpenID Connect RP-Initiated Logout 1.0, section 2).

        None if `end_session` is false, or if the provider has no such URL.
        """
        if not self.options.end_session:
            return None
        url = (await self._discovered.current()).end_session
        if url is None:
            return None
        back = urljoin(self.options.redirect_uri, self.options.after_logout)
        query = urlencode({"client_id": self.options.client_id, "post_logout_redirect_uri": back})
        return f"{url}{'&' if '?' in url else '?'}{query}"
