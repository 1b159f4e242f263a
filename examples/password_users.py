"""Names and passwords that a check finds in the database of the request: `ropewalk run examples/password_users.py`."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from typing import Annotated

from msgspec import Struct

from ropewalk import App, Depends
from ropewalk.auth import BasicAuth, Principal, authenticate, hash_password, verify_password


class User(Struct, frozen=True):
    """A user as others see them."""

    name: str


async def open_session() -> AsyncIterator[sqlite3.Connection]:
    """A connection for one request. It stands for a session of your database."""
    session = await asyncio.to_thread(sqlite3.connect, ":memory:", check_same_thread=False)
    try:
        session.execute("CREATE TABLE users (name, password)")
        session.execute("INSERT INTO users VALUES ('ada', ?)", [await hash_password("open sesame")])
        yield session
    finally:
        session.close()


Session = Annotated[sqlite3.Connection, Depends(open_session)]


async def check(name: str, password: str, session: Session) -> User | None:
    """Find the user with this name and password."""
    row = session.execute("SELECT password FROM users WHERE name = ?", [name]).fetchone()
    return User(name) if await verify_password(password, row and row[0]) else None


app = App(middleware=[authenticate(BasicAuth(check))])


@app.get("/users")
def users(user: Annotated[User, Principal()], session: Session) -> list[str]:
    """List all users. The session is the one that the check has used."""
    return [name for (name,) in session.execute("SELECT name FROM users")]


if __name__ == "__main__":
    app.run(port=8080)
