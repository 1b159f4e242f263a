"""415 Unsupported Media Type: which bodies a handler takes, by their Content-Type (RFC 9110, section 15.5.16)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from ropewalk.errors import HTTPError
from ropewalk.headers import content_type


class AcceptedTypes:
    """Media types of a body. One of JSON stands for all of JSON's structure, such as `application/merge-patch+json`."""

    def __init__(self, media_types: Sequence[str]) -> None:
        self._types = frozenset(each.lower() for each in media_types)
        self._header = ", ".join(media_types)
        self._json = "application/json" in self._types
        self._any = "*/*" in self._types

    def check(self, given: str | None) -> None:
        """Raises HTTPError 415 for another Content-Type. It names the accepted ones (RFC 9110, section 15.5.16).

        No Content-Type is refused too: a browser sends such a body across sites without asking first.
        """
        kind = "" if given is None else _media_type(given)
        if kind in self._types or self._any or (self._json and kind.endswith("+json")):
            return
        what = f"The body is {kind}" if kind else "The body has no Content-Type"
        raise HTTPError(415, f"{what}; it must be {self._header}.", {"accept": self._header})


@lru_cache(maxsize=256)
def _media_type(given: str) -> str:
    return content_type(given)[0]


JSON_ONLY: Final = AcceptedTypes(("application/json",))
