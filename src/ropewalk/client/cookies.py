"""The cookies of a client: which are sent, and which are kept."""

from typing import Final

from ropewalk.client.exchange import OutgoingRequest
from ropewalk.cookie_jar import CookieJar
from ropewalk.headers import Headers

_MOST: Final = 3000
"""The most cookies that are kept. RFC 6265, section 6.1, asks for at least as many. The oldest are removed."""
_LONGEST: Final = 4096
"""The most bytes of a cookie with its attributes, as in RFC 6265, section 6.1."""


class Cookies:
    """The cookies that responses have set."""

    def __init__(self) -> None:
        self._jar = CookieJar()

    def added(self, request: OutgoingRequest) -> Headers:
        """The fields of a request, with the cookies for its URL. If the call has its own Cookie field, that field is
        sent instead."""
        headers = Headers(request.headers.lines())
        url = request.url
        found = self._jar.matching(url.host, url.target, secure=url.scheme == "https")
        if found and "cookie" not in headers:
            headers["cookie"] = "; ".join(f"{each.name}={each.value}" for each in found)
        return headers

    def store(self, request: OutgoingRequest, headers: Headers) -> None:
        """Keep the cookies that a response sets."""
        for field in headers.all("set-cookie"):
            if len(field) <= _LONGEST:
                url = request.url
                self._jar.store(field, url.host, url.target, protect_secure=url.scheme == "http")
                self._jar.keep_newest(_MOST)
