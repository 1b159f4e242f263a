"""Work after the response."""

from background_work import app, done
from ropewalk.testing import Client


def test_it_is_done_when_the_client_returns() -> None:
    done.clear()
    response = Client(app).post("/bookings?room=7")
    assert (response.status, response.json()) == (202, {"room": 7})
    assert done == ["ada@example.org: Room 7 is yours.", "voucher for room 7"]
