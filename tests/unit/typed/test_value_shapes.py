"""Types that msgspec cannot describe as a whole: each of their parts is shaped, or refused at registration."""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, Optional

import msgspec
import pydantic
import pytest
from tests.unit.conftest import Log

from ropewalk import App, Response
from ropewalk.errors import HandlerError
from ropewalk.testing import Client


class Room(msgspec.Struct):
    number: str


class Stored(Room):
    secret: str = "s"


@dataclasses.dataclass
class View:
    number: str


@dataclasses.dataclass
class OtherView:
    name: str


@dataclasses.dataclass
class Row(View):
    secret: str = "s"


class Model(pydantic.BaseModel):
    number: str


class StoredModel(Model):
    secret: str = "s"


class Foreign:
    """A class that neither msgspec nor pydantic knows."""

    def __init__(self) -> None:
        self.number = "1"
        self.secret = "s"


MODEL = StoredModel(number="1")
SHOWN = {"number": "1"}

SHAPED: list[tuple[Any, Any, Any]] = [
    ((Stored("1"), MODEL), tuple[Room, Model], [SHOWN, SHOWN]),
    ((MODEL, MODEL), tuple[Model, ...], [SHOWN, SHOWN]),
    ((Stored("1"), MODEL), tuple[Room | Model, ...], [SHOWN, SHOWN]),
    ([MODEL], list[Room | StoredModel], [SHOWN | {"secret": "s"}]),
    ({"a": (MODEL, 1)}, dict[str, tuple[Model, int]], {"a": [SHOWN, 1]}),
    ({"a": MODEL, "b": Stored("1")}, dict[str, Model | Room], {"a": SHOWN, "b": SHOWN}),
    ({"a": Stored("1")}, Mapping[str, Foreign | Room], {"a": SHOWN}),
    ([Stored("1")], list[Room | Foreign], [SHOWN]),
    ([Stored("1"), None], list[Room | Foreign | None], [SHOWN, None]),
    ((Stored("1"), 1), tuple[Room | Foreign, int], [SHOWN, 1]),
    ((Row("1"), 1), tuple[View | OtherView, int], [SHOWN, 1]),
    ([[Row("1")]], list[Sequence[View | OtherView]], [[SHOWN]]),
    ([[Stored("1")]], list[Iterable[Room]], [[SHOWN]]),
    ([[Stored("1")], None], list[Iterable[Room] | None], [[SHOWN], None]),
    ([[Row("1")]], Collection[Collection[View | OtherView]], [[SHOWN]]),
    ({"a": {"b": Stored("1")}}, dict[str, dict[str, Room | Foreign]], {"a": {"b": SHOWN}}),
    ([Stored("1")], list[Annotated[Room | Foreign, "a note"]], [SHOWN]),
    ([Stored("1")], list["Room"], [SHOWN]),
    ({"a": Stored("1")}, "dict[str, Room]", {"a": SHOWN}),
    (Stored("1"), Optional["Room"], SHOWN),
]


def serve(value: Any, kind: Any) -> Client:
    def handler() -> Any:
        return value

    handler.__annotations__["return"] = kind
    app = App()
    app.get("/")(handler)
    return Client(app, raise_errors=False)


@pytest.mark.parametrize(("value", "kind", "sent"), SHAPED)
def test_every_part_is_shaped(value: Any, kind: Any, sent: Any) -> None:
    assert serve(value, kind).get("/").json() == sent


@pytest.mark.parametrize(("value", "kind", "sent"), SHAPED)
def test_in_a_response(value: Any, kind: Any, sent: Any) -> None:
    assert serve(Response[Any](value) if isinstance(kind, str) else Response[kind](value), Any).get("/").status == 200
    if not isinstance(kind, str):
        assert serve(Response[kind](value), Response[kind]).get("/").json() == sent


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ([Foreign()], list[Room | Foreign]),
        ({"a": Foreign()}, dict[str, Foreign]),
        (Foreign(), Foreign),
        ((Stored("1"),), tuple[Room | Foreign, int]),
        ("text", list[Room | Foreign]),
        ([Row("1")], dict[str, View | OtherView]),
        (1, tuple[View | OtherView, ...]),
    ],
)
def test_what_cannot_be_shaped_is_not_sent(value: Any, kind: Any, log: Log) -> None:
    response = serve(value, kind).get("/")
    assert response.status == 500
    assert b"secret" not in response.body
    assert "RW2" in log.text


@dataclasses.dataclass
class WithModel:
    model: Model


@dataclasses.dataclass
class WithModels:
    models: dict[str, tuple[Model, int]]


class WithIterable(msgspec.Struct):
    rooms: Iterable[Room]


@dataclasses.dataclass
class WithForeign:
    inner: list[Foreign | None]


class Deep(NamedTuple):
    below: list[WithModel]


class Whole(msgspec.Struct):
    anything: object
    other: Any = None


REFUSED: list[tuple[Any, str]] = [
    (WithModel, "WithModel.model is tests.unit.typed.test_value_shapes.Model"),
    (list[WithModel], "WithModel.model"),
    (WithModels, "WithModels.models"),
    (WithIterable, "WithIterable.rooms is collections.abc.Iterable"),
    (WithForeign, "WithForeign.inner"),
    (Deep, "WithModel.model"),
    (dict[str, WithModel | View], "WithModel.model"),
    (Iterator[WithModel], "WithModel.model"),
    (Response[WithModel], "WithModel.model"),
    (list[Iterator[Room]], "values of this type cannot be converted to the annotated type"),
    (dict[str, Callable[[], Room]], "values of this type cannot be converted to the annotated type"),
    (list[Model | Callable[[Room], str]], "values of this type cannot be converted to the annotated type"),
    ("Missing", "'Missing', which cannot be evaluated"),
    ("Missing | None", "which cannot be evaluated"),
    ("list[Missing]", "which cannot be evaluated"),
    (list["Missing"], "which cannot be evaluated"),  # type: ignore[name-defined] # noqa: F821 - it is missing
    (Response["Missing"], "which cannot be evaluated"),  # type: ignore[name-defined]
]


@pytest.mark.parametrize(("kind", "what"), REFUSED)
def test_a_type_that_is_refused_at_registration(kind: Any, what: str) -> None:
    with pytest.raises(HandlerError) as caught:
        serve(None, kind)
    assert caught.value.code == "RW228"
    assert what in str(caught.value)
    assert "serve.<locals>.handler at tests/unit/typed/test_value_shapes.py:" in str(caught.value)


def test_an_untyped_handler_is_refused_too() -> None:
    def handler(request):  # type: ignore[no-untyped-def]
        return Stored("1")

    handler.__annotations__["return"] = "Missing"
    with pytest.raises(HandlerError, match="RW228"):
        App().get("/")(handler)


@pytest.mark.parametrize("kind", ["Response", "Deferred[Any]", "Any", "AsyncIterator[bytes]", "Response[Any] | None"])
def test_usual_names_need_no_import(kind: str) -> None:
    names: dict[str, Any] = {}
    exec(f"def handler(request) -> {kind!r}: return 'x'", names)
    app = App()
    app.get("/")(names["handler"])
    assert Client(app).get("/").body == b"x"


def test_fields_of_any_type_are_not_shaped() -> None:
    assert serve(Whole(1, Stored("1")), Whole).get("/").json()["other"] == {"number": "1", "secret": "s"}
