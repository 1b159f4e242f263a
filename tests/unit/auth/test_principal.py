"""`Principal`: a parameter of a handler that gets the authenticated client."""

from types import SimpleNamespace
from typing import Annotated, Any, Literal, NewType, Protocol, TypeVar

import pytest
from msgspec import Struct
from tests.unit.auth.conftest import ADA, Machine, User, basic, check_key, check_user
from tests.unit.conftest import Log
from typing_extensions import TypeAliasType

from ropewalk import App
from ropewalk.auth import (
    APIKey,
    BasicAuth,
    Identity,
    NotAllowed,
    Principal,
    authenticate,
    principal_of,
    requires,
)
from ropewalk.auth.identity import Authentication
from ropewalk.testing import Client

ADA_SENDS = basic("ada", "s3cret")

BOB_SENDS = basic("bob", "hunter2")

KEY = {"X-API-Key": "key-1"}

Guest = NewType("Guest", User)

Alias = TypeAliasType("Alias", User)

Unbound = TypeVar("Unbound")


class Unchecked(Protocol):
    """A protocol that is not checked at run time."""

    name: str


def allows(kind: Any, principal: Any) -> bool:
    """Whether a handler with this type gets a principal."""
    found = Authentication((), Identity(principal))
    request: Any = SimpleNamespace(state=SimpleNamespace(authentication=found))
    try:
        return principal_of(request, kind) is principal
    except NotAllowed:
        return False


class Room(Struct):
    beds: int


def new_app(*, optional: bool = False) -> App:
    return App(
        middleware=[authenticate(BasicAuth(check_user), APIKey("X-API-Key", check=check_key), optional=optional)]
    )


class TestPrincipal:
    def test_a_type(self, log: Log) -> None:
        app = new_app(optional=True)

        @app.get("/user")
        def user(user: Annotated[User, Principal()]) -> str:
            return user.name

        @app.post("/either")
        async def either(room: Room, who: Annotated[User | Machine, Principal]) -> str:
            return f"{who.name} {room.beds}"

        client = Client(app)
        assert client.get("/user", headers=ADA_SENDS).text == "ada"
        assert client.get("/user", headers=KEY).status == 403
        assert client.get("/user").status == 401
        assert client.post("/either", headers=KEY, json={"beds": 2}).text == "printer 2"
        assert client.post("/either", headers=KEY, json={"beds": "x"}).status == 422
        assert client.post("/either", json={"beds": "x"}).status == 401
        assert log == []

    def test_a_new_type(self) -> None:
        app = new_app()

        @app.get("/")
        def guest(user: Annotated[Guest, Principal()]) -> str:
            return user.name

        client = Client(app)
        assert client.get("/", headers=ADA_SENDS).text == "ada"
        assert client.get("/", headers=KEY).status == 403

    @pytest.mark.parametrize("kind", [Guest, Alias, Literal["ada"], Unbound, "User"], ids=str)
    def test_what_is_not_a_class_does_not_allow_everyone(self, kind: Any) -> None:
        assert not allows(kind, object())
        assert not allows(kind, None)

    def test_what_stands_for_a_class(self) -> None:
        assert allows(Guest, ADA)
        assert allows(Alias, ADA)
        assert allows(Literal["ada"], "ada")
        assert allows(Unchecked, ADA)

    def test_anonymous(self) -> None:
        app = new_app(optional=True)

        @app.get("/none")
        def none(user: Annotated[User | None, Principal()]) -> str:
            return "anonymous" if user is None else user.name

        @app.get("/default")
        def default(user: Annotated[User, Principal()] = ADA) -> str:
            return user.name

        @app.get("/object")
        def any_object(user: Annotated[object, Principal()]) -> str:
            return "some"

        @app.get("/any")
        def anything(user: Annotated[Any, Principal()]) -> str:
            return "some"

        client = Client(app)
        assert client.get("/none").text == "anonymous"
        assert client.get("/none", headers=BOB_SENDS).text == "bob"
        assert client.get("/default").text == "ada"
        assert [client.get(path).status for path in ("/object", "/any")] == [401, 401]
        assert [client.get(path, headers=KEY).text for path in ("/object", "/any")] == ["some", "some"]

    def test_without_authenticate(self, log: Log) -> None:
        app = App()

        @app.get("/")
        def user(user: Annotated[User | None, Principal()] = None) -> str:
            return "open"

        assert Client(app, raise_errors=False).get("/").status == 500
        assert "RW241" in log.text

    def test_with_requires(self) -> None:
        app = new_app()

        @app.get("/")
        @requires("rooms:write")
        async def user(user: Annotated[User, Principal()], page: int = 1) -> str:
            return f"{user.name} {page}"

        client = Client(app)
        assert client.get("/?page=2", headers=ADA_SENDS).text == "ada 2"
        assert client.get("/?page=2", headers=BOB_SENDS).status == 403
