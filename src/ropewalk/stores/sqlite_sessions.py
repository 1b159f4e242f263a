"""Sessions in an SQLite file, which the processes of one machine share."""

from collections.abc import Callable, Collection, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ropewalk.awaited_truth import AwaitedTruth
from ropewalk.clocks import unix_time
from ropewalk.stores.sessions import StoredSession, next_generation
from ropewalk.stores.sqlite_file import SQLiteFile

if TYPE_CHECKING:
    import sqlite3  # imported only where it is used, because most applications do not need it

EXPIRED_AT_ONCE: Final = 100
"""The maximum number of expired sessions that a new session removes."""

_SESSIONS: Final = """
CREATE TABLE IF NOT EXISTS sessions (
    key TEXT PRIMARY KEY, vals BLOB NOT NULL, user TEXT, generation INTEGER NOT NULL, created REAL NOT NULL,
    touched REAL NOT NULL, expires REAL NOT NULL
) WITHOUT ROWID
"""
_EXPIRY: Final = "CREATE INDEX IF NOT EXISTS session_expiry ON sessions (expires)"
_GENERATIONS: Final = """
CREATE TABLE IF NOT EXISTS session_generations (
    user TEXT PRIMARY KEY, generation INTEGER NOT NULL, expires REAL NOT NULL
) WITHOUT ROWID
"""
_CLEAN: Final = (
    "DELETE FROM sessions WHERE key IN"
    f" (SELECT key FROM sessions WHERE expires <= ? ORDER BY expires LIMIT {EXPIRED_AT_ONCE})"
)
_FIND: Final = (
    "SELECT vals, user, created, touched FROM sessions WHERE key = :key AND expires > :now AND generation >="
    " coalesce((SELECT generation FROM session_generations AS g WHERE g.user = sessions.user AND g.expires > :now), 0)"
)
_GENERATION: Final = "SELECT generation FROM session_generations WHERE user = ? AND expires > ?"

_decoder: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class SQLiteSessions:
    """Sessions in an SQLite file. They survive a restart, and all processes of this machine that use the file share
    them.

    The file is opened at the first call, and used on one thread. When a call returns, its transaction is on the disk. A
    call takes at most `timeout` seconds; at most `waiting` calls may wait. `clock` returns seconds since 1970; replace
    it in tests.
    """

    def __init__(
        self, path: str | Path, *, timeout: float = 2.0, waiting: int = 200, clock: Callable[[], float] = unix_time
    ) -> None:
        self._clock = clock
        schema = (_SESSIONS, _EXPIRY, _GENERATIONS)
        self._file = SQLiteFile(path, schema, timeout=timeout, waiting=waiting, instead="MemorySessions")

    async def load(self, key: str) -> StoredSession | None:
        """See SessionStore."""
        return await self._file.run(lambda database: self._find(database, key))

    def create(
        self,
        key: str,
        session: StoredSession,
        seconds: float,
        *,
        replaced: str | None = None,
        required: str | None = None,
    ) -> Coroutine[Any, Any, bool]:
        """See SessionStore."""
        return AwaitedTruth(self._create(key, session, seconds, replaced, required), "create")

    def update(
        self, key: str, changed: Mapping[str, bytes], removed: Collection[str], touched: float, seconds: float
    ) -> Coroutine[Any, Any, bool]:
        """See SessionStore."""
        return AwaitedTruth(self._update(key, changed, removed, touched, seconds), "update")

    async def delete(self, key: str) -> None:
        """See SessionStore."""

        def run(database: "sqlite3.Connection") -> None:
            database.execute("DELETE FROM sessions WHERE key = ?", (key,))

        await self._file.run(run)

    async def end_sessions(self, user: str, seconds: float) -> None:
        """See SessionStore."""

        def run(database: "sqlite3.Connection") -> None:
            now = self._clock()
            database.execute("DELETE FROM session_generations WHERE expires <= ?", (now,))
            found = database.execute(_GENERATION, (user, now)).fetchone()
            generation = next_generation(0 if found is None else found[0], now)
            database.execute(
                "INSERT OR REPLACE INTO session_generations VALUES (?, ?, ?)", (user, generation, now + seconds)
            )

        await self._file.run(run)

    def close(self) -> None:
        """Close the file after all previous calls. A later call opens it again."""
        self._file.close()

    async def _create(
        self,
        key: str,
        session: StoredSession,
        seconds: float,
        replaced: str | None,
        required: str | None,
    ) -> bool:

        def run(database: "sqlite3.Connection") -> bool:
            if required is not None and self._find(database, required) is None:
                return False
            now = self._clock()
            database.execute(_CLEAN, (now,))
            if replaced is not None:
                database.execute("DELETE FROM sessions WHERE key = ?", (replaced,))
            found = database.execute(_GENERATION, (session.user, now)).fetchone()
            row = (key, _encoded(session.values), session.user, 0 if found is None else found[0])
            times = (session.created, session.touched, now + seconds)
            database.execute("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)", row + times)
            return True

        return await self._file.run(run)

    async def _update(
        self, key: str, changed: Mapping[str, bytes], removed: Collection[str], touched: float, seconds: float
    ) -> bool:

        def run(database: "sqlite3.Connection") -> bool:
            found = self._find(database, key)
            if found is None:
                return False
            values = {name: value for name, value in {**found.values, **changed}.items() if name not in removed}
            database.execute(
                "UPDATE sessions SET vals = ?, touched = ?, expires = ? WHERE key = ?",
                (_encoded(values), touched, self._clock() + seconds, key),
            )
            return True

        return await self._file.run(run)

    def _find(self, database: "sqlite3.Connection", key: str) -> StoredSession | None:
        row = database.execute(_FIND, {"key": key, "now": self._clock()}).fetchone()
        if row is None:
            return None
        values, user, created, touched = row
        return StoredSession(
            {name: bytes(raw) for name, raw in _decoder.decode(values).items()}, user, created, touched
        )


def _encoded(values: Mapping[str, bytes]) -> bytes:
    return msgspec.json.encode({name: msgspec.Raw(value) for name, value in values.items()})
