"""Redirects: the request that follows one, and which fields it keeps."""

from dataclasses import replace
from typing import Final
from urllib.parse import urljoin

from ropewalk.client.errors import InvalidCall, RedirectRefused
from ropewalk.client.exchange import OutgoingRequest
from ropewalk.client.urls import parse_url
from ropewalk.errors import shown
from ropewalk.headers import Headers

REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_KEPT: Final = frozenset(
    (
        "accept",
        "accept-encoding",
        "accept-language",
        "content-encoding",
        "content-language",
        "content-length",
        "content-type",
        "user-agent",
    )
)
"""The only fields that are sent to another origin. Any other field may have credentials, whatever its name is."""


def redirected(
    request: OutgoingRequest, status: int, headers: Headers, *, cross_origin: bool
) -> OutgoingRequest | None:
    """The request that follows a redirect (RFC 9110, section 15.4); None if the response is not a redirect.

    A 303, and a 301 or 302 after POST, lead to a GET without a body. Raises RedirectRefused (RW356).
    """
    location = headers.get("location")
    if status not in REDIRECTS or location is None:
        return None
    old = request.url
    try:
        new = parse_url(urljoin(str(old), _decoded(location)))
    except (InvalidCall, ValueError):
        raise _refused(request, f"The redirect leads to {shown(location)}, which is not a URL of HTTP.") from None
    there = f"{new.scheme}://{new.authority}"
    if old.scheme == "https" and new.scheme == "http":
        raise _refused(request, f"The redirect leads from https to {there}.")
    if new.origin != old.origin and not cross_origin:
        raise _refused(request, f"The redirect leads to another origin, {there}.")
    following = replace(request, url=new, headers=Headers(request.headers.lines()))
    if (status == 303 and request.method != "HEAD") or (status in (301, 302) and request.method == "POST"):
        following = replace(following, method="GET", body=None)
        for name in [each for each in following.headers if each.startswith("content-")]:
            del following.headers[name]
    elif not is_repeatable(request.body):
        raise _refused(request, f"The status is {status}, and the body can be read only once.")
    following.headers.pop("host", None)
    if new.origin != old.origin:
        kept = [(name, value) for name, value in following.headers.lines() if name in _KEPT]
        following = replace(following, headers=Headers(kept))
    return following


def _decoded(location: str) -> str:
    """A Location whose bytes beyond ASCII are decoded. They are not legal, but common: most are UTF-8.

    Other bytes are percent-encoded, so that the service gets the bytes that it has sent.
    """
    if location.isascii():
        return location
    try:
        return location.encode("latin-1").decode()
    except UnicodeDecodeError:
        return "".join(each if each.isascii() else f"%{ord(each):02X}" for each in location)


def is_repeatable(body: object) -> bool:
    """Whether a body can be sent again."""
    return body is None or isinstance(body, bytes | str | list | tuple)


def _refused(request: OutgoingRequest, what: str) -> RedirectRefused:
    return RedirectRefused(what, method=request.method, url=str(request.url))
