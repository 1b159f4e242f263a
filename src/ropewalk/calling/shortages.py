"""What the system has run out of: descriptors, and room on a disk.

Any client may bring that about, by asking for a file or by sending one. So it is no fault of the handler that meets it,
clients are told to come again, and the log has a line for it at intervals, however many are refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from errno import EDQUOT, EMFILE, ENFILE, ENOSPC
from time import monotonic
from typing import Final

from ropewalk.errors import HTTPError

INTERVAL: Final = 10.0
"""Seconds after which the log has another line."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """Something of which there is nothing left."""

    code: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()

    def to_http_error(self) -> HTTPError:
        """What the client gets."""
        return HTTPError(self.status, headers=self.headers)


_DESCRIPTORS: Final = Shortage("RW506", 503, (("retry-after", "1"),))  # RFC 9110, section 10.2.3
_ROOM: Final = Shortage("RW507", 507)  # RFC 4918, section 11.5
_SHORTAGES: Final = {EMFILE: _DESCRIPTORS, ENFILE: _DESCRIPTORS, ENOSPC: _ROOM, EDQUOT: _ROOM}


def shortage_in(error: BaseException) -> Shortage | None:
    """What an error says is lacking."""
    if not isinstance(error, OSError):
        return None
    try:
        return _SHORTAGES.get(error.errno or 0)
    except Exception:  # noqa: BLE001 - a property of a subclass; the error itself is what is to be logged
        return None


class ShortageLog:
    """Remembers for one service what has been logged."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._told: dict[Shortage, float] = {}

    def is_news(self, shortage: Shortage) -> bool:
        """Whether it is time for a line about this, which there is one of then."""
        now = self._now()
        if shortage in self._told and now - self._told[shortage] < INTERVAL:
            return False
        self._told[shortage] = now
        return True
