"""`SQLiteTransaction`: statements that are committed or rolled back together."""

from collections.abc import Callable
from sqlite3 import Connection, Error, OperationalError
from time import monotonic
from typing import Any, Final, TypeVar

from ropewalk.databases.busy import DatabaseBusy, is_busy
from ropewalk.databases.connection_queue import ConnectionQueue
from ropewalk.databases.connection_thread import ConnectionThread
from ropewalk.databases.statement import Statement
from ropewalk.databases.statements import Statements
from ropewalk.errors import HandlerError
from ropewalk.waiting import Moment

Result = TypeVar("Result")

FIRST_PAUSE: Final = 0.001
LONGEST_PAUSE: Final = 0.05
"""The first and the longest pause, in seconds, between two attempts to get the lock that another process holds."""


class SQLiteTransaction(Statements):
    """A transaction that may write. It begins at its first statement, and sees all data that was committed before.

    SQLite allows one transaction at a time to write. Therefore, finish slow work, such as the hash of a password or a
    call to another service, before the first statement.

    Raises DatabaseBusy if other requests or processes write for too long, and HandlerError (RW281) after the end of the
    transaction. If a statement was not awaited, the transaction is rolled back, and the request fails with HandlerError
    (RW284).
    """

    def __init__(self, queue: ConnectionQueue, timeout: float) -> None:
        self._queue = queue
        self._timeout = timeout
        self._thread: ConnectionThread | None = None
        self._beginning: Moment | None = None
        self._has_ended = False
        self._is_reported = False
        self._not_begun: dict[Statement[Any], None] = {}
        """The statements that were not awaited yet."""

    def is_created(self, statement: Statement[Any]) -> None:
        """See `Owner`."""
        if not self._has_ended:
            self._not_begun[statement] = None

    def begins(self, statement: Statement[Any]) -> None:
        """See `Owner`."""
        self._not_begun.pop(statement, None)

    def is_dropped(self, statement: Statement[Any]) -> None:
        """See `Owner`. Log the statement, unless the error that `commit` raised names it already."""
        if not self._is_reported:
            super().is_dropped(statement)

    async def _run(self, function: Callable[[Connection], Result]) -> Result:
        thread = await self._begun()

        def run(connection: Connection) -> Result:
            _require_transaction(connection)
            return function(connection)

        return await thread.call(run)

    async def commit(self) -> None:
        """Commit the transaction. The provider calls this method; if it fails, `end` rolls back.

        Raises HandlerError (RW284) if a statement was not awaited.
        """
        self._has_ended = True
        for statement in self._not_begun:
            self._is_reported = True
            raise HandlerError("RW284", f"{statement.never_awaited()} Its transaction was rolled back.")
        if self._thread is None:
            return

        def commit(connection: Connection) -> None:
            _require_transaction(connection)
            connection.execute("COMMIT")

        thread = self._thread
        await thread.call(commit, interruptible=False)
        self._thread = None
        self._queue.give_back(thread)

    def end(self) -> None:
        """Roll back the transaction unless `commit` has succeeded. This does not wait for the database."""
        self._has_ended = True
        self._not_begun.clear()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.clean_up().addBoth(lambda _: self._queue.give_back(thread))

    async def _begun(self) -> ConnectionThread:
        """Begin the transaction if no statement has begun it yet. Several tasks may run statements at the same time."""
        while self._thread is None:
            self._require_open()
            if self._beginning is not None:
                await self._beginning.wait()
                continue
            self._beginning = Moment()
            try:
                await self._begin(monotonic() + self._timeout)
            finally:
                beginning, self._beginning = self._beginning, None
                beginning.fire()
        self._require_open()
        return self._thread

    async def _begin(self, deadline: float) -> None:
        thread = await self._queue.take(self._timeout)
        try:
            await thread.call(lambda connection: _begin_immediate(connection, thread, deadline))
            self._require_open()
        except (DatabaseBusy, Error):  # nothing has begun, so the next request need not wait for a rollback
            self._queue.give_back(thread)
            raise
        except BaseException:
            thread.clean_up().addBoth(lambda _: self._queue.give_back(thread))
            raise
        self._thread = thread

    def _require_open(self) -> None:
        if self._has_ended:
            raise HandlerError("RW281", "A transaction was used after its end.")


def _begin_immediate(connection: Connection, thread: ConnectionThread, deadline: float) -> None:
    """Begin the transaction, and get the lock for writing, in the thread.

    SQLite's own busy handler is not used, because it could not be interrupted.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except OperationalError as error:
            if not is_busy(error) or thread.wait(min(pause, max(0.0, deadline - monotonic()))):
                raise
            if monotonic() >= deadline:
                raise DatabaseBusy("another process holds its lock.") from error
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            return


def _require_transaction(connection: Connection) -> None:
    if not connection.in_transaction:
        what = "A transaction has ended early: a statement ended it, or SQLite rolled it back after an error."
        raise HandlerError("RW281", what)
