"""Users with passwords, tokens and API keys: `ropewalk run examples/authentication.py`."""

import os
from dataclasses import dataclass
from typing import Annotated, Any

from ropewalk import App, Request
from ropewalk.auth import (
    APIKey,
    BasicAuth,
    BearerJWT,
    BearerJWTOptions,
    Principal,
    authenticate,
    hash_password,
    requires,
    same_secret,
    verify_password,
)


@dataclass(frozen=True)
class User:
    """A user, with scopes and roles."""

    name: str
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()


USERS = {"ada": User("ada", frozenset({"rooms:read", "rooms:write"}), frozenset({"clerk"})), "bob": User("bob")}
HASHES: dict[str, str] = {}


async def check_password(name: str, password: str) -> User | None:
    """Return the user, or None. An unknown name takes the same time as a wrong password."""
    if await verify_password(password, HASHES.get(name)):
        return USERS[name]
    return None


SECRET = os.environ.get("TOKEN_SECRET") or os.urandom(32)


def load_user(claims: dict[str, Any]) -> User | None:
    """Return the user of a token. Its signature, issuer, audience and times have been checked."""
    return USERS.get(str(claims.get("sub")))


PRINTER_KEY = os.environ.get("PRINTER_KEY") or os.urandom(16).hex()


def check_key(key: str) -> User | None:
    """Return the printer, if the key is right."""
    return User("printer", frozenset({"rooms:read"})) if same_secret(key, PRINTER_KEY) else None


app = App(
    middleware=[
        authenticate(
            BasicAuth(check_password, realm="hotel"),
            BearerJWT(
                BearerJWTOptions(keys=SECRET, issuer="https://hotel.example", audience="hotel", load=load_user),
                realm="hotel",
            ),
            APIKey("X-API-Key", check=check_key, realm="hotel"),
        )
    ]
)


@app.on_start
async def add_users() -> None:
    """Store only the hashes of passwords."""
    for name in USERS:
        HASHES[name] = await hash_password(os.environ.get(f"PASSWORD_OF_{name.upper()}") or os.urandom(16).hex())


@app.get("/me")
def me(user: Annotated[User, Principal()]) -> str:
    """Any authenticated client may call this."""
    return user.name


@app.post("/rooms")
@requires("rooms:write", role="clerk")
async def add_room(request: Request) -> str:
    """Only clerks with the scope `rooms:write` may call this."""
    return "added"


office = App(middleware=[requires(role="clerk")])


@office.get("/bookings")
def bookings() -> list[str]:
    """All routes of this app need the role `clerk`."""
    return ["ada: 12"]


app.mount("/office", office)
