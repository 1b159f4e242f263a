"""`SQLiteReader`: runs statements that read a database."""

from collections.abc import Callable, Coroutine
from sqlite3 import SQLITE_READONLY, Connection, OperationalError
from typing import Any, Concatenate, ParamSpec, TypeVar

from ropewalk.databases.busy import DatabaseBusy, is_busy
from ropewalk.databases.connection_queue import ConnectionQueue
from ropewalk.databases.statement import Statement
from ropewalk.databases.statements import Statements
from ropewalk.errors import HandlerError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class SQLiteReader(Statements):
    """Reads committed data, also while a transaction writes.

    Each statement sees the newest commit, and has a connection only while it runs. So a handler that waits between its
    statements holds no connection. The statements of one `call` see the same state.

    Raises DatabaseBusy if other requests read for too long, and HandlerError (RW282) for a statement that writes.
    """

    def __init__(self, queue: ConnectionQueue, timeout: float) -> None:
        self._queue = queue
        self._timeout = timeout

    def call(
        self,
        function: Callable[Concatenate[Connection, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Coroutine[Any, Any, Result]:
        """Await this: call `function(connection, ...)` in a thread. All its statements see the same state."""

        def read(connection: Connection) -> Result:
            connection.execute("BEGIN")
            return function(connection, *args, **kwargs)

        return Statement(self, "call", function, lambda: self._logged(read))

    def is_created(self, statement: Statement[Any]) -> None:
        """See `Owner`."""

    def begins(self, statement: Statement[Any]) -> None:
        """See `Owner`."""

    async def _run(self, function: Callable[[Connection], Result]) -> Result:
        thread = await self._queue.take(self._timeout)
        try:
            result = await thread.call(lambda connection: _read(connection, function))
        except BaseException:
            thread.clean_up().addBoth(lambda _: self._queue.give_back(thread))
            raise
        self._queue.give_back(thread)
        return result


def _read(connection: Connection, function: Callable[[Connection], Result]) -> Result:
    """Call the function, in the thread."""
    try:
        return function(connection)
    except OperationalError as error:
        if is_busy(error):
            raise DatabaseBusy("another process holds its lock.") from error
        if getattr(error, "sqlite_errorcode", None) == SQLITE_READONLY:
            raise HandlerError("RW282", "A statement that writes was given to a reader.") from error
        raise
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
