"""`OAuth2Login`: logins at an OAuth 2.0 provider without OpenID Connect."""

from collections.abc import Callable
from typing import Any

from ropewalk.auth.oauth.endpoints import Endpoints, configured
from ropewalk.auth.oauth.login_scheme import LoginScheme
from ropewalk.auth.oauth.options import OAuth2LoginOptions
from ropewalk.auth.oauth.pending_logins import PendingLogin
from ropewalk.auth.oauth.provider_calls import unusable
from ropewalk.auth.oauth.tokens import Tokens
from ropewalk.auth.scheme_functions import SchemeFunction
from ropewalk.clocks import unix_time
from ropewalk.errors import HTTPError, check_options
from ropewalk.request import Request


class OAuth2Login(LoginScheme):
    """Logins at an OAuth 2.0 provider without OpenID Connect, such as GitHub.

    OAuth 2.0 alone does not identify the user, so `userinfo_url` or `find_user` is called with the access token. Raises
    HandlerError (RW240) for wrong options, and (RW244) if Authlib is not installed.
    """

    def __init__(
        self,
        options: OAuth2LoginOptions,
        *,
        realm: str = "app",
        name: str = "login",
        clock: Callable[[], float] = unix_time,
    ) -> None:
        check_options(options, OAuth2LoginOptions, "RW240")
        super().__init__(options, realm=realm, name=name, clock=clock)
        self.options = options
        self._find_user = None if options.find_user is None else SchemeFunction(options.find_user, 1)

    async def _endpoints(self) -> Endpoints:
        return configured(self.options)

    async def _claims(
        self, request: Request, endpoints: Endpoints, tokens: Tokens, pending: PendingLogin
    ) -> dict[str, Any]:
        del pending
        if self._find_user is None:
            claims = await self._provider.userinfo(endpoints, tokens.access_token)
        else:
            claims = await self._find_user.principal(request, tokens)
            if claims is None:
                raise HTTPError(403, "This user has no access to this site.")
        subject = claims.get(self.options.subject_claim)
        if isinstance(subject, bool) or not isinstance(subject, str | int) or subject == "":
            unusable(endpoints.token, f"The user has no {self.options.subject_claim}.")
        return {**claims, "sub": str(subject), "iss": self.options.provider}
