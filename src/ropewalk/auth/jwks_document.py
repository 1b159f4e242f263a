"""Fetch a JWK Set by HTTP. It blocks, so it runs in a thread, and its size and its time are bounded."""

import time
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import msgspec

from ropewalk.auth.jwt_options import JWKS
from ropewalk.json_values import is_too_deep

_PART: Final = 16384
"""Bytes that are read at a time; between them the deadline is checked."""


class NoKeys(ValueError):
    """The document could not be fetched or decoded. The text says why."""


class _NoRedirects(HTTPRedirectHandler):
    """A redirect could lead to another host, or away from TLS."""

    def redirect_request(self, *_: Any) -> None:
        return None


def fetch(options: JWKS) -> Any:
    """The decoded document. Raises NoKeys."""
    deadline = time.monotonic() + options.timeout
    request = Request(options.url, headers={"Accept": "application/json"})
    try:
        with build_opener(_NoRedirects).open(request, timeout=options.timeout) as response:
            octets = _read(response, options.max_size, deadline)
    except HTTPError as error:
        error.close()
        raise NoKeys(f"The status is {error.code}.") from None
    except (HTTPException, OSError) as error:
        raise NoKeys(f"{type(error).__name__}: {error}.") from None
    try:
        if is_too_deep(octets):
            raise NoKeys("The document is nested too deeply.")
        return msgspec.json.decode(octets)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoKeys(f"The document is not JSON: {error}.") from None


def _read(response: Any, most: int, deadline: float) -> bytes:
    found = bytearray()
    while part := response.read1(_PART):
        found += part
        if len(found) > most:
            raise NoKeys(f"The document has more than {most} bytes.")
        if time.monotonic() > deadline:
            raise NoKeys("The document did not arrive in time.")
    return bytes(found)
