"""The hotel example, tested by its clients. Each test has its own process and database."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from tests.processes import EXAMPLES, ropewalk

pytestmark = pytest.mark.slow

ROOM = {"number": "12", "beds": 2, "price": 9500}
GUEST = {"name": "Ada Lovelace", "email": "ada@example.org"}


MERGE_PATCH = "application/merge-patch+json"
KEY = {"X-API-Key": "the key of the front desk"}


@pytest.fixture
def hotel(tmp_path: Path) -> Iterator[httpx.Client]:
    """The front desk, in a hotel without rooms, guests or bookings."""
    environment = {"HOTEL_DATABASE": str(tmp_path / "hotel.sqlite"), "HOTEL_KEY": KEY["X-API-Key"]}
    with (
        ropewalk("run", EXAMPLES / "hotel", environment=environment) as server,
        httpx.Client(base_url=server.url, headers=KEY) as client,
    ):
        yield client


@pytest.fixture
def stranger(hotel: httpx.Client) -> Iterator[httpx.Client]:
    """A client of the same hotel without a key."""
    with httpx.Client(base_url=hotel.base_url) as client:
        yield client


def made(response: httpx.Response) -> dict[str, Any]:
    """Return the object in the response to the POST that created it."""
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    assert response.headers["location"].endswith(f"/{body['id']}")
    return body


def refused(response: httpx.Response, status: int) -> str:
    """The reason in the problem details of a refused request."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    reason: str = problem["detail"]
    return reason


def invalid(response: httpx.Response) -> dict[str, str]:
    """The error for each value that was refused."""
    assert "invalid" in refused(response, 422)
    errors = response.json()["errors"]
    found = {each.get("pointer", "").removeprefix("/") or each.get("name", ""): each["message"] for each in errors}
    assert len(found) == len(errors)
    return found


def change(hotel: httpx.Client, place: str, room: dict[str, Any]) -> httpx.Response:
    """Change a room as the client has just read it."""
    return hotel.put(place, json=room, headers={"If-Match": hotel.get(place).headers["etag"]})


def booking(room: int, guest: int, arrival: str, departure: str) -> dict[str, Any]:
    return {"room": room, "guest": guest, "arrival": arrival, "departure": departure}


