"""Errors that are raised because the system is out of descriptors or disk space.

They are not errors in the handler, because any client may cause them by requesting or uploading files. So clients get a
503 or 507, and the log has at most one line in each interval, however many requests are refused.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from errno import EDQUOT, EFBIG, EMFILE, ENFILE, ENOSPC
from time import monotonic
from typing import Final

from ropewalk.errors import HTTPError

INTERVAL: Final = 10.0
"""Seconds between two lines in the log about the same shortage."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A shortage of a system resource: its error code, and the status and header fields of the response."""

    code: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()

    def to_http_error(self) -> HTTPError:
        """An HTTPError with the status and the header fields of this shortage."""
        return HTTPError(self.status, headers=self.headers)


_DESCRIPTORS: Final = Shortage("RW506", 503, (("retry-after", "1"),))  # RFC 9110, section 10.2.3
_ROOM: Final = Shortage("RW507", 507)  # RFC 4918, section 11.5
_SHORTAGES: Final = {EMFILE: _DESCRIPTORS, ENFILE: _DESCRIPTORS, ENOSPC: _ROOM, EDQUOT: _ROOM, EFBIG: _ROOM}


def shortage_in(error: BaseException) -> Shortage | None:
    """The shortage that an exception reports; None if the exception reports no shortage."""
    if not isinstance(error, OSError):
        return None
    try:
        if isinstance(error, FileNotFoundError) and _has_no_temporary_folder(error):
            return _why_none_is_usable()
        return _SHORTAGES.get(error.errno or 0)
    except Exception:  # noqa: BLE001 - `errno` of a subclass raised it, but `error` itself has to be logged
        return None


def _has_no_temporary_folder(error: FileNotFoundError) -> bool:
    """Whether `tempfile` raised an error, because it could not write to any folder.

    It tries to write to each folder when it is first used, and hides the cause.
    """
    return tempfile.tempdir is None and error.filename is None and "temporary directory" in f"{error.strerror}"


def _why_none_is_usable() -> Shortage:
    """The shortage because of which no temporary folder can be used: of descriptors, if no file can be opened now, or
    else of disk space."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return _SHORTAGES.get(error.errno or 0, _ROOM)
    return _ROOM


class ShortageLog:
    """Remembers when each shortage was last logged by one service."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._logged_at: dict[Shortage, float] = {}

    def is_news(self, shortage: Shortage) -> bool:
        """Whether the shortage was not yet logged in the current interval. If True, the caller must log it."""
        now = self._now()
        if shortage in self._logged_at and now - self._logged_at[shortage] < INTERVAL:
            return False
        self._logged_at[shortage] = now
        return True
