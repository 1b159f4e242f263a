"""Pages of lists, and their links."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pydantic
import pytest
from msgspec import Meta
from tests.unit.openapi.described import described

from ropewalk import App, InvalidInput, Query, Request, TrustedProxies
from ropewalk.errors import HandlerError
from ropewalk.paging import CursorPages, CursorQuery, OffsetPage, OffsetQuery, Page, offset_page, set_links
from ropewalk.paging.cursors import Cursors
from ropewalk.testing import Client, ClientResponse

SECRET = "a secret of the server, random"


class Room(msgspec.Struct):
    id: int


def links(response: ClientResponse) -> dict[str, str]:
    """The targets of the field Link by their relations."""
    return {rel: target for target, rel in re.findall(r'<([^>]*)>; rel="(\w+)"', response.headers.get("link", ""))}


class RoomQuery(CursorQuery, forbid_unknown_fields=True):
    tag: list[str] = []


def hotel(pages: CursorPages[int], count: int = 7) -> Client:
    """A client of a list of rooms."""
    app = App()
    rooms = [Room(number) for number in range(1, count + 1)]

    @app.get("/rooms")
    def list_rooms(request: Request, query: Annotated[RoomQuery, Query()]) -> Page[Room]:
        at = pages.position(query)
        found = [room for room in rooms if at.key is None or (room.id < at.key if at.backward else room.id > at.key)]
        if at.backward:
            found.reverse()
        return pages.page(request, query, found[: query.limit + 1], key=lambda room: room.id)

    return Client(app)


def ids(response: ClientResponse) -> list[int]:
    assert response.status == 200, response.text
    return [room["id"] for room in response.json()["items"]]


PAGES: list[CursorPages[int]] = [CursorPages(int, two_way=True), CursorPages(int, secret=SECRET, two_way=True)]


class TestCursors:
    @pytest.mark.parametrize("pages", PAGES)
    def test_to_the_end_and_back(self, pages: CursorPages[int]) -> None:
        client = hotel(pages)
        response = client.get("/rooms?limit=3")
        assert (ids(response), set(links(response))) == ([1, 2, 3], {"next", "last"})
        response = client.get(links(response)["next"])
        assert (ids(response), set(links(response))) == ([4, 5, 6], {"first", "prev", "next", "last"})
        end = client.get(links(response)["next"])
        assert (ids(end), set(links(end))) == ([7], {"first", "prev"})
        assert ids(client.get(links(end)["prev"])) == [4, 5, 6]
        begin = client.get(links(response)["prev"])
        assert (ids(begin), set(links(begin))) == ([1, 2, 3], {"next", "last"})
        last = client.get(links(begin)["last"])
        assert (ids(last), set(links(last))) == ([5, 6, 7], {"first", "prev"})
        assert ids(client.get(links(last)["first"])) == [1, 2, 3]

    @pytest.mark.parametrize("pages", PAGES)
    def test_cursors_in_the_body(self, pages: CursorPages[int]) -> None:
        client = hotel(pages)
        first = client.get("/rooms?limit=3").json()
        assert first["previous"] is None
        second = client.get("/rooms", params={"limit": 3, "cursor": first["next"]})
        assert ids(second) == [4, 5, 6]
        assert ids(client.get("/rooms", params={"limit": 3, "cursor": second.json()["previous"]})) == [1, 2, 3]

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_one_page(self, count: int) -> None:
        response = hotel(PAGES[0], count).get("/rooms?limit=3")
        assert len(ids(response)) == count
        assert links(response) == {}
        assert response.json() | {"items": []} == {"items": [], "next": None, "previous": None}

    def test_a_cursor_is_decoded_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        decoded: list[str] = []
        decode = Cursors.decode

        def counted(self: Cursors, cursor: str) -> Any:
            decoded.append(cursor)
            return decode(self, cursor)

        monkeypatch.setattr(Cursors, "decode", counted)
        client = hotel(CursorPages(int, secret=SECRET))
        cursor = client.get("/rooms?limit=2").json()["next"]
        assert ids(client.get(f"/rooms?limit=2&cursor={cursor}")) == [3, 4]
        assert decoded == [cursor]

    def test_few_cursors_are_kept(self) -> None:
        pages: CursorPages[int] = CursorPages(int)
        for number in range(300):
            cursor = pages._cursors.encode((False, number))
            assert pages.position(CursorQuery(cursor=cursor)).key == number
        assert len(pages._decoded) == 100

    def test_a_key_that_handlers_could_change_is_not_kept(self) -> None:
        pages: CursorPages[list[int]] = CursorPages(list[int])
        query = CursorQuery(cursor=pages._cursors.encode((False, [1])))
        pages.position(query).key.append(2)  # type: ignore[union-attr] # the cursor has a key
        assert pages.position(query).key == [1]

    def test_in_one_direction(self) -> None:
        client = hotel(CursorPages(int))
        response = client.get("/rooms?limit=3")
        assert set(links(response)) == {"next"}
        assert set(links(client.get(links(response)["next"]))) == {"first", "next"}
        backward = hotel(PAGES[0]).get("/rooms?limit=3")
        assert client.get(links(backward)["last"]).status == 422

    @pytest.mark.parametrize("pages", PAGES)
    def test_invalid_ones(self, pages: CursorPages[int]) -> None:
        client = hotel(pages)
        cursor = client.get("/rooms?limit=3").json()["next"]
        others = ["", "x", "é", "W10", "bnVsbA", cursor[:-1], cursor + "A", cursor + "=", f"{cursor}\n", "A" * 499]
        deep = "W" + "1tb" * 160
        for wrong in (*others, deep, pages._cursors.encode((False, "7")), pages._cursors.encode((0, 7))):
            response = client.get("/rooms", params={"cursor": wrong})
            assert response.status == 422, wrong
            (error,) = response.json()["errors"]
            assert (error["location"], error["name"], error["code"]) == ("query", "cursor", "invalid")
        assert client.get("/rooms", params={"cursor": "A" * 501}).json()["errors"][0]["code"] == "length"

    def test_a_signed_cursor_cannot_be_made_or_changed(self) -> None:
        client = hotel(CursorPages(int, secret=SECRET))
        plain = hotel(CursorPages(int)).get("/rooms?limit=3").json()["next"]
        other = hotel(CursorPages(int, secret=SECRET, name="guests")).get("/rooms?limit=3").json()["next"]
        signed = client.get("/rooms?limit=3").json()["next"]
        changed = [signed[:place] + ("B" if signed[place] == "A" else "A") + signed[place + 1 :] for place in range(20)]
        for wrong in (plain, other, *changed):
            assert client.get("/rooms", params={"cursor": wrong}).status == 422
        assert client.get("/rooms", params={"cursor": signed}).status == 200

    def test_a_new_secret(self) -> None:
        old = hotel(CursorPages(int, secret=SECRET)).get("/rooms?limit=3").json()["next"]
        both = hotel(CursorPages(int, secret=["another secret of the server", SECRET]))
        assert ids(both.get("/rooms", params={"cursor": old, "limit": 1})) == [4]
        new = both.get("/rooms?limit=3").json()["next"]
        assert hotel(CursorPages(int, secret=SECRET)).get("/rooms", params={"cursor": new}).status == 422

    def test_keys_of_several_values(self) -> None:
        pages: CursorPages[tuple[datetime, int]] = CursorPages(tuple[datetime, int])
        cursor = pages._cursors.encode((False, (datetime(2027, 5, 1), 7)))  # noqa: DTZ001
        assert pages.position(CursorQuery(cursor=cursor)).key == (datetime(2027, 5, 1), 7)  # noqa: DTZ001

    def test_constraints_of_keys(self) -> None:
        small: CursorPages[int] = CursorPages(Annotated[int, Meta(le=5)])
        large: CursorPages[int] = CursorPages(int)
        with pytest.raises(InvalidInput):
            small.position(CursorQuery(cursor=large._cursors.encode((False, 6))))

    @pytest.mark.parametrize(
        ("make", "what"),
        [
            (lambda: CursorPages(int, secret="short"), "A secret"),
            (lambda: CursorPages(int, secret=[]), "The list of secrets"),
            (lambda: CursorPages(int, secret=[SECRET, 7]), "A secret"),  # type: ignore[list-item] # the mistake
            (lambda: CursorPages(7), "The key of CursorPages"),
        ],
    )
    def test_wrong_options(self, make: Callable[[], Any], what: str) -> None:
        with pytest.raises(HandlerError, match=f"^RW266 {what}"):
            make()

    def test_limits(self) -> None:
        client = hotel(PAGES[0])
        for wrong in ("limit=0", "limit=101", "limit=x", "cursor=a&cursor=b", "page=2"):
            assert client.get(f"/rooms?{wrong}").status == 422

    def test_a_model_of_pydantic_as_query(self) -> None:
        class PageQuery(pydantic.BaseModel):
            cursor: str | None = None
            limit: int = 2

        pages: CursorPages[int] = CursorPages(int)
        app = App()

        @app.get("/")
        def numbers(request: Request, query: Annotated[PageQuery, Query()]) -> list[int]:
            begin = pages.position(query).key or 0
            return pages.page(request, query, range(begin + 1, begin + 4), key=int).items

        client = Client(app)
        response = client.get("/")
        assert response.json() == [1, 2]
        assert client.get(links(response)["next"]).json() == [3, 4]


class TestOffsets:
    def client(self, count: int = 10) -> Client:
        app = App()
        rooms = [Room(number) for number in range(count)]

        @app.get("/rooms")
        def list_rooms(request: Request, query: Annotated[OffsetQuery, Query()]) -> OffsetPage[Room]:
            return offset_page(request, query, rooms[query.offset : query.offset + query.limit], len(rooms))

        return Client(app)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("limit=4", {"next": 4, "last": 8}),
            ("limit=4&offset=4", {"first": 0, "prev": 0, "next": 8, "last": 8}),
            ("limit=4&offset=8", {"first": 0, "prev": 4}),
            ("limit=4&offset=3", {"first": 0, "prev": 0, "next": 7, "last": 8}),
            ("limit=5&offset=5", {"first": 0, "prev": 0}),
            ("limit=4&offset=999", {"first": 0, "prev": 8}),
            ("limit=10", {}),
        ],
    )
    def test_links(self, query: str, found: dict[str, int]) -> None:
        response = self.client().get(f"/rooms?{query}")
        offsets = {
            rel: int(dict(parse_qsl(urlsplit(url).query)).get("offset", 0)) for rel, url in links(response).items()
        }
        assert offsets == found
        for url in links(response).values():
            assert self.client().get(url).status == 200

    def test_the_body(self) -> None:
        page = self.client().get("/rooms?offset=8&limit=4").json()
        assert page == {"items": [{"id": 8}, {"id": 9}], "total": 10, "offset": 8, "limit": 4}
        assert self.client(0).get("/rooms").json() == {"items": [], "total": 0, "offset": 0, "limit": 20}

    def test_no_link_leads_to_an_offset_that_is_refused(self) -> None:
        client = self.client(10_150)
        response = client.get("/rooms?offset=9950&limit=100")
        assert set(links(response)) == {"first", "prev"}
        assert client.get("/rooms?offset=10001").status == 422


class TestLinks:
    def client(self, path: str = "/", **options: Any) -> Client:
        app = App(**options)

        @app.get(path)
        def handler(request: Request) -> str:
            set_links(request, {"next": {"cursor": "a b", "x": None}, "prev": None})
            return ""

        return Client(app)

    def test_other_parameters_stay_in_their_order(self) -> None:
        response = self.client().get("/?b=2&cursor=old&a=%C3%A9&b=1+1&x=9&cursor=older")
        assert response.headers["link"] == '<http://localhost/?b=2&a=%C3%A9&b=1+1&cursor=a+b>; rel="next"'

    def test_in_a_mounted_app(self) -> None:
        app = App()
        app.mount("/hotels/{hotel}", self.client("/rooms").app)
        response = Client(app).get("/hotels/a%20b/rooms")
        assert response.headers["link"].startswith("<http://localhost/hotels/a%20b/rooms?cursor=")

    def test_behind_a_proxy(self) -> None:
        proxies = TrustedProxies("127.0.0.1", headers="x-forwarded", host=True)
        sent = {"x-forwarded-proto": "https", "x-forwarded-host": "hotel.example", "x-forwarded-for": "192.0.2.7"}
        response = self.client(proxies=proxies).get("/", headers=sent)
        assert response.headers["link"].startswith("<https://hotel.example/?cursor=")
        response = self.client().get("/", headers=sent)
        assert response.headers["link"].startswith("<http://localhost/?cursor=")

    def test_none(self) -> None:
        app = App()
        app.get("/")(lambda request: set_links(request, {"next": None}))
        assert "link" not in Client(app).get("/").headers


def test_the_description() -> None:
    document = described(hotel(PAGES[0]).app)
    operation = document["paths"]["/rooms"]["get"]
    found = {each["name"]: each for each in operation["parameters"]}
    assert found["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    assert found["limit"]["description"] == "The maximum number of items on the page."
    assert found["cursor"]["schema"]["maxLength"] == 500
    name = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    properties = document["components"]["schemas"][name]["properties"]
    assert set(properties) == {"items", "next", "previous"}
    assert properties["items"]["items"] == {"$ref": "#/components/schemas/Room"}
