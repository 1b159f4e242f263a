"""The three steps of the front page."""

from ropewalk.testing import Client
from three_steps import app, stored

client = Client(app)


def test_input_is_checked() -> None:
    refused = client.post("/rooms", json={"beds": 0})
    assert refused.status == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/number", "/beds"]
    assert client.get("/rooms?beds=many").status == 422


def test_rooms() -> None:
    stored.clear()
    added = client.post("/rooms", json={"number": "12", "beds": 2})
    assert (added.status, added.json()) == (201, {"number": "12", "beds": 2})
    assert client.get("/rooms?beds=2").json() == [{"number": "12", "beds": 2}]
    assert client.get("/rooms?beds=3").json() == []


def test_it_is_wrapped() -> None:
    response = client.get("/rooms")
    assert response.headers["x-request-id"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert client.get("/rooms", headers={"If-None-Match": response.headers["etag"]}).status == 304


def test_it_is_described() -> None:
    assert set(client.get("/openapi.json").json()["paths"]) == {"/rooms"}
    assert client.get("/docs").status == 200
