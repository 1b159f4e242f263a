"""Calls of a provider: the exchange of a code for tokens, and the claims of its UserInfo endpoint."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, Never
from urllib.parse import quote

from twisted.internet import defer
from twisted.logger import Logger

from ropewalk.auth.bounded_threads import BoundedThreads
from ropewalk.auth.oauth.endpoints import Endpoints
from ropewalk.auth.oauth.options import ClientAuthentication, LoginOptions
from ropewalk.auth.oauth.tokens import Tokens, tokens_of
from ropewalk.auth.packages import optional
from ropewalk.auth.provider_http import Fetched, FetchFailed, decode, fetch
from ropewalk.errors import HTTPError, visible

log = Logger(namespace="ropewalk.auth")

NOT_BEGUN: Final = "This login was not begun in this browser, took too long, or is complete already. Log in again."
_MOST_CALLS: Final = 4
"""At a time. The reactor has ten threads, which others need too."""
_MOST_WAITING: Final = 64
_METHODS: Final[dict[ClientAuthentication, str]] = {
    "basic": "client_secret_basic",
    "post": "client_secret_post",
    "none": "none",
}


class Provider:
    """Calls a provider in a bounded number of threads."""

    def __init__(self, options: LoginOptions) -> None:
        self._options = options
        self._threads: BoundedThreads[Fetched] = BoundedThreads(_MOST_CALLS, _MOST_WAITING)

    async def exchange(self, endpoints: Endpoints, code: str, verifier: str) -> Tokens:
        """The tokens for a code (RFC 6749, section 4.1.3, and RFC 7636, section 4.5).

        Raises HTTPError: 400 for a code that the provider refuses, 502 and 503 for a provider that does not work.
        """
        url, fields, body = self._token_request(endpoints, code, verifier)
        found = await self._call(url, fields, body)
        if found.status != 200:
            _refuse(url, found)
        try:
            return tokens_of(decode(found.content), self._options.scopes)
        except FetchFailed as error:
            unusable(url, str(error))

    async def userinfo(self, endpoints: Endpoints, access_token: str) -> dict[str, Any]:
        """The claims of the UserInfo endpoint (OpenID Connect Core, section 5.3). Raises HTTPError 502 and 503."""
        url = endpoints.userinfo
        if url is None:
            unusable(endpoints.token, "The provider has no UserInfo endpoint.")
        found = await self._call(url, {"Authorization": f"Bearer {access_token}"}, None)
        try:
            document = decode(found.content) if found.status == 200 else None
        except FetchFailed as error:
            unusable(url, str(error))
        if not isinstance(document, dict):
            unusable(url, f"The status is {found.status}, or the response not an object.")
        return document

    async def _call(self, url: str, fields: Mapping[str, str], body: bytes | None) -> Fetched:
        from twisted.internet import reactor

        options = self._options

        def call() -> Fetched:
            """Runs in a thread."""
            return fetch(url, timeout=options.timeout, max_size=options.max_size, body=body, fields=fields)

        try:
            found = await self._threads.call(call).addTimeout(2 * options.timeout, reactor)
        except defer.TimeoutError:
            _unreachable(url, "The response did not arrive in time.")
        except FetchFailed as error:
            _unreachable(url, str(error))
        if found.status >= 500 or found.status == 429:
            _unreachable(url, f"The status is {found.status}.")
        return found

    def _token_request(self, endpoints: Endpoints, code: str, verifier: str) -> tuple[str, dict[str, str], bytes]:
        options = self._options
        parameters = optional("authlib.oauth2.rfc6749.parameters", "Authlib", "A login", extra="oauth")
        body = parameters.prepare_token_request(
            "authorization_code", redirect_uri=options.redirect_uri, code=code, code_verifier=verifier
        )
        method = _METHODS[self._authentication(endpoints)]
        client, secret = options.client_id, options.client_secret or ""
        if method == "client_secret_basic":  # both are encoded as in a form (RFC 6749, section 2.3.1)
            client, secret = quote(client, safe=""), quote(secret, safe="")
        auth = optional("authlib.oauth2.auth", "Authlib", "A login", extra="oauth")
        fields = {"Content-Type": "application/x-www-form-urlencoded"}
        url, fields, body = auth.ClientAuth(client, secret, method).prepare("POST", endpoints.token, fields, body)
        return url, fields, body.encode()

    def _authentication(self, endpoints: Endpoints) -> ClientAuthentication:
        if self._options.client_authentication is not None:
            return self._options.client_authentication
        if self._options.client_secret is None:
            return "none"
        supported = endpoints.client_authentication
        return "post" if "client_secret_post" in supported and "client_secret_basic" not in supported else "basic"


def _refuse(url: str, found: Fetched) -> Never:
    """Raise the error for one of the token endpoint (RFC 6749, section 5.2)."""
    error = None
    with suppress(FetchFailed):
        document = decode(found.content)
        error = document.get("error") if isinstance(document, dict) else None
    if error == "invalid_grant":
        raise HTTPError(400, NOT_BEGUN)
    unusable(url, f"The status is {found.status}, and the error {str(error)[:100]!r}.", "RW246")


def unusable(url: str, why: str, code: str = "RW245") -> Never:
    """Log what is wrong with a response of the provider, and respond with 502."""
    log.warn("{code} {url}: {why}", code=code, url=visible(url), why=visible(why))
    raise HTTPError(502, "The login service sent a response that cannot be used. Try again later.")


def _unreachable(url: str, why: str) -> Never:
    log.warn("{code} {url}: {why}", code="RW245", url=visible(url), why=visible(why))
    raise HTTPError(503, "The login service cannot be reached. Try again later.", {"retry-after": "10"})
