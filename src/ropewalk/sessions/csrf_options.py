"""`CSRFOptions`: which requests of other origins are trusted, and which requests are not checked."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from ropewalk.errors import KnownOptions
from ropewalk.middleware.options import check_field_name, check_function, malformed, strings
from ropewalk.middleware.store_options import RequestFunction

_ORIGIN: Final = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class CSRFOptions(KnownOptions):
    """The options of `csrf`. Raises HandlerError: RW230 for an invalid value, RW233 for a malformed origin."""

    trusted_origins: Collection[str] = ()
    """Other origins whose pages may send forms here, such as "https://shop.example.com". Each is compared exactly, so
    subdomains are not included.
    """
    exempt: RequestFunction | None = None
    """A function `(request)`, plain or async, that returns True for a request that must not be checked, such as a
    webhook with a signature of its own.
    """
    header: str = "x-csrf-token"
    """The request field in which scripts send the token. Forms send it in the field `csrf_token`."""

    def __post_init__(self) -> None:
        for origin in strings(self, "trusted_origins"):
            if not _ORIGIN.fullmatch(origin):
                raise malformed(self, origin, 'Write it in lower case without a path: "https://shop.example.com".')
        object.__setattr__(self, "trusted_origins", frozenset(self.trusted_origins))
        check_function(self, "exempt")
        check_field_name(self, "header")
