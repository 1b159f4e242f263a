"""Users sign up, and log in to get a token."""

import os
import sqlite3
from datetime import timedelta
from typing import Annotated, Any

from ropewalk import App, HTTPError
from ropewalk.auth import (
    BearerJWT,
    BearerJWTOptions,
    Principal,
    TokenIssuer,
    authenticate,
    hash_password,
    verify_password,
)
from todo.models import Credentials, Token, User
from todo.store import Reader, Transaction

SECRET = os.environ.get("TODO_SECRET") or os.urandom(32).hex()
issuer = TokenIssuer(SECRET, issuer="todo", audience="todo", lifetime=timedelta(hours=1))

users = App()


@users.post("/users", status=201, responses={409: "The name is taken."})
async def sign_up(new: Credentials, transaction: Transaction) -> User:
    """Sign up. The transaction begins at its first statement, so others need not wait for the hash."""
    hashed = await hash_password(new.password)
    try:
        await transaction.execute("INSERT INTO users (name, hash) VALUES (?, ?)", (new.name, hashed))
    except sqlite3.IntegrityError:
        raise HTTPError(409, f"The name {new.name} is taken.") from None
    return User(new.name)


@users.post("/tokens", status=201, responses={403: "The name or the password is wrong."})
async def log_in(given: Credentials, reader: Reader) -> Token:
    """Log in, and get a token."""
    hashed = await reader.fetch_one(str, "SELECT hash FROM users WHERE name = ?", (given.name,))
    if not await verify_password(given.password, hashed):
        raise HTTPError(403, "The name or the password is wrong.")
    return Token(issuer.issue(given.name), issuer.expires_in)


def load_user(claims: dict[str, Any]) -> User:
    """Return the user of a token. Its signature, issuer, audience and times have been checked."""
    return User(claims["sub"])


tokens = BearerJWT(
    BearerJWTOptions(keys=SECRET, issuer="todo", audience="todo", required=("exp", "sub"), load=load_user), realm="todo"
)
logged_in = authenticate(tokens)
"""The middleware of routes that need a token. `log_in` must not have it, because clients with old tokens call it."""

CurrentUser = Annotated[User, Principal()]


@users.get("/me", middleware=[logged_in])
def me(user: CurrentUser) -> User:
    """See who you are."""
    return user
