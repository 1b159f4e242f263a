"""Users, and functions that send their credentials."""

from base64 import b64encode
from dataclasses import dataclass, field

from ropewalk.auth import same_secret


@dataclass(frozen=True)
class User:
    """A principal."""

    name: str
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Machine:
    """A principal of another type."""

    name: str
    scopes: str = "rooms:read rooms:write"
    roles: list[str] = field(default_factory=list)


ADA = User("ada", frozenset({"rooms:read", "rooms:write"}), frozenset({"clerk"}))
BOB = User("bob", frozenset({"rooms:read"}))
USERS = {"ada": ("s3cret", ADA), "bob": ("hunter2", BOB), "zoë": ("a:b", User("zoë"))}


def check_user(name: str, password: str) -> User | None:
    expected, user = USERS.get(name, ("", None))
    return user if user is not None and same_secret(password, expected) else None


def check_key(key: str) -> Machine | None:
    return Machine("printer") if same_secret(key, "key-1") else None


def basic(name: str, password: str) -> dict[str, str]:
    """The header field of Basic authentication."""
    return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}
