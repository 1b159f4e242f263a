"""Users of tokens, found in a database by a provider: `ropewalk run examples/token_users.py`."""

import os
from typing import Annotated

from msgspec import Struct

from ropewalk import App, Depends, HTTPError
from ropewalk.auth import BearerJWT, BearerJWTOptions, Principal, TokenPrincipal, authenticate

SECRET = os.environ.get("TOKEN_SECRET") or os.urandom(32)
logged_in = authenticate(BearerJWT(BearerJWTOptions(keys=SECRET, issuer="hotel", audience="guests")))
app = App(middleware=[logged_in])


class User(Struct, frozen=True):
    """A user as others see them."""

    name: str


class Users:
    """Use your database instead of this class."""

    def __init__(self) -> None:
        self._names = {"1": "ada"}

    async def find(self, subject: str | None) -> User | None:
        """Return the user with this id, or None."""
        name = self._names.get(subject or "")
        return None if name is None else User(name)


async def find_user(
    token: Annotated[TokenPrincipal, Principal()], users: Annotated[Users, Depends(Users, scope="app")]
) -> User:
    """Return the user of the token in the request."""
    user = await users.find(token.subject)
    if user is None:
        raise HTTPError(401, "The user of this token does not exist.", {"WWW-Authenticate": "Bearer"})
    return user


CurrentUser = Annotated[User, Depends(find_user)]


@app.get("/me")
def me(user: CurrentUser) -> User:
    """See who you are."""
    return user


if __name__ == "__main__":
    app.run(port=8080)
