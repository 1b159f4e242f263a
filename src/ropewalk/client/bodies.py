"""The body of a call, and the fields that describe it."""

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final
from urllib.parse import urlencode

from ropewalk.client.errors import InvalidCall
from ropewalk.client.exchange import Body
from ropewalk.client.urls import Parameters, text_pairs
from ropewalk.errors import shown
from ropewalk.headers import Headers
from ropewalk.response import JSON, encode_json

_FORM: Final = "application/x-www-form-urlencoded"
_WITH_BODY: Final = frozenset(("POST", "PUT", "PATCH"))


def add_body(method: str, headers: Headers, body: Any, json: Any, form: Parameters | None) -> Body | None:
    """Choose the body of a call, and add its Content-Type and Content-Length. Raises InvalidCall (RW357)."""
    given = [name for name, value in (("body", body), ("json", json), ("form", form)) if value is not None]
    if len(given) > 1:
        raise InvalidCall(f"A call has one body, so give {given[0]}= or {given[1]}=, not both.")
    if json is not None:
        body = encode_json(json)
        headers.setdefault("content-type", JSON)
    elif form is not None:
        body = urlencode(list(text_pairs(form))).encode("ascii")
        headers.setdefault("content-type", _FORM)
    elif isinstance(body, str):
        body = body.encode()
    elif isinstance(body, bytearray | memoryview):
        body = bytes(body)
    if body is None:
        headers.pop("content-length", None)
        if method in _WITH_BODY:
            headers["content-length"] = "0"
        return None
    if isinstance(body, bytes):
        headers["content-length"] = str(len(body))
    elif isinstance(body, dict) or not isinstance(body, Iterable | AsyncIterable):
        raise InvalidCall(f"body= must be bytes, str, or an iterable of them, not {shown(body)}.")
    found: Body = body
    return found
