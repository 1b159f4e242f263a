"""415 Unsupported Media Type: refuse a body whose Content-Type the handler does not accept (RFC 9110, section
15.5.16)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from ropewalk.errors import HTTPError
from ropewalk.headers import content_type


class AcceptedTypes:
    """The media types of the bodies that a handler accepts.

    `application/json` includes all types that end in "+json".
    """

    def __init__(self, media_types: Sequence[str]) -> None:
        self._types = frozenset(each.lower() for each in media_types)
        self._header = ", ".join(media_types)
        self._json = "application/json" in self._types
        self._any = "*/*" in self._types

    def check(self, given: str | None) -> None:
        """Raises HTTPError 415, with the accepted types in the Accept field, if the Content-Type is not accepted.

        A body without a Content-Type is refused too, because browsers send it to other origins without a preflight.
        """
        kind = "" if given is None else _media_type(given)
        if kind in self._types or self._any or (self._json and kind.endswith("+json")):
            return
        what = f"The body is {kind}" if kind else "The body has no Content-Type"
        raise HTTPError(415, f"{what}; it must be {self._header}.", {"accept": self._header})


@lru_cache(maxsize=256)
def _media_type(given: str) -> str:
    return content_type(given)[0]


JSON: Final = "application/json"
JSON_ONLY: Final = AcceptedTypes((JSON,))
