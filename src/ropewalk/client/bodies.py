"""The body of a call, and the fields that describe it."""

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final

from ropewalk.client.errors import InvalidCall
from ropewalk.client.exchange import Body
from ropewalk.errors import shown
from ropewalk.headers import Headers
from ropewalk.response import JSON, encode_json
from ropewalk.url_encoding import InvalidParameters, Parameters, encode_parameters

_FORM: Final = "application/x-www-form-urlencoded"
_NOT_UTF_8: Final = "has half of a surrogate pair, which UTF-8 cannot encode"
_WITH_BODY: Final = frozenset(("POST", "PUT", "PATCH"))


def add_body(method: str, headers: Headers, body: Any, json: Any, form: Parameters | None) -> Body | None:
    """Choose the body of a call, and add its Content-Type and Content-Length. Raises InvalidCall (RW357)."""
    given = [name for name, value in (("body", body), ("json", json), ("form", form)) if value is not None]
    if len(given) > 1:
        raise InvalidCall(f"A call has one body, so give {given[0]}= or {given[1]}=, not both.")
    if json is not None:
        try:
            body = encode_json(json)
        except UnicodeEncodeError:
            raise InvalidCall(f"json= {_NOT_UTF_8}.") from None
        headers.setdefault("content-type", JSON)
    elif form is not None:
        try:
            body = encode_parameters("form", form).encode("ascii")
        except InvalidParameters as error:
            raise InvalidCall(f"{error}") from None
        headers.setdefault("content-type", _FORM)
    elif isinstance(body, str):
        try:
            body = body.encode()
        except UnicodeEncodeError:
            raise InvalidCall(f"body= {_NOT_UTF_8}.") from None
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
