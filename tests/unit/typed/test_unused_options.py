"""Defaults and options of a marker that would have no effect are refused."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from tests.unit.conftest import Log

from ropewalk import App, Body, Cookie, Depends, Header, Path, Query
from ropewalk.errors import HandlerError
from ropewalk.testing import Client


class Struct(msgspec.Struct):
    name: str = ""


class Model(pydantic.BaseModel):
    name: str = ""


def provider() -> int:
    return 1


def refused(handler: Callable[..., Any]) -> HandlerError:
    with pytest.raises(HandlerError) as error:
        App().post("/")(handler)
    return error.value


class TestDepends:
    @pytest.mark.parametrize("default", [3, None])
    def test_a_default_beside_a_function(self, default: Any) -> None:
        def handler(value: Annotated[int, Depends(provider)] = default) -> None: ...

        error = refused(handler)
        assert error.code == "RW214"
        assert "value has a default, which is never used because provider at" in str(error)

    def test_a_default_beside_a_function_in_a_provider(self) -> None:
        def outer(value: Annotated[int, Depends(provider)] = 3) -> int:
            return value

        def handler(value: Annotated[int, Depends(outer)]) -> None: ...

        assert "outer at" in str(refused(handler))

    @pytest.mark.parametrize("marker", [Depends, Depends(), Depends("value")])
    def test_a_default_beside_a_name(self, marker: Any) -> None:
        app = App()

        @app.get("/")
        def handler(value: Annotated[int, marker] = 3) -> str:
            return str(value)

        assert Client(app).get("/").text == "3"

    @pytest.mark.parametrize("name", [None, "value"])
    def test_a_scope_beside_a_name(self, name: str | None) -> None:
        with pytest.raises(HandlerError, match="RW218 Depends has scope='app' and no function"):
            Depends(name, scope="app")

    def test_options_beside_a_depends(self) -> None:
        app = App()
        with pytest.raises(HandlerError, match="RW218 'value' is provided by a Depends, and has options beside it"):
            app.dependencies.provide("value", Depends(provider), scope="app")
        with pytest.raises(HandlerError, match="RW218"):
            app.dependencies.provide("value", Depends(provider), cached=False)
        app.dependencies.provide("value", Depends(provider, scope="app"))
        assert app.dependencies.named["value"].scope == "app"


class TestNames:
    @pytest.mark.parametrize("marker", [Query("q"), Header("q"), Cookie("q")])
    @pytest.mark.parametrize("kind", [Struct, Model])
    def test_of_a_type_that_takes_all_values(self, kind: Any, marker: Any) -> None:
        def handler(value: Annotated[kind, marker]) -> None: ...

        error = refused(handler)
        assert error.code == "RW214"
        assert f"value has {type(marker).__name__}('q'), and takes all values" in str(error)

    @pytest.mark.parametrize("kind", [Struct, Model, bytes, dict[str, Any]])
    def test_of_a_body(self, kind: Any) -> None:
        def handler(value: Annotated[kind, Body("room")]) -> None: ...

        assert "value has Body('room'), and takes the whole body" in str(refused(handler))

    @pytest.mark.parametrize("kind", [int, list[int], int | None])
    def test_of_a_single_value(self, kind: Any) -> None:
        app = App()

        @app.get("/")
        def handler(value: Annotated[kind, Query("q")]) -> str:
            return str(value)

        assert Client(app).get("/?q=3").text in ("3", "[3]")


class TestBodies:
    def test_without_a_media_type(self) -> None:
        with pytest.raises(HandlerError, match="RW214 Body has no media type"):
            Body(media_types=())

    def test_with_a_negative_limit(self) -> None:
        with pytest.raises(HandlerError, match="RW214 Body has the invalid value body_limit=-1"):
            Body(body_limit=-1)


class TestPaths:
    @pytest.mark.parametrize("of_provider", [True, False])
    def test_a_name_that_the_path_lacks_is_no_fault_of_the_client(self, of_provider: bool, log: Log) -> None:
        def find(room: Annotated[int, Path("room_id")]) -> int:
            return room

        app = App()
        if of_provider:

            @app.get("/{roomid}")
            def by_provider(value: Annotated[int, Depends(find)]) -> str:
                return str(value)

        else:
            app.get("/{roomid}")(find)
        assert Client(app, raise_errors=False).get("/4").status == 500
        assert "RW214" in log.text
        assert "read from the path as 'room_id', and /{roomid} has no such parameter" in log.text
        assert "Write {room_id} into its path, or into that of the mount. Did you mean roomid?" in log.text

    def test_a_default_is_used_if_the_path_lacks_the_name(self) -> None:
        app = App()

        @app.get("/")
        @app.get("/{page}")
        def handler(page: Annotated[int, Path()] = 1) -> str:
            return str(page)

        client = Client(app)
        assert client.get("/").text == "1"
        assert client.get("/2").text == "2"
