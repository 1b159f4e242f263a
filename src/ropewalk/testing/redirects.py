"""Follow redirects in a test client: choose the method, the body and the fields, and limit the number of redirects."""

from dataclasses import replace
from typing import Final

from ropewalk.errors import RopewalkError
from ropewalk.headers import Headers
from ropewalk.testing.client_response import ClientResponse
from ropewalk.testing.outgoing import Outgoing
from ropewalk.testing.request_bodies import is_repeatable

MOST_REDIRECTS: Final = 20
"""The most redirects that are followed. Browsers have the same limit (WHATWG Fetch, section 4.4)."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CREDENTIALS: Final = ("authorization", "proxy-authorization", "cookie", "host")
"""Fields that are not sent to another origin after a redirect."""
_OF_THE_BODY: Final = ("content-length", "transfer-encoding")


class RedirectError(RopewalkError, RuntimeError):
    """RW224: a redirect cannot be followed. `response` is the response that redirects."""

    def __init__(self, message: str, response: ClientResponse) -> None:
        super().__init__("RW224", message)
        self.response = response


def redirected(request: Outgoing, response: ClientResponse) -> Outgoing | None:
    """The request that follows a redirect (RFC 9110, section 15.4); None if the response to `request` is not a
    redirect.

    A 303, and a 301 or 302 after POST, lead to a GET without a body. Authorization, and the cookies that were given for
    this request only, are not sent to another origin. Raises RedirectError (RW224) if the redirect cannot be followed.
    """
    location = response.headers.get("location")
    if response.status not in _REDIRECTS or location is None:
        return None
    what_happened = f"{request.method} {request.target.url} was redirected"
    target = request.target.redirected(location)
    if target is None:
        raise RedirectError(f"{what_happened} to {location!r}, which is not a URL of HTTP.", response)
    following = replace(request, target=target, headers=Headers(request.headers.lines()))
    if _becomes_get(request.method, response.status):
        names = [name for name in following.headers if name.startswith("content-") or name in _OF_THE_BODY]
        following = replace(following, method="GET", body=None)
        for name in names:
            del following.headers[name]
    elif not is_repeatable(request.body):
        what = f"{what_happened} {response.status}: its body must be sent again, and can be read once."
        raise RedirectError(what, response)
    if target.origin != request.target.origin:
        following = replace(following, cookies={})
        for name in _CREDENTIALS:
            following.headers.pop(name, None)
    return following


def _becomes_get(method: str, status: int) -> bool:
    if status == 303:
        return method not in ("GET", "HEAD")
    return status in (301, 302) and method == "POST"


def check_redirects(history: list[ClientResponse], url: str) -> None:
    """Raises RedirectError (RW224) for too many redirects."""
    if len(history) > MOST_REDIRECTS:
        raise RedirectError(f"{history[0].url} was redirected {len(history)} times, last to {url}.", history[-1])