class TestRooms:
    def test_a_room_from_creation_to_deletion(self, hotel: httpx.Client) -> None:
        room = made(hotel.post("/rooms", json=ROOM))
        place = f"/rooms/{room['id']}"
        assert hotel.get(place).json() == {"id": 1, **ROOM}
        assert change(hotel, place, ROOM | {"price": 9900}).json() == {"id": 1, **ROOM, "price": 9900}
        assert hotel.get(place).json() == {"id": 1, **ROOM, "price": 9900}
        assert hotel.delete(place).status_code == 204
        assert hotel.get(place).status_code == 404

    def test_some_fields(self, hotel: httpx.Client) -> None:
        place = f"/rooms/{made(hotel.post('/rooms', json=ROOM))['id']}"
        tag = hotel.get(place).headers["etag"]
        headers = {"Content-Type": MERGE_PATCH, "If-Match": tag}
        changed = hotel.patch(place, content='{"beds": 3}', headers=headers)
        assert changed.json() == {"id": 1, **ROOM, "beds": 3}
        refused(hotel.patch(place, content='{"beds": 4}', headers=headers), 412)
        headers["If-Match"] = changed.headers["etag"]
        wrong = hotel.patch(place, content='{"beds": 0, "price": null, "id": 7}', headers=headers)
        assert set(invalid(wrong)) == {"beds", "price", "id"}
        del headers["If-Match"]
        refused(hotel.patch(place, content="{}", headers=headers), 428)
        answer = hotel.patch(place, json={"beds": 3}, headers={"If-Match": changed.headers["etag"]})
        refused(answer, 415)
        assert answer.headers["accept-patch"] == hotel.options(place).headers["accept-patch"] == MERGE_PATCH

    def test_numbers_are_unique(self, hotel: httpx.Client) -> None:
        made(hotel.post("/rooms", json=ROOM))
        other = made(hotel.post("/rooms", json=ROOM | {"number": "14"}))
        assert "There is a room 12 already." in refused(hotel.post("/rooms", json=ROOM), 409)
        assert "There is a room 12 already." in refused(change(hotel, f"/rooms/{other['id']}", ROOM), 409)

    def test_a_room_with_bookings_stays(self, hotel: httpx.Client) -> None:
        room, guest = made(hotel.post("/rooms", json=ROOM)), made(hotel.post("/guests", json=GUEST))
        made(hotel.post("/bookings", json=booking(room["id"], guest["id"], "2027-05-01", "2027-05-04")))
        refused(hotel.delete(f"/rooms/{room['id']}"), 409)

    def test_what_is_not_a_room(self, hotel: httpx.Client) -> None:
        flaws: dict[str, list[Any]] = {"beds": [0, "two"], "price": [-1, 9.5], "number": ["", None], "colour": ["red"]}
        for field, values in flaws.items():
            for value in values:
                assert list(invalid(hotel.post("/rooms", json=ROOM | {field: value}))) == [field]

    def test_every_flaw_is_named_at_once(self, hotel: httpx.Client) -> None:
        assert invalid(hotel.post("/rooms", json={"number": "12", "beds": 0, "price": -1})) == {
            "beds": "Expected `int` >= 1",
            "price": "Expected `int` >= 0",
        }

    def test_what_is_not_json(self, hotel: httpx.Client) -> None:
        assert "not JSON" in refused(
            hotel.post("/rooms", content=b"{", headers={"content-type": "application/json"}), 400
        )

    def test_a_form(self, hotel: httpx.Client) -> None:
        refused(hotel.post("/rooms", data=ROOM), 415)

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
        assert hotel.get("/rooms", params=nights).json() == [free]
        after = {"free_from": "2027-05-04", "free_until": "2027-05-05"}
        assert hotel.get("/rooms", params=after).json() == [taken, free]
        assert "go together" in " ".join(invalid(hotel.get("/rooms", params={"free_from": "2027-05-03"})).values())


class TestChanges:
    """Changes of rooms by several clients."""

    PLACE = "/rooms/1"

    @pytest.fixture(autouse=True)
    def room(self, hotel: httpx.Client) -> None:
        made(hotel.post("/rooms", json=ROOM))

    def test_need_the_version_that_the_client_has_read(self, hotel: httpx.Client) -> None:
        refused(hotel.put(self.PLACE, json=ROOM | {"price": 1}), 428)
        assert hotel.get(self.PLACE).json()["price"] == ROOM["price"]

    def test_do_not_undo_each_other(self, hotel: httpx.Client) -> None:
        read = {"If-Match": hotel.get(self.PLACE).headers["etag"]}
        first = hotel.put(self.PLACE, json=ROOM | {"price": 1}, headers=read)
        assert first.status_code == 200
        refused(hotel.put(self.PLACE, json=ROOM | {"price": 2}, headers=read), 412)
        assert hotel.get(self.PLACE).json()["price"] == 1
        assert hotel.get(self.PLACE).headers["etag"] == first.headers["etag"]

    def test_only_one_of_many_at_once_changes_the_room(self, hotel: httpx.Client) -> None:
        read = {"If-Match": hotel.get(self.PLACE).headers["etag"]}

        def set_price(price: int) -> int:
            return hotel.put(self.PLACE, json=ROOM | {"price": price}, headers=read).status_code

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(set_price, range(8))) == [200, *[412] * 7]

    def test_of_what_is_not_there(self, hotel: httpx.Client) -> None:
        assert "no room 9" in refused(hotel.put("/rooms/9", json=ROOM, headers={"If-Match": "*"}), 404)

    def test_a_client_with_the_current_room_gets_it_once(self, hotel: httpx.Client) -> None:
        read = {"If-None-Match": hotel.get(self.PLACE).headers["etag"]}
        assert hotel.get(self.PLACE, headers=read).status_code == 304
        change(hotel, self.PLACE, ROOM | {"price": 1})
        assert hotel.get(self.PLACE, headers=read).json()["price"] == 1


