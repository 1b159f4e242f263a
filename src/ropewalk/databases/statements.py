"""`Statements`: the base class of transactions and readers, which runs their statements in a thread."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from sqlite3 import Connection, Row
from typing import Any, Concatenate, ParamSpec, TypeVar

from ropewalk.databases.busy import DatabaseBusy
from ropewalk.databases.values import bound, converted

Arguments = ParamSpec("Arguments")
Kind = TypeVar("Kind")
Result = TypeVar("Result")


class Statements(ABC):
    """Runs statements. Values are a tuple or list for `?`, or a mapping, Struct or dataclass for `:name`.

    Dates, times, UUIDs, decimals and enums are stored as the JSON of a response has them. If the wait for a statement
    is cancelled, for example because the client has left, the statement is interrupted.
    """

    async def execute(self, statement: str, values: Any = ()) -> list[Row]:
        """Run a statement. Return its rows, which have their columns by index and by name."""
        given = bound(values)
        return await self._logged(lambda connection: connection.execute(statement, given).fetchall())

    async def fetch(self, kind: type[Kind], statement: str, values: Any = ()) -> list[Kind]:
        """Run a statement. Return its rows as objects of a type.

        The type is a Struct, a dataclass, a TypedDict or a pydantic model with a field for each column; or a tuple;
        or, for one column, a type such as `int` or `date`. Raises msgspec.ValidationError for a value that does not
        fit.
        """
        given = bound(values)
        return await self._logged(lambda connection: converted(connection.execute(statement, given).fetchall(), kind))

    async def fetch_one(self, kind: type[Kind], statement: str, values: Any = ()) -> Kind | None:
        """Run a statement. Return its first row as an object of a type (see `fetch`); None without rows."""
        given = bound(values)

        def first(connection: Connection) -> Kind | None:
            cursor = connection.execute(statement, given)
            found = converted(cursor.fetchmany(1), kind)
            cursor.close()
            return found[0] if found else None

        return await self._logged(first)

    async def call(
        self,
        function: Callable[Concatenate[Connection, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Call `function(connection, ...)` in the thread, with the connection of the module sqlite3.

        The function must neither begin nor end a transaction.
        """
        return await self._logged(lambda connection: function(connection, *args, **kwargs))

    async def _logged(self, function: Callable[[Connection], Result]) -> Result:
        try:
            return await self._run(function)
        except DatabaseBusy as busy:
            busy.log()
            raise

    @abstractmethod
    async def _run(self, function: Callable[[Connection], Result]) -> Result: ...
