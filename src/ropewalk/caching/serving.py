"""Makes the response to a request from a stored response (RFC 9111, section 4)."""

from math import floor
from typing import Final

from ropewalk.caching.status import CacheStatus
from ropewalk.calling import remember_settled
from ropewalk.headers import Headers
from ropewalk.middleware.conditional import conditional_response
from ropewalk.request import Request, ValueWithFields
from ropewalk.response import Response
from ropewalk.stores import PreparedValue, StoredResponse

_CONDITIONS: Final = ("if-none-match", "if-modified-since", "if-match", "if-unmodified-since")
ROUNDING: Final = 0.001
"""Seconds that are added before a time is rounded down, because differences of floats are inexact."""


def age_of(stored: StoredResponse, now: float) -> int:
    """The Age of a stored response (RFC 9111, section 4.2.3)."""
    return max(0, floor(now - stored.made + ROUNDING))


def sent_fields(stored: StoredResponse, now: float, status: CacheStatus, *details: str) -> list[tuple[str, str]]:
    """The header fields with which a stored response is sent."""
    return [
        *stored.fields,
        ("age", str(age_of(stored, now))),
        *status.hit(stored.fresh_until - now + ROUNDING, *details),
    ]


def response_from(request: Request, stored: StoredResponse, now: float, status: CacheStatus, *details: str) -> Response:
    """A stored response, or a 304 if the client has it already."""
    response = Response(stored.body or None, stored.status)
    response.headers = Headers.checked(sent_fields(stored, now, status, *details))
    response = respect_conditions(request, response)
    return remember_settled(response, request)  # it was checked before it was stored, so it need not be checked again


def respect_conditions(request: Request, response: Response) -> Response:
    """The response, or a 304 if the client has it already. Raises HTTPError 412 for a precondition that fails."""
    if response.status != 200 or not has_conditions(request):
        return response
    headers = response.headers
    return conditional_response(request, response, headers.get("etag"), headers.get("last-modified"))


def has_conditions(request: Request) -> bool:
    """Whether a request has a field of a condition (RFC 9110, section 13.1)."""
    header = request.header
    return any(header(name) is not None for name in _CONDITIONS)


def prepared_value(stored: StoredResponse, now: float, status: CacheStatus) -> PreparedValue | None:
    """A fresh stored response as a value that the engine sends, valid until its Age changes.

    None if the engine cannot send it by itself, or if another cache has prepared it in this second.
    """
    prepared = stored.prepared
    if prepared is not None and prepared.since <= now < prepared.until:
        return prepared if prepared.maker is status else None
    names = [name for name, _ in stored.fields]
    if stored.status != 200 or names.count("content-type") != 1:
        return None
    kind = dict(stored.fields)["content-type"]
    fields = tuple(line for line in sent_fields(stored, now, status) if line[0] != "content-type")
    until = min(stored.made + age_of(stored, now) + 1, stored.fresh_until)
    prepared = stored.prepared = PreparedValue(
        ValueWithFields(stored.body, fields, kind),
        *(now, until),
        shared=stored.shared,
        has_date="last-modified" in names,
        maker=status,
    )
    return prepared
