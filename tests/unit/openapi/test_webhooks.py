"""Requests that a program sends to its clients."""

from typing import Annotated

from msgspec import Struct
from tests.unit.openapi.described import OPTIONS, described

from ropewalk import App, Header, OpenAPI
from ropewalk.auth import APIKey, authenticate
from ropewalk.middleware import RateLimit, RateLimitOptions, rate_limit
from ropewalk.openapi import document_of
from ropewalk.routing import Routes
from ropewalk.testing import Client


class Booking(Struct):
    room: int


def test_one() -> None:
    app = App(
        middleware=[
            rate_limit(RateLimitOptions(limits=RateLimit(1, 1))),
            authenticate(APIKey("x-key", check=lambda key: key)),
        ]
    )

    @app.webhooks.post("/room-booked", tags=["bookings"], responses={410: "Send no more."})
    def room_booked(booking: Booking, x_signature: Annotated[str, Header()]) -> None:
        """A room was booked."""

    document = described(app)
    assert document["paths"] == {}
    assert document["webhooks"] == {
        "room-booked": {
            "post": {
                "tags": ["bookings"],
                "summary": "A room was booked.",
                "operationId": "room_booked",
                "parameters": [{"name": "x-signature", "in": "header", "required": True, "schema": {"type": "string"}}],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Booking"}}},
                    "required": True,
                },
                "responses": {"204": {"description": "No Content"}, "410": {"description": "Send no more."}},
            }
        }
    }
    assert document["tags"] == [{"name": "bookings"}]
    assert list(document["components"]) == ["schemas"]


def test_it_is_not_served() -> None:
    app = App()
    app.webhooks.post("/room-booked")(lambda request: None)
    assert Client(app).post("/room-booked").status == 404


def test_of_mounted_apps() -> None:
    app, inner = App(), App()
    app.webhooks.post("/a")(lambda request: None)
    inner.webhooks.post("/a", summary="inner")(lambda request: None)
    inner.webhooks.put("/a")(lambda request: None)
    inner.webhooks.post("/b")(lambda request: None)
    app.mount("/inner", inner)
    found = described(app)["webhooks"]
    assert {name: list(item) for name, item in found.items()} == {"a": ["post", "put"], "b": ["post"]}
    assert "summary" not in found["a"]["post"]


def test_one_that_is_added_after_the_first_request() -> None:
    app = App(openapi=OpenAPI("Hotel", "1.0", ui=None))
    client = Client(app)
    assert "webhooks" not in client.get("/openapi.json").json()
    app.webhooks.post("/a")(lambda request: None)
    assert "a" in client.get("/openapi.json").json()["webhooks"]


def test_a_tree_without_an_app() -> None:
    assert "webhooks" not in document_of(Routes().resource, OPTIONS)
