"""Cached pages of rooms, as the guide shows them."""

from cached_rooms import ROOMS, app
from ropewalk.testing import Client

client = Client(app)


def test_pages_are_made_again_after_a_change() -> None:
    statuses = [client.get("/rooms?min_beds=3&utm_source=x").headers["cache-status"] for _ in range(2)]
    assert (statuses[0], statuses[1][:13]) == ("Ropewalk; fwd=uri-miss; stored", "Ropewalk; hit")
    assert (client.get("/rooms?min_beds=3").json(), client.get("/rooms/blue").json()) == ({"red": 3}, {"beds": 2})
    assert client.put("/rooms/blue", body="4").status == 204
    assert client.get("/rooms/blue").json() == {"beds": 4}
    assert client.get("/rooms?min_beds=3").json() == {"blue": 4, "red": 3}
    ROOMS["blue"] = 2


def test_languages() -> None:
    texts = [client.get("/", headers={"accept-language": each}).text for each in ("de-AT", "de", "fr", "en")]
    assert texts == ["Willkommen", "Willkommen", "Welcome", "Welcome"]


def test_a_missing_room() -> None:
    assert [client.get("/rooms/green").status for _ in range(2)] == [404, 404]
