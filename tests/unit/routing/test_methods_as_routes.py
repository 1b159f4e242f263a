"""Classes whose methods are routes."""

from collections.abc import Iterator

import msgspec
import pytest

from ropewalk import App, Request, Routes
from ropewalk.errors import TreeError
from ropewalk.routing import delete, get, patch, post, put, route
from ropewalk.testing import Client


class Room(msgspec.Struct):
    number: str


class Rooms(Routes):
    """A class of routes whose `__init__` does not call `super().__init__()`."""

    def __init__(self, *numbers: str) -> None:
        self.numbers = list(numbers)

    @get("")
    def list_rooms(self, first: int = 0) -> list[Room]:
        return [Room(number) for number in self.numbers[first:]]

    @post("", status=201)
    async def add(self, room: Room) -> Room:
        self.numbers.append(room.number)
        return room

    @put("/{number}")
    @patch("/{number}")
    def change(self, request: Request, number: str) -> str:
        return f"{request.method} {number}"

    @delete("/{number}", name="drop")
    def remove(self, number: str) -> None:
        self.numbers.remove(number)

    @route("/report", ["GET", "POST"])
    def report(self) -> Iterator[bytes]:
        yield from (number.encode() for number in self.numbers)


def test_each_instance_has_routes_of_its_own() -> None:
    app = App()
    app.mount("/sea", Rooms("1"))
    app.mount("/city", Rooms("2", "3"), name="city")
    client = Client(app)
    assert client.get("/sea").json() == [{"number": "1"}]
    assert client.get("/city?first=1").json() == [{"number": "3"}]
    assert client.post("/sea", json={"number": "4"}).status == 201
    assert client.put("/sea/4").text == "PUT 4"
    assert client.patch("/sea/4").text == "PATCH 4"
    assert client.delete("/sea/1").status == 204
    assert client.get("/sea/report").text == "4"
    assert client.post("/city/report").text == "23"
    assert app.url_for("city.drop", number="2") == "/city/2"


def test_a_subclass() -> None:
    class Suites(Rooms):
        def list_rooms(self, first: int = 0) -> list[Room]:
            return [Room(f"suite {number}") for number in self.numbers[first:]]

        @get("/{number}/view")
        def view(self, number: str) -> str:
            return f"the sea from {number}"

    app = App()
    app.mount("/", Suites("1"))
    client = Client(app)
    assert client.get("/").json() == [{"number": "suite 1"}]
    assert client.get("/1/view").text == "the sea from 1"


def test_an_app_may_have_them() -> None:
    class Hotel(App):
        @get("/")
        def index(self) -> str:
            return f"debug {self.debug}"

    assert Client(Hotel(debug=True)).get("/").text == "debug True"


def test_mistakes_name_the_method() -> None:
    class Twice(Routes):
        @get("/a")
        def first(self) -> str:
            return ""

        @get("/a")
        def second(self) -> str:
            return ""

    here = r"tests/unit/routing/test_methods_as_routes\.py:\d+"
    with pytest.raises(TreeError, match=rf"RW104 GET /a is registered twice: {here} and {here}"):
        Twice()
