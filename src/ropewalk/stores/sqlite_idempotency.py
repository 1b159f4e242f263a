"""Idempotency keys in an SQLite file, which several processes of one machine can share."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ropewalk.clocks import unix_time
from ropewalk.stores.idempotency import Record
from ropewalk.stores.sqlite_file import SQLiteFile
from ropewalk.waiting import Waiter

if TYPE_CHECKING:
    import sqlite3  # imported only where it is used, because most applications do not need it

EXPIRED_AT_ONCE: Final = 100
"""The maximum number of expired keys that one call of `claim` removes."""

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS idempotency_keys (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, token TEXT NOT NULL, response BLOB, expires REAL NOT NULL
) WITHOUT ROWID
"""
_INDEX: Final = "CREATE INDEX IF NOT EXISTS idempotency_expiry ON idempotency_keys (expires)"
_CLEAN: Final = (
    "DELETE FROM idempotency_keys WHERE key IN"
    f" (SELECT key FROM idempotency_keys WHERE expires <= ? ORDER BY expires LIMIT {EXPIRED_AT_ONCE})"
)
_SAVE: Final = (
    "UPDATE idempotency_keys SET response = ?, expires = ? WHERE key = ? AND token = ? AND response IS NULL"
    " AND expires > ?"
)

_RELEASE: Final = "DELETE FROM idempotency_keys WHERE key = ? AND token = ? AND response IS NULL"


class SQLiteIdempotency:
    """Idempotency keys in an SQLite file.

    They survive a restart, and all processes of this machine that use the same file share them.

    The file is opened at the first call, and used on one thread. When a call returns, its transaction is on the disk. A
    call takes at most `timeout` seconds; at most `waiting` calls may wait. `clock` returns seconds since 1970; replace
    it in tests.
    """

    def __init__(
        self, path: str | Path, *, timeout: float = 2.0, waiting: int = 200, clock: Callable[[], float] = unix_time
    ) -> None:
        self._clock = clock
        self._file = SQLiteFile(path, (_TABLE, _INDEX), timeout=timeout, waiting=waiting, instead="MemoryIdempotency")

    async def claim(
        self,
        key: str,
        fingerprint: str,
        token: str,
        seconds: float,
        *,
        owner: str = "",  # noqa: ARG002 - this store does not limit owners
    ) -> Record | None:
        """Claim a key: see `IdempotencyStore.claim`."""

        def run(database: "sqlite3.Connection") -> Record | None:
            now = self._clock()
            database.execute(_CLEAN, (now,))
            row = database.execute(
                "SELECT fingerprint, response FROM idempotency_keys WHERE key = ? AND expires > ?", (key, now)
            ).fetchone()
            if row is not None:
                return Record(*row)
            database.execute(
                "INSERT OR REPLACE INTO idempotency_keys VALUES (?, ?, ?, NULL, ?)",
                (key, fingerprint, token, now + seconds),
            )
            return None

        def free(known: Record | None) -> None:
            if known is None:  # the key was claimed, but the caller no longer waits
                self._release(key, token).addErrback(lambda _: None)  # if releasing fails, the claim expires by itself

        return await self._file.run(run, free)

    async def save(self, key: str, token: str, response: bytes, seconds: float) -> None:
        """Store a response: see `IdempotencyStore.save`."""

        def run(database: "sqlite3.Connection") -> None:
            now = self._clock()
            database.execute(_SAVE, (response, now + seconds, key, token, now))

        await self._file.run(run)

    async def release(self, key: str, token: str) -> None:
        """Free a key: see `IdempotencyStore.release`."""
        await self._release(key, token)

    def close(self) -> None:
        """Close the file after all previous calls. A later call opens it again."""
        self._file.close()

    def _release(self, key: str, token: str) -> Waiter[None]:
        def run(database: "sqlite3.Connection") -> None:
            database.execute(_RELEASE, (key, token))

        return self._file.run(run)
