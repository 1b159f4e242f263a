"""Fields that the JSON of an object leaves out: a patch neither resets nor shows them."""

import json
from typing import Any

import attrs
import pydantic
import pytest
from pydantic import BaseModel, Field, SecretStr

from ropewalk import App
from ropewalk.errors import HandlerError
from ropewalk.testing import Client, ClientResponse
from ropewalk.typed.patches import JSONPatch, MergePatch


class Key(BaseModel):
    name: str
    hidden: str = Field(default="default", exclude=True)


class Account(BaseModel):
    name: str
    digest: str = Field("default", exclude=True)
    needed: int = Field(exclude=True)
    password: SecretStr = Field(SecretStr(""), exclude=True)
    owner: Key = Field(Key(name="default"), exclude=True)
    main: Key | None = None
    keys: list[Key] = []
    by_name: dict[str, Key] = {}


class Keys(pydantic.RootModel[list[Key]]):
    pass


class Renamed(BaseModel):
    name: str
    digest: str = Field("default", exclude=True, validation_alias="digestIn", serialization_alias="digestOut")
    other: str = Field("default", exclude=True, validation_alias=pydantic.AliasChoices("a", "b"))


class OwnForm(BaseModel):
    name: str
    digest: str = "default"

    @pydantic.model_serializer
    def written(self) -> dict[str, Any]:
        return {"name": self.name}


@attrs.define
class Attrs:
    name: str
    _digest: str = "default"


def account() -> Account:
    return Account(
        name="ada",
        digest="d",
        needed=1,
        password=SecretStr("open sesame"),
        owner=Key(name="o", hidden="O"),
        main=Key(name="m", hidden="M"),
        keys=[Key(name="a", hidden="A"), Key(name="b", hidden="B")],
        by_name={"c": Key(name="c", hidden="C")},
    )


class Patched:
    """The result of a patch that a client has sent."""

    def __init__(self, value: Any, patch: Any, patch_type: Any) -> None:
        kind = type(value)
        self.made: Any = None

        def handler(patch: Any) -> str:
            self.made = patch.apply(value)
            return "patched"

        handler.__annotations__["patch"] = patch_type[kind]
        app = App()
        app.patch("/")(handler)
        fields = {"content-type": patch_type.media_type}
        client = Client(app, raise_errors=False)
        self.response: ClientResponse = client.patch("/", body=json.dumps(patch).encode(), headers=fields)


def merged(value: Any, **patch: Any) -> Any:
    found = Patched(value, patch, MergePatch)
    assert found.response.status == 200, found.response.text
    return found.made


def changed(value: Any, *operations: Any) -> Any:
    found = Patched(value, list(operations), JSONPatch)
    assert found.response.status == 200, found.response.text
    return found.made


def rename(path: str) -> dict[str, str]:
    return {"op": "replace", "path": path, "value": "eve"}


@pytest.mark.parametrize("made", [merged(account(), name="eve"), changed(account(), rename("/name"))], ids=["m", "j"])
def test_every_place_of_a_model(made: Account) -> None:
    before = account()
    assert made.name == "eve"
    assert made == before.model_copy(update={"name": "eve"})
    assert made.password.get_secret_value() == "open sesame"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Renamed(name="a", digestIn="d", b="o"), "digest"),  # type: ignore[call-arg] # by its aliases
        (Renamed(name="a", digestIn="d", b="o"), "other"),  # type: ignore[call-arg] # as above
        (OwnForm(name="a", digest="d"), "digest"),
        (Attrs("a", "d"), "_digest"),
    ],
    ids=repr,
)
def test_other_types(value: Any, name: str) -> None:
    for made in (merged(value, name="eve"), changed(value, rename("/name"))):
        assert made.name == "eve"
        assert getattr(made, name) == getattr(value, name) != "default"


def test_a_root_model() -> None:
    made = changed(Keys([Key(name="a", hidden="A"), Key(name="b", hidden="B")]), {"op": "remove", "path": "/0"})
    assert made.root[0] == Key(name="b", hidden="B")


class TestMergePatch:
    def test_clients_may_set_such_a_field(self) -> None:
        made = merged(account(), digest="new", owner={"name": "n"})
        assert made.digest == "new"
        assert made.owner == Key(name="n", hidden="O")

    def test_null_gives_it_its_default(self) -> None:
        assert merged(account(), digest=None).digest == "default"


class TestJSONPatch:
    def test_items_take_it_along(self) -> None:
        made = changed(account(), {"op": "move", "from": "/keys/0", "path": "/keys/1"}, rename("/keys/0/name"))
        assert [(key.name, key.hidden) for key in made.keys] == [("eve", "B"), ("a", "A")]

    def test_clients_may_set_it(self) -> None:
        assert changed(account(), {"op": "add", "path": "/digest", "value": "new"}).digest == "new"

    def test_at_another_place_it_gets_its_default(self) -> None:
        """The field of a copy gets its default. Otherwise, a client could copy the hidden value to a place where it is
        shown.
        """
        made = changed(account(), {"op": "copy", "from": "/main", "path": "/by_name/x"})
        assert made.by_name["x"] == Key(name="m")
        assert made.main == Key(name="m", hidden="M")

    def test_the_whole_is_replaced(self) -> None:
        made = changed(account(), {"op": "replace", "path": "", "value": {"name": "eve"}})
        assert (made.name, made.digest, made.needed, made.keys) == ("eve", "d", 1, [])

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "test", "path": "/digest", "value": "d"},
            {"op": "test", "path": "/digest", "value": None},
            {"op": "copy", "from": "/digest", "path": "/name"},
            {"op": "move", "from": "/digest", "path": "/name"},
            {"op": "test", "path": "/keys/0/hidden", "value": "A"},
        ],
    )
    def test_clients_cannot_read_it(self, operation: dict[str, Any]) -> None:
        found = Patched(account(), [operation], JSONPatch)
        assert (found.response.status, found.made) == (409, None)


def test_a_value_that_cannot_be_json() -> None:
    """A patch could not keep such a value. So `apply` raises an error, and does not reset the value silently."""

    class Handle:
        pass

    class Model(BaseModel, arbitrary_types_allowed=True):
        name: str
        handle: Handle = Field(default_factory=Handle, exclude=True)

    app = App()

    @app.patch("/")
    def handler(patch: MergePatch[Model]) -> None:
        patch.apply(Model(name="a"))

    with pytest.raises(HandlerError, match="RW260"):
        Client(app).patch("/", body=b"{}", headers={"content-type": MergePatch.media_type})
