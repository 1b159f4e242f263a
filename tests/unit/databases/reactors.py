"""The program that `test_reactors` runs in a separate process: requests that use a database, on a running reactor.

python reactors.py REACTOR FILE
"""

import importlib
import sys
from typing import Annotated, Any

from twisted.internet.defer import Deferred, DeferredList, ensureDeferred

from ropewalk import App
from ropewalk.databases import SQLite, SQLiteOptions, SQLiteReader, SQLiteTransaction
from ropewalk.testing import AsyncClient

database = SQLite(sys.argv[2], SQLiteOptions(schema="CREATE TABLE notes (title TEXT)", timeout=60))
app = App()


@app.post("/")
async def add(transaction: Annotated[SQLiteTransaction, database.transaction]) -> None:
    """Add a note, whose title is the number of notes."""
    count = await transaction.fetch_one(int, "SELECT count(*) FROM notes")
    await transaction.execute("INSERT INTO notes VALUES (?)", (str(count),))


@app.get("/")
async def titles(reader: Annotated[SQLiteReader, database.read]) -> list[str]:
    """Return the titles in the order in which they were added."""
    return await reader.fetch(str, "SELECT title FROM notes ORDER BY rowid")


async def main() -> Any:
    """Send parallel requests. Return the titles."""
    async with AsyncClient(app, timeout=60) as client:
        await DeferredList([ensureDeferred(client.post("/")) for _ in range(50)], fireOnOneErrback=True)
        return (await client.get("/")).json()


if __name__ == "__main__":
    importlib.import_module(f"twisted.internet.{sys.argv[1]}reactor").install()
    from twisted.internet import reactor

    results: list[Any] = []

    def start() -> None:
        """Begin, and stop the reactor at the end."""
        running: Deferred[Any] = ensureDeferred(main())
        running.addBoth(results.append).addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(start)
    reactor.run()
    assert results == [[str(number) for number in range(50)]], results
