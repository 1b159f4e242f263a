"""Calls a provider to exchange a code for tokens, and to fetch claims from its UserInfo endpoint."""

from contextlib import suppress
from typing import Any, Final, Never

from ropewalk.auth.oauth.endpoints import Endpoints
from ropewalk.auth.oauth.options import LoginSchemeOptions
from ropewalk.auth.oauth.provider_calls import ClientAuthentication, ProviderCalls, client_request, unusable
from ropewalk.auth.oauth.tokens import Tokens, tokens_of
from ropewalk.auth.packages import optional
from ropewalk.auth.provider_http import Fetched, FetchFailed, decode
from ropewalk.errors import HTTPError

NOT_BEGUN: Final = "This login was not begun in this browser, took too long, or is complete already. Log in again."


class Provider:
    """Makes the calls to a provider that a login needs."""

    def __init__(self, options: LoginSchemeOptions) -> None:
        self._options = options
        self._calls = ProviderCalls(options.timeout, options.body_limit)

    async def exchange(self, endpoints: Endpoints, code: str, verifier: str) -> Tokens:
        """Exchange a code for tokens (RFC 6749, section 4.1.3, and RFC 7636, section 4.5).

        Raises HTTPError: 400 for a code that the provider refuses, 502 if its response is unusable, 503 if it cannot be
        reached.
        """
        url, fields, body = self._token_request(endpoints, code, verifier)
        found = await self._calls.call(url, fields, body)
        if found.status != 200:
            _refuse(url, found)
        try:
            return tokens_of(decode(found.content), self._options.scopes)
        except FetchFailed as error:
            unusable(url, str(error))

    async def userinfo(self, endpoints: Endpoints, access_token: str) -> dict[str, Any]:
        """Fetch claims from the UserInfo endpoint (OpenID Connect Core, section 5.3).

        Raises HTTPError: 502 if the response is unusable, 503 if the provider cannot be reached.
        """
        url = endpoints.userinfo
        if url is None:
            unusable(endpoints.token, "The provider has no UserInfo endpoint.")
        found = await self._calls.call(url, {"Authorization": f"Bearer {access_token}"}, None)
        try:
            document = decode(found.content) if found.status == 200 else None
        except FetchFailed as error:
            unusable(url, str(error))
        if not isinstance(document, dict):
            unusable(url, f"The status is {found.status}, or the response is not an object.")
        return document

    def _token_request(self, endpoints: Endpoints, code: str, verifier: str) -> tuple[str, dict[str, str], bytes]:
        options = self._options
        parameters = optional("authlib.oauth2.rfc6749.parameters", "Authlib", "A login", extra="oauth")
        body = parameters.prepare_token_request(
            "authorization_code", redirect_uri=options.redirect_uri, code=code, code_verifier=verifier
        )
        method = self._authentication(endpoints)
        return client_request(endpoints.token, body, options.client_id, options.client_secret, method)

    def _authentication(self, endpoints: Endpoints) -> ClientAuthentication:
        if self._options.client_authentication is not None:
            return self._options.client_authentication
        if self._options.client_secret is None:
            return "none"
        supported = endpoints.client_authentication
        return "post" if "client_secret_post" in supported and "client_secret_basic" not in supported else "basic"


def _refuse(url: str, found: Fetched) -> Never:
    """Raise the HTTPError for an error response of the token endpoint (RFC 6749, section 5.2)."""
    error = None
    with suppress(FetchFailed):
        document = decode(found.content)
        error = document.get("error") if isinstance(document, dict) else None
    if error == "invalid_grant":
        raise HTTPError(400, NOT_BEGUN)
    unusable(url, f"The status is {found.status}, and the error {str(error)[:100]!r}.", "RW246")
