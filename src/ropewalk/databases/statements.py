"""`Statements`: the base class of transactions and readers, which runs their statements in a thread."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from sqlite3 import Connection, Row
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.logger import Logger

from ropewalk.databases.busy import DatabaseBusy
from ropewalk.databases.statement import Statement
from ropewalk.databases.values import bound, converted

Arguments = ParamSpec("Arguments")
Kind = TypeVar("Kind")
Result = TypeVar("Result")
log = Logger(namespace="ropewalk.databases")


class Statements(ABC):
    """Runs statements. Values are a tuple or list for `?`, or a mapping, Struct or dataclass for `:name`.

    Dates, times, UUIDs, decimals and enums are stored in the same form as in a JSON response. If the wait for a
    statement is cancelled, for example because the client has left, the statement is interrupted.

    Await each call. A condition such as `if reader.execute(...):` raises HandlerError (RW210), because without `await`
    it would always be true.
    """

    def execute(self, statement: str, values: Any = ()) -> Coroutine[Any, Any, list[Row]]:
        """Await this: run a statement, and return its rows, which have their columns by index and by name."""

        def run(connection: Connection, given: Any) -> list[Row]:
            return connection.execute(statement, given).fetchall()

        return self._statement("execute", statement, values, run)

    def fetch(self, kind: type[Kind], statement: str, values: Any = ()) -> Coroutine[Any, Any, list[Kind]]:
        """Await this: run a statement, and return its rows as objects of a type.

        The type is a Struct, a dataclass, a TypedDict or a pydantic model with a field for each column; or a tuple;
        or, for one column, a type such as `int` or `date`. Raises msgspec.ValidationError for a value that does not
        fit.
        """

        def run(connection: Connection, given: Any) -> list[Kind]:
            return converted(connection.execute(statement, given).fetchall(), kind)

        return self._statement("fetch", statement, values, run)

    def fetch_one(self, kind: type[Kind], statement: str, values: Any = ()) -> Coroutine[Any, Any, Kind | None]:
        """Await this: run a statement, and return its first row as an object of a type (see `fetch`).

        The result is None if there are no rows.
        """

        def first(connection: Connection, given: Any) -> Kind | None:
            cursor = connection.execute(statement, given)
            found = converted(cursor.fetchmany(1), kind)
            cursor.close()
            return found[0] if found else None

        return self._statement("fetch_one", statement, values, first)

    def call(
        self,
        function: Callable[Concatenate[Connection, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Coroutine[Any, Any, Result]:
        """Await this: call `function(connection, ...)` in the thread, with the connection of the module sqlite3.

        The function must neither begin nor end a transaction.
        """

        def start() -> Coroutine[Any, Any, Result]:
            return self._logged(lambda connection: function(connection, *args, **kwargs))

        return Statement(self, "call", function, start)

    @abstractmethod
    def is_created(self, statement: Statement[Any]) -> None:
        """Called when a statement is created. It has not begun yet."""

    @abstractmethod
    def begins(self, statement: Statement[Any]) -> None:
        """Called when a statement is awaited for the first time."""

    def is_dropped(self, statement: Statement[Any]) -> None:
        """Log a statement that is deleted, but was never awaited."""
        log.error("{code} {what}", code="RW284", what=statement.never_awaited())

    def _statement(
        self, name: str, statement: str, values: Any, run: Callable[[Connection, Any], Result]
    ) -> Statement[Result]:
        def start() -> Coroutine[Any, Any, Result]:
            given = bound(values)
            return self._logged(lambda connection: run(connection, given))

        return Statement(self, name, statement, start)

    async def _logged(self, function: Callable[[Connection], Result]) -> Result:
        try:
            return await self._run(function)
        except DatabaseBusy as busy:
            busy.log()
            raise

    @abstractmethod
    async def _run(self, function: Callable[[Connection], Result]) -> Result: ...
