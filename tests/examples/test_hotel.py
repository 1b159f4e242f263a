"""The hotel example, tested by its clients. Each test has its own process and database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.processes import EXAMPLES, ropewalk

pytestmark = pytest.mark.slow

ROOM = {"number": "12", "beds": 2, "price": 9500}
GUEST = {"name": "Ada Lovelace", "email": "ada@example.org"}


@pytest.fixture
def hotel(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a hotel without rooms, guests or bookings."""
    books = {"HOTEL_DATABASE": str(tmp_path / "hotel.sqlite")}
    with ropewalk("run", EXAMPLES / "hotel", environment=books) as server, httpx.Client(base_url=server.url) as client:
        yield client


def made(response: httpx.Response) -> dict[str, Any]:
    """Return the object that a POST created, requested from the address in the response."""
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    assert response.headers["location"].endswith(f"/{body['id']}")
    return body


def refused(response: httpx.Response, status: int) -> str:
    """Check the status of an error response and return its reason."""
    assert response.status_code == status, response.text
    reason: str = response.json()["error"]
    return reason


def booking(room: int, guest: int, arrival: str, departure: str) -> dict[str, Any]:
    return {"room": room, "guest": guest, "arrival": arrival, "departure": departure}


class TestRooms:
    def test_a_room_from_creation_to_deletion(self, hotel: httpx.Client) -> None:
        room = made(hotel.post("/rooms", json=ROOM))
        place = f"/rooms/{room['id']}"
        assert hotel.get(place).json() == {"id": 1, **ROOM}
        assert hotel.put(place, json=ROOM | {"price": 9900}).json() == {"id": 1, **ROOM, "price": 9900}
        assert hotel.delete(place).status_code == 204
        assert hotel.get(place).status_code == 404

    def test_numbers_are_unique(self, hotel: httpx.Client) -> None:
        made(hotel.post("/rooms", json=ROOM))
        other = made(hotel.post("/rooms", json=ROOM | {"number": "14"}))
        assert "There is a room 12 already." in refused(hotel.post("/rooms", json=ROOM), 409)
        assert "There is a room 12 already." in refused(hotel.put(f"/rooms/{other['id']}", json=ROOM), 409)

    def test_a_room_with_bookings_stays(self, hotel: httpx.Client) -> None:
        room, guest = made(hotel.post("/rooms", json=ROOM)), made(hotel.post("/guests", json=GUEST))
        made(hotel.post("/bookings", json=booking(room["id"], guest["id"], "2027-05-01", "2027-05-04")))
        refused(hotel.delete(f"/rooms/{room['id']}"), 409)

    def test_what_is_not_a_room(self, hotel: httpx.Client) -> None:
        flaws: dict[str, list[Any]] = {"beds": [0, "two"], "price": [-1, 9.5], "number": ["", None], "colour": ["red"]}
        for field, values in flaws.items():
            for value in values:
                assert field in refused(hotel.post("/rooms", json=ROOM | {field: value}), 422)

    def test_what_is_not_json(self, hotel: httpx.Client) -> None:
        assert "not JSON" in refused(
            hotel.post("/rooms", content=b"{", headers={"content-type": "application/json"}), 400
        )

    def test_a_form(self, hotel: httpx.Client) -> None:
        assert "must be application/json" in refused(hotel.post("/rooms", data=ROOM), 415)

    def test_other_methods_and_paths(self, hotel: httpx.Client) -> None:
        answer = hotel.patch("/rooms")
        assert refused(answer, 405) == "Method Not Allowed"
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
        assert refused(hotel.get("/cellar"), 404) == "Not Found"

    def test_which_are_free(self, hotel: httpx.Client) -> None:
        taken = made(hotel.post("/rooms", json=ROOM))
        free = made(hotel.post("/rooms", json=ROOM | {"number": "14"}))
        guest = made(hotel.post("/guests", json=GUEST))
        made(hotel.post("/bookings", json=booking(taken["id"], guest["id"], "2027-05-01", "2027-05-04")))
        nights = {"free_from": "2027-05-03", "free_until": "2027-05-05"}
        assert hotel.get("/rooms", params=nights).json()["items"] == [free]
        after = {"free_from": "2027-05-04", "free_until": "2027-05-05"}
        assert hotel.get("/rooms", params=after).json()["items"] == [taken, free]
        assert "go together" in refused(hotel.get("/rooms", params={"free_from": "2027-05-03"}), 422)


