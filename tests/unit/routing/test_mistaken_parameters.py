"""Handlers whose parameters cannot be what their author meant."""

from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from ropewalk import App, Body, Cookie, Depends, Header, OpenAPI, Path, Query, Request
from ropewalk.errors import HandlerError
from ropewalk.testing import Client
from ropewalk.typed.markers import Computed


def test_a_method_is_not_a_handler() -> None:
    app = App()
    with pytest.raises(HandlerError, match=r"RW202 .*Rooms\.show at .* is a method.*Write `class Rooms\(Routes\)`"):

        class Rooms:
            @app.get("/")
            def show(self) -> str:
                return ""

    class Static:
        @app.get("/")
        @staticmethod
        def show(request: Request) -> str:
            return "static"

    @app.get("/self")
    def show(self: Request) -> str:
        return self.method

    assert Client(app).get("/").text + Client(app).get("/self").text == "staticGET"


def room_of(room: int) -> int:
    return room


@dataclass(frozen=True, slots=True)
class Room(Computed):
    def compute(self, request: Request, kind: Any, default: Any) -> Any:
        return request.params["room"]


class TestAParameterThatIsNotInThePath:
    def test_is_refused(self) -> None:
        def show(id: int) -> str:
            return ""

        def of_two(hotel: int, id: int, more: str = "") -> str:
            return ""

        message = r"RW202 .*does not take room of its path, so id would come from the query\. .* or mark it: `id: Ann"
        for path, handler in (("/{room}", show), ("/{hotel}/{room}", of_two)):
            with pytest.raises(HandlerError, match=message):
                App().get(path)(handler)

    def test_is_allowed_if_other_code_may_read_the_path(self) -> None:
        def by_request(request: Request, id: int) -> str:
            return f"{request.params['room']} {id}"

        def by_rest(id: int, **others: Any) -> str:
            return f"7 {id}"

        def by_provider(id: int, room: Annotated[int, Depends(room_of)]) -> str:
            return f"{room} {id}"

        def by_name(id: int, found: Annotated[int, Depends()]) -> str:
            return f"{found} {id}"

        def by_marker(id: int, found: Annotated[str, Room()]) -> str:
            return f"{found} {id}"

        def marked(id: Annotated[int, Query()]) -> str:
            return f"7 {id}"

        for handler in (by_request, by_rest, by_provider, by_name, by_marker, marked):
            app = App()
            app.provide("found", room_of)
            app.get("/{room}")(handler)
            with Client(app) as client:
                assert client.get("/7?id=3").text == "7 3"

    def test_is_allowed_if_it_is_optional_or_the_path_is_not_needed(self) -> None:
        def optional(id: int = 3) -> str:
            return f"{id}"

        def none() -> str:
            return "3"

        for handler in (optional, none):
            app = App()
            app.get("/{room}")(handler)
            assert Client(app).get("/7").text == "3"


@pytest.mark.parametrize("marker", [Query, Header, Cookie, Path, Body])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": 10}, r"name=10\. .*A default follows the annotation"),
        ({"description": 5}, "description=5"),
        ({"hidden": "yes"}, "hidden='yes'"),
        ({"deprecated": None}, "deprecated=None"),
    ],
)
def test_a_marker_has_options_of_their_types(marker: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(HandlerError, match=rf"RW214 {marker.__name__} has the invalid value {message}"):
        marker(**options)


@pytest.mark.parametrize(
    "options", [{"media_types": "text/plain"}, {"media_types": (5,)}, {"body_limit": "5"}, {"body_limit": -1}]
)
def test_options_of_a_body(options: dict[str, Any]) -> None:
    with pytest.raises(HandlerError, match=f"RW214 Body has the invalid value {next(iter(options))}="):
        Body(**options)


@pytest.mark.parametrize("name", ["title", "version", "description", "terms_of_service"])
def test_texts_of_openapi(name: str) -> None:
    options: dict[str, Any] = {"title": "Hotel", "version": "1", "ui": None, name: 1.0}
    with pytest.raises(HandlerError, match=rf'RW376 OpenAPI: {name} cannot be 1\.0 \(.*\)\. Write {name}="1\.0"\.'):
        App(openapi=OpenAPI(**options))


class Database:
    pass


def test_an_object_that_the_program_provides() -> None:
    def find(database: Database) -> str:
        return ""

    for register in (App().get("/"), App().post("/")):
        with pytest.raises(HandlerError, match=r"RW214 .*write `database: Annotated\[Database, Depends\(\.\.\.\)\]`"):
            register(find)


def test_an_app_scoped_provider_in_a_test_that_does_not_start_the_app() -> None:
    def handle(found: Annotated[int, Depends(lambda: 7, scope="app")]) -> str:
        return f"{found}"

    app = App()
    app.get("/")(handle)
    with pytest.raises(HandlerError, match=r"RW218 .*In a test, start the app: `with Client\(app\) as client:`"):
        Client(app).get("/")
