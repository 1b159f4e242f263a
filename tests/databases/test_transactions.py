"""Transactions as dependencies, on a real server: what is committed or rolled back, and in what state connections
return to the pool."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from tests.databases.kits import Kit, Transaction
from tests.postgres_process import Database
from tests.unit.conftest import observed
from tests.unit.turns import until

from ropewalk import App, HTTPError, Response, Site
from ropewalk.middleware import TimeoutOptions, timeout
from ropewalk.testing import AsyncClient, Client

ADD = "INSERT INTO notes VALUES ('rope')"
WAIT = "SELECT pg_sleep(600)"


def titles(database: Database) -> list[object]:
    return [title for (title,) in database.run("SELECT title FROM notes ORDER BY title")]


def adding(kit: Kit, app: App) -> App:
    """The app with a handler that adds a note."""

    @app.post("/notes", status=201)
    async def add(transaction: Transaction) -> None:
        await kit.run(transaction, ADD)

    return app


class TestOutcomes:
    def test_it_is_committed_before_the_response(self, kit: Kit, notes: Database) -> None:
        with Client(adding(kit, kit.app(notes))) as client:
            assert client.post("/notes").status == 201
            assert titles(notes) == ["rope"]

    def test_a_commit_that_fails_is_the_response(self, kit: Kit, notes: Database) -> None:
        """An error of the commit becomes the response, so the client does not get 201 for a note that was not stored.
        The table checks its constraint only at the commit, which finds that the title exists."""
        with observed(bool) as log, Client(adding(kit, kit.app(notes))) as client:
            assert [client.post("/notes").status for _ in range(2)] == [201, 409]
            assert client.post("/notes").json()["detail"] == "There is a note with this title."
        assert titles(notes) == ["rope"]
        assert log.text == ""

    @pytest.mark.parametrize("error", [HTTPError(418), LookupError("a bug")])
    def test_it_is_rolled_back_if_the_handler_raises(self, kit: Kit, notes: Database, error: Exception) -> None:
        app = kit.app(notes)

        @app.post("/notes")
        async def add(transaction: Transaction) -> None:
            await kit.run(transaction, ADD)
            raise error

        with Client(app, raise_errors=False) as client:
            assert client.post("/notes").status == (418 if isinstance(error, HTTPError) else 500)
            assert set(notes.sessions()) == {"idle"}
        assert titles(notes) == []

    def test_a_statement_that_fails_is_a_logged_500(self, kit: Kit, notes: Database) -> None:
        app = adding(kit, kit.app(notes, size=1))

        @app.get("/")
        async def fail(transaction: Transaction) -> None:
            await kit.run(transaction, "SELECT * FROM nothing")

        with observed(bool) as log, Client(app, raise_errors=False) as client:
            assert client.get("/").status == 500
            # The failed request has returned the pool's only connection in a usable state.
            assert client.post("/notes").status == 201
        assert log.text.count("RW208 GET /") == 1

    @pytest.mark.parametrize("wrapped", ["Site", "mounted"])
    def test_in_a_site_and_in_a_mounted_app(self, kit: Kit, notes: Database, wrapped: str) -> None:
        inner = adding(kit, kit.app(notes))
        outer = App()
        outer.mount("/v1", inner)
        served, path = (Site(inner.resource), "/notes") if wrapped == "Site" else (outer, "/v1/notes")
        with Client(served) as client:
            assert [client.post(path).status for _ in range(2)] == [201, 409]
        assert titles(notes) == ["rope"]

    def test_replaced_in_a_test(self, kit: Kit, notes: Database) -> None:
        """A test that replaces the dependency needs neither the database nor the pool."""
        app = kit.app(notes)

        @app.get("/")
        async def read(transaction: Transaction) -> list[int]:
            return list(transaction)

        with app.override("transaction", lambda: [1, 2, 3]), app.override("pool", lambda: None), Client(app) as client:
            assert client.get("/").json() == [1, 2, 3]


class TestCancelledStatements:
    """The pool has only one connection, so the next request shows the state of that connection."""

    def app(self, kit: Kit, notes: Database) -> App:
        app = adding(kit, kit.app(notes, size=1))

        @app.post("/wait")
        async def wait(transaction: Transaction) -> None:
            await kit.run(transaction, ADD)
            await kit.run(transaction, WAIT)

        return app

    def test_by_a_client_that_leaves(self, kit: Kit, notes: Database) -> None:
        app = self.app(kit, notes)

        async def main() -> None:
            async with AsyncClient(app) as client:
                asking = asyncio.ensure_future(client.post("/wait"))
                await until(lambda: "active" in notes.sessions())
                asking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asking
                assert (await client.post("/notes")).status == 201
                assert notes.sessions() == ["idle"]

        with observed(bool) as log:
            asyncio.run(main())
        assert log.text == ""
        assert titles(notes) == ["rope"]  # only the row of the second request: the cancelled one was rolled back

    def test_by_a_timeout(self, kit: Kit, notes: Database) -> None:
        app = self.app(kit, notes)
        app.middleware(timeout(TimeoutOptions(seconds=1)))

        @app.post("/fast")
        async def fast(transaction: Transaction) -> None:
            await kit.run(transaction, ADD)

        with Client(app) as client:
            assert client.post("/wait").status == 503
            assert titles(notes) == []
            assert client.post("/fast").status == 204
        assert titles(notes) == ["rope"]

    def test_by_the_statement_timeout_of_the_server(self, kit: Kit, notes: Database) -> None:
        notes.run(f"ALTER DATABASE {notes.name} SET statement_timeout = '50ms'")
        with Client(self.app(kit, notes)) as client:
            response = client.post("/wait")
            assert (response.status, response.headers["retry-after"]) == (503, "1")
            assert client.post("/notes").status == 201
        assert titles(notes) == ["rope"]


class TestStreams:
    def app(self, kit: Kit, notes: Database, paused: asyncio.Event | None = None) -> App:
        app = kit.app(notes, size=1)

        @app.get("/rows")
        async def rows(transaction: Transaction) -> Any:
            async def parts() -> AsyncIterator[str]:
                async with aclosing(kit.stream(transaction, "SELECT generate_series(1, 5000)")) as found:
                    async for (number,) in found:
                        yield f"{number}\n"
                        if paused is not None and number == 2000:
                            paused.set()
                            await asyncio.sleep(60)
                await kit.run(transaction, ADD)

            return Response(parts(), content_type="text/plain")

        return adding(kit, app)

    def test_the_transaction_is_open_to_the_last_part(self, kit: Kit, notes: Database) -> None:
        with Client(self.app(kit, notes)) as client:
            assert client.get("/rows").text.split() == [str(number) for number in range(1, 5001)]
            assert titles(notes) == ["rope"]
            assert client.post("/notes").status == 409

    def test_a_client_that_leaves(self, kit: Kit, notes: Database) -> None:
        async def main() -> None:
            paused = asyncio.Event()
            async with AsyncClient(self.app(kit, notes, paused)) as client:
                asking = asyncio.ensure_future(client.get("/rows"))
                await paused.wait()
                assert notes.sessions() == ["idle in transaction"]
                asking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asking
                assert (await client.post("/notes")).status == 201

        with observed(bool) as log:
            asyncio.run(main())
        assert log.text == ""
        assert titles(notes) == ["rope"]

    def test_a_client_that_leaves_while_the_server_reads_rows(self, kit: Kit, notes: Database) -> None:
        app = self.app(kit, notes)

        @app.get("/slow")
        async def slow(transaction: Transaction) -> AsyncIterator[str]:
            async with aclosing(kit.stream(transaction, "SELECT 1 UNION ALL SELECT 2 FROM pg_sleep(600)")) as found:
                async for (number,) in found:
                    yield f"{number}\n"

        async def main() -> None:
            async with AsyncClient(app) as client:
                asking = asyncio.ensure_future(client.get("/slow"))
                await until(lambda: "active" in notes.sessions())
                asking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asking
                assert (await client.post("/notes")).status == 201

        with observed(bool) as log:
            asyncio.run(main())
        assert log.text == ""

    def test_a_client_that_does_not_read_the_parts(self, kit: Kit, notes: Database) -> None:
        with Client(self.app(kit, notes)) as client:
            assert client.head("/rows").status == 200
            assert client.post("/notes").status == 201
        assert titles(notes) == ["rope"]


class TestExhaustedPools:
    def test_a_request_that_gets_no_connection(self, kit: Kit, notes: Database) -> None:
        app = adding(kit, kit.app(notes, size=1, timeout=0.2))

        async def main() -> None:
            held, go_on = asyncio.Event(), asyncio.Event()

            @app.get("/")
            async def hold(transaction: Transaction) -> list[Any]:
                found = await kit.run(transaction, "SELECT 7")
                held.set()
                await go_on.wait()
                return found

            async with AsyncClient(app) as client:
                holding = asyncio.ensure_future(client.get("/"))
                await held.wait()
                refused = await client.post("/notes")
                assert (refused.status, refused.headers["retry-after"]) == (503, "1")
                assert refused.json()["detail"] == "The database is not available."
                go_on.set()
                assert (await holding).json() == [[7]]
                assert (await client.post("/notes")).status == 201

        with observed(bool) as log:
            asyncio.run(main())
        assert len(log) == 1
        assert titles(notes) == ["rope"]
