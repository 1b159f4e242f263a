"""Passwords with a cheap hash, as the guide shows them."""

from typing import Annotated

from msgspec import Struct

from ropewalk import App, Depends
from ropewalk.auth import Passwords, PasswordsOptions
from ropewalk.testing import Client

app = App()
HASHES: dict[str, str] = {}
SHARED = Passwords()


class Credentials(Struct):
    """A name and a password."""

    name: str
    password: str


def passwords() -> Passwords:
    """Return the object that hashes passwords."""
    return SHARED


@app.post("/users", status=201)
async def sign_up(new: Credentials, passwords: Annotated[Passwords, Depends(passwords)]) -> None:
    """Store the hash of the password of a new user."""
    HASHES[new.name] = await passwords.hash_password(new.password)


CHEAP = Passwords(PasswordsOptions(time_cost=1, memory_cost=8, parallelism=1))  # only for tests


def test_signing_up() -> None:
    with app.override(passwords, lambda: CHEAP):
        assert Client(app).post("/users", json={"name": "ada", "password": "a long password"}).status == 201
    assert HASHES["ada"].startswith("$argon2id$v=19$m=8,t=1,p=1$")
