"""An ASGI application with its own database, mounted next to handlers with dependencies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends as FastAPIDepends
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool
from tests.databases.kits import Kit, Transaction
from tests.postgres_process import Database

from ropewalk import asgi
from ropewalk.testing import Client

ADD = "INSERT INTO notes VALUES ('rope')"


def fastapi_app(database: Database) -> FastAPI:
    """Its lifespan opens the pool, and each request has a transaction."""
    pools: list[Any] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncConnectionPool(database.url, min_size=1, open=False) as pool:
            pools.append(pool)
            yield

    async def begin() -> AsyncIterator[Any]:
        async with pools[-1].connection() as connection:
            yield connection

    app = FastAPI(lifespan=lifespan)

    @app.get("/titles")
    async def titles(transaction: Annotated[Any, FastAPIDepends(begin)]) -> list[str]:
        return [title for (title,) in await (await transaction.execute("SELECT title FROM notes")).fetchall()]

    return app


def test_both_in_one_tree(kit: Kit, notes: Database) -> None:
    app = kit.app(notes)
    app.mount("/api", asgi(fastapi_app(notes)))

    @app.post("/notes", status=201)
    async def add(transaction: Transaction) -> None:
        await kit.run(transaction, ADD)

    with Client(app) as client:
        assert client.post("/notes").status == 201
        assert client.get("/api/titles").json() == ["rope"]  # it was committed before the response
        assert client.post("/notes").status == 409
        assert client.get("/api/titles").json() == ["rope"]
