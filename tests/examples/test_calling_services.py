"""Calls to another service, as the guide shows them."""

from collections.abc import Iterator

import pytest

from calling_services import app, rooms
from ropewalk.client import CallTimeout, ConnectionFailed
from ropewalk.testing import Client, FakeService


@pytest.fixture
def fake() -> Iterator[FakeService]:
    fake = FakeService()
    with rooms.using(fake):
        yield fake


def test_a_call(fake: FakeService) -> None:
    fake.reply("GET", "/v1/rooms/7", json={"id": 7, "price": 80, "beds": 2})
    response = Client(app).get("/offers/7")
    assert response.json() == {"room": 7, "weekend": 160}
    assert fake.calls[0].headers["x-request-id"] == response.headers["x-request-id"]
    assert Client(app).get("/rooms/7").json() == {"id": 7, "price": 80}


def test_a_booking(fake: FakeService) -> None:
    fake.reply("POST", "/v1/bookings", status=201, headers={"location": "/bookings/1"})
    fake.reply("POST", "/v1/bookings", status=409)
    booking = {"room": 7, "guest": "Ada"}
    assert Client(app).post("/bookings", json=booking).json() == {"booking": "/bookings/1"}
    assert fake.calls[0].json() == booking
    assert Client(app).post("/bookings", json=booking).status == 409


def test_a_stream(fake: FakeService) -> None:
    fake.reply("GET", "/v1/rooms.csv", body="id,price\n7,80\n")
    assert Client(app).get("/rooms.csv").text == "id,price\n7,80\n"


def test_failures(fake: FakeService) -> None:
    fake.reply("GET", "/v1/rooms/1", status=404)
    fake.reply("GET", "/v1/rooms/2", error=CallTimeout("It took too long."))
    fake.reply("POST", "/v1/bookings", error=ConnectionFailed("No route."))
    client = Client(app)
    assert [client.get(f"/offers/{id}").status for id in (1, 2)] == [404, 504]
    assert client.post("/bookings", json={"room": 7, "guest": "Ada"}).status == 502