class TestStrangers:
    def test_may_read_but_not_change_rooms(self, hotel: httpx.Client, stranger: httpx.Client) -> None:
        room = made(hotel.post("/rooms", json=ROOM))
        place = f"/rooms/{room['id']}"
        read = stranger.get(place)
        assert read.json() == room
        for answer in (
            stranger.post("/rooms", json=ROOM | {"number": "14"}),
            stranger.post("/rooms", json={"not": "a room"}),
            stranger.put(place, json=ROOM | {"price": 1}, headers={"If-Match": read.headers["etag"]}),
            stranger.delete(place),
            stranger.get("/bookings/export"),
        ):
            refused(answer, 401)
            assert answer.headers["www-authenticate"] == 'ApiKey realm="hotel", in="header", name="X-API-Key"'
        assert stranger.get("/rooms").json() == [room]

    def test_a_wrong_key(self, stranger: httpx.Client) -> None:
        refused(stranger.get("/rooms", headers={"X-API-Key": "guessed"}), 401)

    def test_may_book(self, hotel: httpx.Client, stranger: httpx.Client) -> None:
        room, guest = made(hotel.post("/rooms", json=ROOM)), made(stranger.post("/guests", json=GUEST))
        made(stranger.post("/bookings", json=booking(room["id"], guest["id"], "2027-05-01", "2027-05-04")))

    def test_scripts_of_the_front_desk(self, stranger: httpx.Client) -> None:
        asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "if-match,x-api-key"}
        desk, other = "https://desk.example.com", "https://other.example.com"
        allowed = stranger.options("/rooms/1", headers=asked | {"Origin": desk})
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == desk
        assert stranger.options("/rooms/1", headers=asked | {"Origin": other}).status_code == 403


def test_fields_of_every_response(hotel: httpx.Client) -> None:
    for path in ("/rooms", "/cellar", "/openapi.json"):
        fields = hotel.get(path).headers
        assert fields["x-content-type-options"] == "nosniff"
        assert fields["ratelimit-policy"] == '"600-per-60";q=600;w=60'
        assert len(fields["x-request-id"]) == 32


