"""Calls a provider in a bounded number of threads, and raises the HTTPError that clients get if a call fails."""

from collections.abc import Mapping
from typing import Final, Literal, Never
from urllib.parse import quote

from twisted.internet import defer
from twisted.logger import Logger

from ropewalk.auth.bounded_threads import BoundedThreads
from ropewalk.auth.packages import optional
from ropewalk.auth.provider_http import Fetched, FetchFailed, fetch
from ropewalk.errors import HTTPError, visible

log = Logger(namespace="ropewalk.auth")

ClientAuthentication = Literal["basic", "post", "none"]

_MOST_CALLS: Final = 4
"""The largest number of calls at a time. The reactor has ten threads by default, and other code needs some of them."""
_MOST_WAITING: Final = 64
_METHODS: Final[dict[ClientAuthentication, str]] = {
    "basic": "client_secret_basic",
    "post": "client_secret_post",
    "none": "none",
}


class ProviderCalls:
    """Calls one provider. The timeout, in seconds, limits the time of one whole call."""

    def __init__(self, timeout: float, body_limit: int) -> None:
        self._timeout = timeout
        self._body_limit = body_limit
        self._threads: BoundedThreads[Fetched] = BoundedThreads(_MOST_CALLS, _MOST_WAITING)

    async def call(self, url: str, fields: Mapping[str, str], body: bytes | None) -> Fetched:
        """Send a GET, or a POST if there is a body. Returns the response.

        Raises HTTPError 503 if the provider cannot be reached, or responds with 429 or a 5xx status.
        """
        from twisted.internet import reactor

        def call() -> Fetched:
            """Send the request, in a thread. Raises FetchFailed."""
            return fetch(url, timeout=self._timeout, body_limit=self._body_limit, body=body, fields=fields)

        try:
            # Twice the timeout of the request, because the call may first have to wait for a free thread.
            found = await self._threads.call(call).addTimeout(2 * self._timeout, reactor)
        except defer.TimeoutError:
            _unreachable(url, "The response did not arrive in time.")
        except FetchFailed as error:
            _unreachable(url, str(error))
        if found.status >= 500 or found.status == 429:
            _unreachable(url, f"The status is {found.status}.")
        return found


def client_request(
    url: str, form: str, client_id: str, client_secret: str | None, method: ClientAuthentication
) -> tuple[str, dict[str, str], bytes]:
    """The URL, fields and body of a request that sends a form with the client's credentials (RFC 6749, section 2.3)."""
    auth = optional("authlib.oauth2.auth", "Authlib", "OAuth 2.0", extra="oauth")
    client, secret = client_id, client_secret or ""
    if method == "basic":  # id and secret are encoded as in a form (section 2.3.1)
        client, secret = quote(client, safe=""), quote(secret, safe="")
    fields = {"Content-Type": "application/x-www-form-urlencoded"}
    url, fields, body = auth.ClientAuth(client, secret, _METHODS[method]).prepare("POST", url, fields, form)
    return url, fields, body.encode()


def unusable(url: str, why: str, code: str = "RW245") -> Never:
    """Log why a response of the provider is unusable, and raise HTTPError 502."""
    log.warn("{code} {url}: {why}", code=code, url=visible(url), why=visible(why))
    raise HTTPError(502, "The login service sent a response that cannot be used. Try again later.")


def _unreachable(url: str, why: str) -> Never:
    log.warn("{code} {url}: {why}", code="RW245", url=visible(url), why=visible(why))
    raise HTTPError(503, "The login service cannot be reached. Try again later.", {"retry-after": "10"})