class TestGuests:
    def test_a_guest(self, hotel: httpx.Client) -> None:
        guest = made(hotel.post("/guests", json=GUEST))
        assert hotel.get(f"/guests/{guest['id']}").json() == guest == {"id": 1, **GUEST}
        assert "no guest 2" in refused(hotel.get("/guests/2"), 404)

    def test_addresses_are_unique_whatever_their_case(self, hotel: httpx.Client) -> None:
        made(hotel.post("/guests", json=GUEST))
        refused(hotel.post("/guests", json=GUEST | {"email": "ADA@example.org"}), 409)

    def test_an_invalid_address(self, hotel: httpx.Client) -> None:
        refused(hotel.post("/guests", json=GUEST | {"email": "ada"}), 422)


class TestBookings:
    @pytest.fixture
    def room(self, hotel: httpx.Client) -> int:
        return int(made(hotel.post("/rooms", json=ROOM))["id"])

    @pytest.fixture
    def guest(self, hotel: httpx.Client) -> int:
        return int(made(hotel.post("/guests", json=GUEST))["id"])

    def test_overlaps_are_refused(self, hotel: httpx.Client, room: int, guest: int) -> None:
        made(hotel.post("/bookings", json=booking(room, guest, "2027-05-10", "2027-05-14")))
        for arrival, departure in (
            ("2027-05-10", "2027-05-14"),
            ("2027-05-08", "2027-05-11"),
            ("2027-05-13", "2027-05-16"),
            ("2027-05-11", "2027-05-12"),
            ("2027-05-01", "2027-05-31"),
        ):
            refused(hotel.post("/bookings", json=booking(room, guest, arrival, departure)), 409)

    def test_one_may_arrive_on_the_day_when_another_departs(self, hotel: httpx.Client, room: int, guest: int) -> None:
        made(hotel.post("/bookings", json=booking(room, guest, "2027-05-10", "2027-05-14")))
        made(hotel.post("/bookings", json=booking(room, guest, "2027-05-14", "2027-05-15")))
        made(hotel.post("/bookings", json=booking(room, guest, "2027-05-09", "2027-05-10")))

    def test_a_cancelled_booking_leaves_room(self, hotel: httpx.Client, room: int, guest: int) -> None:
        wish = booking(room, guest, "2027-05-10", "2027-05-14")
        first = made(hotel.post("/bookings", json=wish))
        assert hotel.delete(f"/bookings/{first['id']}").status_code == 204
        refused(hotel.delete(f"/bookings/{first['id']}"), 404)
        made(hotel.post("/bookings", json=wish))

    def test_a_stay_has_a_night(self, hotel: httpx.Client, room: int, guest: int) -> None:
        wish = booking(room, guest, "2027-05-10", "2027-05-10")
        assert "departure must be after arrival" in refused(hotel.post("/bookings", json=wish), 422)

    def test_room_and_guest_must_be_there(self, hotel: httpx.Client, room: int, guest: int) -> None:
        assert "no room 9" in refused(hotel.post("/bookings", json=booking(9, guest, "2027-05-10", "2027-05-11")), 422)
        assert "no guest 9" in refused(hotel.post("/bookings", json=booking(room, 9, "2027-05-10", "2027-05-11")), 422)

    def test_of_one_room_or_guest(self, hotel: httpx.Client, room: int, guest: int) -> None:
        booked = made(hotel.post("/bookings", json=booking(room, guest, "2027-05-10", "2027-05-14")))
        assert hotel.get("/bookings", params={"room": room}).json() == {"items": [booked], "next": None}
        assert hotel.get("/bookings", params={"guest": guest + 1}).json() == {"items": [], "next": None}

    def test_only_one_of_many_at_once_gets_the_room(self, hotel: httpx.Client, room: int, guest: int) -> None:
        wish = booking(room, guest, "2027-05-10", "2027-05-14")
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda _: hotel.post("/bookings", json=wish).status_code, range(8))
        assert sorted(answers) == [201, *[409] * 7]


class TestPages:
    def test_page_by_page(self, hotel: httpx.Client) -> None:
        rooms = [made(hotel.post("/rooms", json=ROOM | {"number": str(number)})) for number in range(5)]
        seen, onward = [], "/rooms?limit=2"
        pages = 0
        while onward:
            page = hotel.get(onward).json()
            seen += page["items"]
            onward = page["next"]
            pages += 1
        assert seen == rooms
        assert pages == 3

    def test_the_filter_stays_on_the_next_page(self, hotel: httpx.Client) -> None:
        for number in range(3):
            made(hotel.post("/rooms", json=ROOM | {"number": str(number)}))
        nights = {"free_from": "2027-05-03", "free_until": "2027-05-05", "limit": "1"}
        onward = hotel.get("/rooms", params=nights).json()["next"]
        assert dict(httpx.URL(onward).params) == nights | {"after": "1"}

    def test_what_is_not_a_page(self, hotel: httpx.Client) -> None:
        for query in ("limit=0", "limit=101", "limit=many", "after=-1", "page=2"):
            assert query.partition("=")[0] in refused(hotel.get(f"/rooms?{query}"), 422)
