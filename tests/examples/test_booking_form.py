"""Forms, as the guide shows them."""

from pathlib import Path

import pytest

import booking_form
from booking_form import app
from ropewalk.testing import Client

SENT = {"name": "Ada <3", "guests": "2"}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Client:
    monkeypatch.setattr(booking_form, "PHOTOS", tmp_path / "photos")
    booking_form.bookings.clear()
    booking_form.comments.clear()
    return Client(app)


def test_a_valid_form_redirects(client: Client, tmp_path: Path) -> None:
    photo = ("../../a.png", b"png", "image/png")
    response = client.post("/", data={**SENT, "breakfast": "on"}, files={"photo": photo})
    assert (response.status, response.headers["location"]) == (303, "/")
    assert "<li>Ada &lt;3, 2, with breakfast</li>" in client.get("/").text
    [saved] = (tmp_path / "photos").iterdir()
    assert (saved.suffix, saved.read_bytes()) == (".png", b"png")


def test_an_invalid_form_is_shown_again(client: Client, tmp_path: Path) -> None:
    response = client.post("/", data={**SENT, "guests": "9", "breakfast": "on"})
    assert response.status == 422
    assert 'value="on" checked' in response.text
    assert " checked" not in client.get("/").text
    assert 'value="Ada &lt;3"' in response.text
    assert "Enter a number of at most 4." in response.text
    assert not (tmp_path / "photos").exists()


def test_a_check_of_the_handler(client: Client) -> None:
    response = client.post("/", data=SENT, files={"photo": ("a.svg", b"<svg>", "image/svg+xml")})
    assert (response.status, "Choose a photo in JPEG or PNG." in response.text) == (422, True)


def test_parts_as_they_arrive(client: Client) -> None:
    assert client.post("/sizes", data={"a": "12"}, files={"b": b"x" * 2_000_000}).json() == {"a": 2, "b": 2_000_000}


def test_single_fields(client: Client) -> None:
    assert client.post("/comments", data={"text": "Good"}).status == 303
    assert client.post("/comments", data={"rating": "x"}).status == 422
    assert booking_form.comments == ["Good (3)"]


def test_the_form_of_the_request(client: Client) -> None:
    client.post("/", data=SENT)
    assert client.post("/search", data={"name": "Ada"}).json() == ["Ada <3, 2, without breakfast"]
