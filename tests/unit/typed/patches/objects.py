"""The same room as an object of each kind of type, and a client of handlers that patch it."""

import dataclasses
import json
from datetime import date
from typing import Annotated, Any, NotRequired

import attrs
import msgspec
import pydantic
import typing_extensions
from msgspec import Meta

from ropewalk import App
from ropewalk.testing import Client, ClientResponse

Beds = Annotated[int, Meta(ge=1)]


class Struct(msgspec.Struct, kw_only=True):
    number: str
    beds: Beds
    since: date | None = None
    tags: list[str] = []
    extras: dict[str, str] = {}


@dataclasses.dataclass(kw_only=True)
class Data:
    number: str
    beds: Beds
    since: date | None = None
    tags: list[str] = dataclasses.field(default_factory=list)
    extras: dict[str, str] = dataclasses.field(default_factory=dict)


@attrs.define(kw_only=True)
class Attrs:
    number: str
    beds: Beds
    since: date | None = None
    tags: list[str] = attrs.Factory(list)
    extras: dict[str, str] = attrs.Factory(dict)


class Typed(typing_extensions.TypedDict):
    number: str
    beds: Beds
    since: NotRequired[date | None]
    tags: NotRequired[list[str]]
    extras: NotRequired[dict[str, str]]


class Model(pydantic.BaseModel, extra="forbid"):
    number: str
    beds: Annotated[int, pydantic.Field(ge=1)]
    since: date | None = None
    tags: list[str] = []
    extras: dict[str, str] = {}

    @pydantic.computed_field  # type: ignore[prop-decorator] # as pydantic documents it
    @property
    def double(self) -> bool:
        return self.beds > 1


KINDS = [Struct, Data, Attrs, Typed, Model]

ROOM: dict[str, Any] = {"number": "12", "beds": 2, "since": date(2027, 5, 1), "tags": ["sea"], "extras": {"tv": "old"}}


def client_of(kind: Any, patch: Any, value: Any = None) -> Client:
    """A client of a handler that applies patches to a room of a type. The result is in `client.app.changed`."""
    app = App()
    changed: list[Any] = []

    def change(patch: Any) -> None:
        changed.append(patch.apply(kind(**ROOM) if value is None else value))

    change.__annotations__["patch"] = patch
    app.patch("/")(change)
    client = Client(app, raise_errors=False)
    client.app.changed = changed
    return client


def send(client: Client, body: Any, media_type: str = "application/merge-patch+json") -> ClientResponse:
    text = body if isinstance(body, bytes) else json.dumps(body)
    return client.patch("/", body=text, headers={"content-type": media_type})


def changed(client: Client, body: Any, media_type: str = "application/merge-patch+json") -> dict[str, Any]:
    """The fields of the room after a patch."""
    response = send(client, body, media_type)
    assert response.status == 204, response.text
    room = client.app.changed.pop()
    return room if isinstance(room, dict) else {name: getattr(room, name) for name in ROOM}


def faults(response: ClientResponse) -> dict[str, str]:
    """The codes of the errors, by their pointers."""
    assert response.status == 422, response.text
    return {each.get("pointer", ""): each["code"] for each in response.json()["errors"]}