def test_the_document(hotel: httpx.Client) -> None:
    document = hotel.get("/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    operations = [f"{method} {path}" for path, item in document["paths"].items() for method in item]
    assert len(operations) == 14
    assert {"put /rooms/{room}", "get /bookings/export"} <= set(operations)
    guarded = [name for name in operations if "security" in document["paths"][name.split()[1]][name.split()[0]]]
    changing = ["delete /rooms/{room}", "patch /rooms/{room}", "post /rooms", "put /rooms/{room}"]
    assert sorted(guarded) == sorted([*changing, "get /bookings/export"])
    scheme = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    assert document["components"]["securitySchemes"] == {"desk_key": scheme}
    listing = document["paths"]["/bookings"]["get"]
    parameters = [each["name"] for each in listing["parameters"]]
    assert parameters == ["room", "guest", "cursor", "limit", "If-None-Match", "If-Match"]
    assert [each["name"] for each in document["tags"]] == ["rooms", "guests", "bookings"]
    assert {"401", "429"} < set(listing["responses"])
    schema = listing["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"type": "array", "items": {"$ref": "#/components/schemas/Booking"}}


class TestGuests:
    def test_a_guest(self, hotel: httpx.Client) -> None:
        guest = made(hotel.post("/guests", json=GUEST))
        assert hotel.get(f"/guests/{guest['id']}").json() == guest == {"id": 1, **GUEST}
        assert "no guest 2" in refused(hotel.get("/guests/2"), 404)

    def test_addresses_are_unique_whatever_their_case(self, hotel: httpx.Client) -> None:
        made(hotel.post("/guests", json=GUEST))
        refused(hotel.post("/guests", json=GUEST | {"email": "ADA@example.org"}), 409)

    def test_an_invalid_address(self, hotel: httpx.Client) -> None:
        for wrong in ("ada", "ada@example.org\n"):  # a line feed would begin another header line of the mail
            refused(hotel.post("/guests", json=GUEST | {"email": wrong}), 422)


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
        assert "departure must be after arrival" in invalid(hotel.post("/bookings", json=wish)).values()

    def test_room_and_guest_must_be_there(self, hotel: httpx.Client, room: int, guest: int) -> None:
        nights = ("2027-05-10", "2027-05-11")
        nowhere = hotel.post("/bookings", json=booking(9, guest, *nights))
        assert invalid(nowhere) == {"room": "There is no room 9."}
        for_none = hotel.post("/bookings", json=booking(room, 9, *nights))
        assert invalid(for_none) == {"guest": "There is no guest 9."}

    def test_of_one_room_or_guest(self, hotel: httpx.Client, room: int, guest: int) -> None:
        booked = made(hotel.post("/bookings", json=booking(room, guest, "2027-05-10", "2027-05-14")))
        assert hotel.get("/bookings", params={"room": room}).json() == [booked]
        assert hotel.get("/bookings", params={"guest": guest + 1}).json() == []

    def test_all_of_them_as_lines_of_json(self, hotel: httpx.Client, room: int, guest: int) -> None:
        assert hotel.get("/bookings/export").text == ""
        days = [f"2027-{month:02}-{day:02}" for month in range(1, 8) for day in range(1, 29, 2)]
        nights = pairwise(days)
        booked = [made(hotel.post("/bookings", json=booking(room, guest, *each))) for each in nights]
        assert len(booked) == 97
        booked += [
            made(hotel.post("/bookings", json=booking(room, guest, f"2030-01-0{n}", f"2030-01-0{n + 1}")))
            for n in range(1, 9)
        ]
        answer = hotel.get("/bookings/export")
        assert answer.headers["content-type"] == "application/jsonl"
        assert [json.loads(line) for line in answer.text.splitlines()] == booked

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
            page = hotel.get(onward)
            seen += page.json()
            onward = page.links.get("next", {}).get("url", "")
            pages += 1
        assert seen == rooms
        assert pages == 3

    def test_the_filter_stays_on_the_next_page(self, hotel: httpx.Client) -> None:
        for number in range(3):
            made(hotel.post("/rooms", json=ROOM | {"number": str(number)}))
        nights = {"free_from": "2027-05-03", "free_until": "2027-05-05", "limit": "1"}
        onward = hotel.get("/rooms", params=nights).links["next"]["url"]
        assert dict(httpx.URL(onward).params).items() >= nights.items()
        assert hotel.get(onward).json()[0]["number"] == "1"

    def test_what_is_not_a_page(self, hotel: httpx.Client) -> None:
        for query in ("limit=0", "limit=101", "limit=many", "cursor=1", "page=2"):
            assert list(invalid(hotel.get(f"/rooms?{query}"))) == [query.partition("=")[0]]


def test_numbers_that_the_database_cannot_store(hotel: httpx.Client) -> None:
    huge = 2**63
    for kind in ("rooms", "guests", "bookings"):
        invalid(hotel.get(f"/{kind}/{huge}"))
    for field in ("room", "guest"):
        assert list(invalid(hotel.get(f"/bookings?{field}={huge}"))) == [field]
    assert list(invalid(hotel.post("/rooms", json=ROOM | {"price": huge}))) == ["price"]
    assert list(invalid(hotel.post("/bookings", json=booking(huge, 1, "2027-05-01", "2027-05-02")))) == ["room"]
    assert hotel.get(f"/rooms/{huge - 1}").status_code == 404


class TestDesk:
    """The pages of the front desk."""

    @pytest.fixture
    def browser(self, hotel: httpx.Client) -> Iterator[httpx.Client]:
        """A browser in a hotel with rooms 12 and <13>, and a booking of the first."""
        made(hotel.post("/rooms", json=ROOM))
        made(hotel.post("/rooms", json=ROOM | {"number": "<13>", "beds": 1}))
        made(hotel.post("/guests", json=GUEST))
        made(hotel.post("/bookings", json=booking(1, 1, "2027-05-01", "2027-05-04")))
        with httpx.Client(base_url=hotel.base_url, headers={"Accept": "text/html"}) as client:
            yield client

    def test_the_rooms_lead_to_their_pages(self, browser: httpx.Client) -> None:
        page = browser.get("/desk")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert ">&lt;13&gt;</a>" in page.text
        assert "95.00 €" in page.text
        paths = re.findall(r'<td><a href="([^"]+)">', page.text)
        rooms = [browser.get(path) for path in paths]
        assert [room.status_code for room in rooms] == [200, 200]
        assert "<li>2027-05-01 to 2027-05-04</li>" in rooms[0].text
        assert "None yet." in rooms[1].text

    def test_a_night_and_rows_for_htmx(self, browser: httpx.Client) -> None:
        nights = {"night": "2027-05-03"}
        page = browser.get("/desk", params=nights)
        assert re.findall("<td>(taken|free)</td>", page.text) == ["taken", "free"]
        assert 'value="2027-05-03"' in page.text
        rows = browser.get("/desk", params={"night": "2027-05-04"}, headers={"HX-Request": "true"})
        assert (re.findall("<td>(taken|free)</td>", rows.text), "<html" in rows.text) == (["free", "free"], False)
        assert "HX-Request" in rows.headers["vary"]

    def test_the_next_page(self, browser: httpx.Client) -> None:
        page = browser.get("/desk", params={"limit": 1}).text
        (path,) = re.findall(r'<a rel="next" href="([^"]+)">', page)
        assert "&lt;13&gt;" in browser.get(path.replace("&amp;", "&")).text

    def test_missing_pages(self, browser: httpx.Client) -> None:
        for path, text in (("/desk/rooms/7", "There is no room 7."), ("/cellar", "There is no such page.")):
            page = browser.get(path)
            assert (page.status_code, f"<p>{text}</p>" in page.text) == (404, True)
            assert "<h1>Not Found</h1>" in page.text

    def test_a_booking(self, browser: httpx.Client) -> None:
        """A reload does not send the form again."""
        stay = {"guest": "1", "arrival": "2027-06-01", "departure": "2027-06-03"}
        booked = browser.post("/desk/rooms/1", data=stay)
        assert (booked.status_code, booked.headers["location"]) == (303, "/desk/rooms/1")
        assert "<li>2027-06-01 to 2027-06-03</li>" in browser.get("/desk/rooms/1").text

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"guest": "<x>"}, "Enter a whole number."),
            ({"guest": "7"}, "There is no such guest."),
            ({"departure": "2027-06-01"}, "The departure must be after the arrival."),
            ({"arrival": "2027-05-03"}, "Room 1 is taken on some night from 2027-05-03 to 2027-06-03."),
        ],
    )
    def test_a_refused_booking(self, browser: httpx.Client, change: dict[str, str], message: str) -> None:
        stay = {"guest": "1", "arrival": "2027-06-01", "departure": "2027-06-03"} | change
        page = browser.post("/desk/rooms/1", data=stay)
        assert page.status_code == 422
        assert message in page.text
        sent = escape(stay["guest"], quote=False)
        assert f'name="guest" type="number" value="{sent}"' in page.text
        assert "2027-06-01 to" not in browser.get("/desk/rooms/1").text

    def test_a_form_of_another_site(self, browser: httpx.Client) -> None:
        stay = {"guest": "1", "arrival": "2027-06-01", "departure": "2027-06-03"}
        page = browser.post("/desk/rooms/1", data=stay, headers={"Sec-Fetch-Site": "cross-site"})
        assert page.status_code == 403
        assert "2027-06-01" not in browser.get("/desk/rooms/1").text

    def test_the_style(self, browser: httpx.Client) -> None:
        (path,) = re.findall(r'<link rel="stylesheet" href="([^"]+)">', browser.get("/desk").text)
        style = browser.get(path)
        assert style.headers["content-type"] == "text/css; charset=utf-8"
        assert "immutable" in style.headers["cache-control"]
        assert "style-src 'self'" in style.headers["content-security-policy"]
