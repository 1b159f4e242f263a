"""The JSON of requests and responses."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

Id = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # the range that SQLite can store
Title = Annotated[str, Meta(min_length=1, max_length=200)]


class NewTodo(Struct, forbid_unknown_fields=True):
    """A todo as a client describes it."""

    title: Title
    due: date | None = None


class TodoFields(NewTodo):
    """The fields that a client may change."""

    done: bool = False


class Todo(Struct):
    """A todo as its owner sees it."""

    id: Id
    title: str
    due: date | None
    done: bool = False


class Credentials(Struct, forbid_unknown_fields=True):
    """The name and the password with which a user signs up and logs in."""

    name: Annotated[str, Meta(pattern=r"^[a-z]{1,20}$(?!\n)")]
    password: Annotated[str, Meta(min_length=12, max_length=200)]


class Token(Struct):
    """A token, and the number of seconds for which it is valid."""

    access_token: str
    expires_in: int
    token_type: str = "Bearer"


class User(Struct, frozen=True):
    """A user as others see them."""

    name: str
