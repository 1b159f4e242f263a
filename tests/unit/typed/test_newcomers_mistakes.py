"""Messages for mistakes that newcomers make: each names the mistake, its place in the user's code, and the remedy."""

import asyncio
import re
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from msgspec import Struct
from pydantic import BaseModel
from tests.unit.conftest import Log
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from ropewalk import App, Depends, JSONPatch, MergePatch, Request
from ropewalk.auth import BasicAuth, Principal, authenticate, requires
from ropewalk.errors import HandlerError
from ropewalk.testing import Client

HERE = r"tests/unit/typed/test_newcomers_mistakes\.py:\d+"


class Room(Struct):
    number: int


@dataclass
class Guest:
    name: str


class Model(BaseModel):
    number: int


class TestForgottenReturn:
    @pytest.mark.parametrize("kind", [Room, Guest, Model, Room | Guest, list[Room], int, float, list[Model]])
    def test_with_an_annotation(self, kind: Any) -> None:
        app = App()

        def handler() -> Any:
            """Return nothing."""

        handler.__annotations__["return"] = kind
        app.get("/")(handler)
        with pytest.raises(
            HandlerError, match=rf"RW215 \S+handler at {HERE} returned .* it is None, as without `return`"
        ):
            Client(app).get("/")

    @pytest.mark.parametrize("kind", [Room | None, Model | None, int | None])
    def test_none_as_a_value(self, kind: Any) -> None:
        app = App()

        def handler() -> Any:
            """Return nothing."""

        handler.__annotations__["return"] = kind
        app.get("/")(handler)
        assert Client(app).get("/").status == 204


class TestForgottenAwait:
    def test_of_a_coroutine(self, log: Log) -> None:
        app = App()

        async def hash_password() -> str:
            return "hash"

        @app.get("/")
        def handler() -> dict[str, Any]:
            return {"hash": hash_password()}

        said = (
            rf"RW210 \S+handler at {HERE}: The coroutine of \S+hash_password\(\.\.\.\) cannot be encoded as JSON: it "
        )
        with pytest.raises(HandlerError, match=rf"{said}was not awaited\. Write `await hash_password\(\.\.\.\)`\."):
            Client(app).get("/")
        assert log.text.count("handler at") == 1

    def test_of_a_deferred(self) -> None:
        app = App()
        app.get("/")(lambda request: {"a": Deferred()})
        with pytest.raises(HandlerError, match=r"RW210 .* A Deferred cannot .* Write `await` in front of the call"):
            Client(app).get("/")


@pytest.mark.parametrize("kind", [MergePatch, JSONPatch, MergePatch | JSONPatch[Room], MergePatch | None])
def test_a_patch_without_its_type(kind: Any) -> None:
    def handler(patch: Any) -> None: ...

    handler.__annotations__["patch"] = kind
    with pytest.raises(
        HandlerError, match=rf"RW214 \S+handler at {HERE}: patch is a \w+ that .* Write `patch: \w+\[Room"
    ):
        App().patch("/")(handler)


class TestDepends:
    def test_a_call_in_the_place_of_the_function(self) -> None:
        with pytest.raises(HandlerError, match=rf"RW218 Depends\(5\) .*\({HERE}\)\. Give the function itself, without"):
            Depends(5)  # type: ignore[arg-type] # this is the mistake

    @pytest.mark.parametrize(("scope", "remedy"), [("function", 'Did you mean scope="handler"'), ("x", "Leave it out")])
    def test_scopes(self, scope: Any, remedy: str) -> None:
        with pytest.raises(HandlerError, match=rf"RW218 scope='{scope}' .*\({HERE}\)\. {re.escape(remedy)}"):
            Depends(str, scope=scope)


class TestPrincipalWithoutAuthenticate:
    @pytest.mark.parametrize("kind", ["parameter", "decorator", "provider", "middleware"])
    def test_at_the_start(self, kind: str) -> None:
        app = App()

        def find(user: Annotated[str, Principal()]) -> str:
            return user

        def mine(user: Annotated[str, Principal()]) -> str:
            return user

        def provided(user: Annotated[str, Depends(find)]) -> str:
            return user

        handlers: dict[str, Any] = {
            "parameter": mine,
            "decorator": requires()(lambda value=1: "mine"),
            "provider": provided,
            "middleware": lambda request: "mine",
        }
        app.get("/", middleware=[requires()] if kind == "middleware" else [])(handlers[kind])
        with (
            pytest.raises(HandlerError, match=rf"RW241 \S+ at {HERE} needs a principal\. Add the middleware"),
            Client(app),
        ):
            pass
        with pytest.raises(HandlerError, match=rf"RW241 .* at {HERE}.* needs a principal\."):
            Client(app).get("/")

    def test_a_middleware_of_the_program_may_find_the_user(self) -> None:
        found = authenticate(BasicAuth(lambda name, password: name))
        app = App()

        @app.middleware
        async def sometimes(request: Request, next: Any) -> Any:
            return await found(request, next)

        @app.get("/")
        def mine(user: Annotated[str, Principal()]) -> str:
            return user

        with Client(app) as client:
            assert client.get("/", auth=("ada", "x")).text == "ada"


@pytest.mark.parametrize("move", [deferToThread, asyncio.to_thread])
def test_a_background_task_in_a_thread_is_named(move: Any, log: Log) -> None:
    def send_mail() -> None:
        raise ValueError("no server")

    async def ask() -> None:
        from ropewalk.testing import AsyncClient

        app = App()

        @app.post("/")
        def book(request: Request) -> str:
            request.after(move, send_mail)
            return "booked"

        async with AsyncClient(app, raise_errors=False) as client:
            await client.post("/")

    asyncio.run(ask())
    assert re.search(
        rf"RW264 POST / .*: \S+send_mail at {HERE}, called after the response, raised ValueError", log.text
    )
