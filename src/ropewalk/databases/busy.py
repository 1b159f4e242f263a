"""`DatabaseBusy`: the response of a request that could not use the database in time."""

from sqlite3 import SQLITE_BUSY, SQLITE_LOCKED, Error

from twisted.logger import Logger

from ropewalk.errors import HTTPError

log = Logger(namespace="ropewalk.databases")

_PRIMARY = 0xFF
"""The bits of an extended result code of SQLite that are the primary code."""


class DatabaseBusy(HTTPError):
    """Status 503 with Retry-After: other requests or processes used the database for too long.

    The log has the reason (RW280).
    """

    def __init__(self, why: str) -> None:
        super().__init__(503, "The database is busy.", {"Retry-After": "1"})
        self._why = why

    def log(self) -> None:
        """Log the reason, which the client does not get."""
        log.warn("{code} The database is busy: {why}", code="RW280", why=self._why)


def is_busy(error: Error) -> bool:
    """Whether a statement failed because another connection holds a lock that it needs."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY in (SQLITE_BUSY, SQLITE_LOCKED)
