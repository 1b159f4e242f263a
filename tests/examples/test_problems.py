"""Errors as problem details, and as a page for browsers."""

from problems import app
from ropewalk.testing import Client

client = Client(app)


def test_the_members_of_a_problem() -> None:
    response = client.post("/rooms/8/bookings")
    assert (response.status, response.headers["content-type"]) == (409, "application/problem+json")
    assert response.json() == {
        "type": "https://example.com/problems/taken",
        "title": "Conflict",
        "status": 409,
        "detail": "8 is taken.",
        "free": ["7", "9"],
    }


def test_a_browser_gets_a_page() -> None:
    response = client.post("/rooms/8/bookings", headers={"accept": "text/html,*/*;q=0.8"})
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<p>8 is taken.</p>" in response.text


def test_no_error() -> None:
    assert client.post("/rooms/7/bookings").text == "Booked\n"
