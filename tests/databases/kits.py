"""One interface for each PostgreSQL library: an app with a transaction per request, and a way to run a statement."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any

from psycopg import OperationalError
from psycopg.errors import UniqueViolation
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from tests.postgres_process import Database

import notes_psycopg
import notes_sqlalchemy
from ropewalk import App, Depends

Transaction = Annotated[Any, Depends("transaction")]

LONG = 30
"""How many seconds a request waits for a connection in tests in which it must get one."""


class Psycopg:
    """psycopg and its pool."""

    def app(self, database: Database, *, size: int = 2, timeout: float = LONG, start: float = LONG) -> App:
        """An app whose handlers take a Transaction. Its error handlers are those of the example."""

        async def open_pool() -> AsyncIterator[Any]:
            pool: Any = AsyncConnectionPool(
                database.url,
                min_size=size,
                max_size=size,
                timeout=timeout,
                reconnect_timeout=1,
                check=AsyncConnectionPool.check_connection,
                open=False,
            )
            async with pool:
                await pool.wait(start)
                yield pool

        async def begin(pool: Annotated[Any, Depends()]) -> AsyncIterator[Any]:
            async with pool.connection() as connection:
                yield connection

        app = App()
        app.provide("pool", open_pool, scope="app")
        app.provide("transaction", begin, scope="handler")
        app.error(OperationalError)(notes_psycopg.unavailable)
        app.error(UniqueViolation)(notes_psycopg.taken)
        return app

    async def run(self, transaction: Any, statement: str) -> list[Any]:
        """Return the rows of a statement."""
        cursor = await transaction.execute(statement)
        return [] if cursor.description is None else list(await cursor.fetchall())

    async def stream(self, transaction: Any, statement: str) -> AsyncGenerator[Any, None]:
        """The rows of a statement, of which only some are in memory."""
        async with transaction.cursor("rows") as cursor:
            await cursor.execute(statement)
            async for row in cursor:
                yield row


class SQLAlchemy:
    """Sessions of SQLAlchemy, with one of its drivers."""

    def __init__(self, driver: str) -> None:
        self._driver = driver

    def app(self, database: Database, *, size: int = 2, timeout: float = LONG, start: float = LONG) -> App:
        """An app whose handlers take a Transaction. Its error handlers are those of the example."""

        async def open_database() -> AsyncIterator[Any]:
            engine = create_async_engine(
                database.url_for(self._driver),
                pool_size=size,
                max_overflow=0,
                pool_timeout=timeout,
                pool_pre_ping=True,
            )
            try:
                async with engine.connect():  # the start of the app fails if the database cannot be reached
                    pass
                yield async_sessionmaker(engine, expire_on_commit=False)
            finally:
                await engine.dispose()

        async def begin(pool: Annotated[Any, Depends()]) -> AsyncIterator[Any]:
            async with pool.begin() as session:
                try:
                    await session.connection()
                except OSError as error:
                    raise notes_sqlalchemy.unavailable(error) from error
                yield session

        app = App()
        app.provide("pool", open_database, scope="app")
        app.provide("transaction", begin, scope="handler")
        app.error(NoConnection)(notes_sqlalchemy.no_connection)
        app.error(DBAPIError)(notes_sqlalchemy.failed)
        app.error(IntegrityError)(notes_sqlalchemy.taken)
        return app

    async def run(self, transaction: Any, statement: str) -> list[Any]:
        """Return the rows of a statement."""
        result = await transaction.execute(text(statement))
        return [tuple(row) for row in result] if result.returns_rows else []

    async def stream(self, transaction: Any, statement: str) -> AsyncGenerator[Any, None]:
        """The rows of a statement, of which only some are in memory."""
        rows = await transaction.stream(text(statement))
        try:
            async for row in rows:
                yield tuple(row)
        finally:
            await rows.close()


Kit = Psycopg | SQLAlchemy

KITS: dict[str, Kit] = {
    "psycopg": Psycopg(),
    "sqlalchemy with psycopg": SQLAlchemy("psycopg"),
    "sqlalchemy with asyncpg": SQLAlchemy("asyncpg"),
}
