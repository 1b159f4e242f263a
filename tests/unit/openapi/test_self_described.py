"""The responses and fields of `IfMatch`, pages and `Created` are described without `responses=`."""

from typing import Annotated, Any

import msgspec
import pytest
from tests.unit.openapi.described import operation, parameters

from ropewalk import App, Depends, IfMatch, OptionalIfMatch, Query, Request
from ropewalk.auth import BasicAuth, Principal, authenticate
from ropewalk.etags import etag
from ropewalk.middleware import HeaderParameter, MiddlewareDescription, MiddlewareResponse, describes
from ropewalk.paging import CursorPages, CursorQuery, OffsetPage, OffsetQuery, Page
from ropewalk.statuses import Created, NotFound
from ropewalk.testing import Client
from ropewalk.typed.markers import Computed


class Room(msgspec.Struct):
    beds: int


ROOM = Room(1)


class TestPreconditions:
    @pytest.fixture
    def app(self) -> App:
        app = App()

        def checked(precondition: IfMatch) -> None:
            precondition.check(etag(ROOM))

        @app.put("/required")
        def required(room: Room, precondition: IfMatch) -> Room:
            precondition.check(etag(ROOM))
            return room

        @app.put("/optional")
        def optional(room: Room, precondition: OptionalIfMatch) -> Room:
            precondition.check(etag(ROOM))
            return room

        @app.put("/provider")
        def provider(room: Room, value: Annotated[None, Depends(checked)]) -> Room:
            return room

        return app

    @pytest.mark.parametrize("path", ["/required", "/provider"])
    def test_required(self, app: App, path: str) -> None:
        client = Client(app)
        assert client.put(path, json={"beds": "wrong"}).status == 428
        assert client.put(path, json={"beds": 2}, headers={"if-match": '"other"'}).status == 412
        assert client.put(path, json={"beds": 2}, headers={"if-match": etag(ROOM)}).json() == {"beds": 2}
        found = operation(app, path, "put")
        assert {"412", "428"} < found["responses"].keys()
        assert "ETag" in found["responses"]["412"]["headers"]
        assert "ETag" in found["responses"]["200"]["headers"]
        assert "If-Match" in parameters(app, path, "put")

    def test_optional(self, app: App) -> None:
        client = Client(app)
        assert client.put("/optional", json={"beds": 2}).status == 200
        assert client.put("/optional", json={"beds": 2}, headers={"if-match": '"other"'}).status == 412
        found = operation(app, "/optional", "put")
        assert "412" in found["responses"]
        assert "428" not in found["responses"]
        assert "required" not in parameters(app, "/optional", "put")["If-Match"]


class TestSeveralComputedValues:
    """Each marker is described, whatever the order of the parameters and of the functions that have them."""

    @staticmethod
    def _user(user: Annotated[str, Principal()]) -> str:
        return user

    @staticmethod
    def _checked(precondition: IfMatch) -> None: ...

    @staticmethod
    def _optional(precondition: OptionalIfMatch, again: OptionalIfMatch) -> None: ...

    @staticmethod
    def _user_first(user: Annotated[str, Principal()], precondition: IfMatch) -> None: ...

    @staticmethod
    def _user_last(precondition: IfMatch, user: Annotated[str, Principal()]) -> None: ...

    def _handlers(self) -> list[Any]:
        User = Annotated[str, Principal()]

        def both_in_the_handler(user: User, precondition: IfMatch) -> Room: ...  # type: ignore[empty-body]

        def provider_with_the_user_first(value: Annotated[None, Depends(self._user_first)]) -> Room: ...  # type: ignore[empty-body]

        def provider_with_the_user_last(value: Annotated[None, Depends(self._user_last)]) -> Room: ...  # type: ignore[empty-body]

        def user_then_provider(user: User, value: Annotated[None, Depends(self._checked)]) -> Room: ...  # type: ignore[empty-body]

        def provider_then_user(value: Annotated[None, Depends(self._checked)], user: User) -> Room: ...  # type: ignore[empty-body]

        def two_providers(  # type: ignore[empty-body]
            user: Annotated[str, Depends(self._user)], value: Annotated[None, Depends(self._checked)]
        ) -> Room: ...

        def optional_first(  # type: ignore[empty-body]
            first: Annotated[None, Depends(self._optional)], value: Annotated[None, Depends(self._checked)]
        ) -> Room: ...

        return [
            both_in_the_handler,
            provider_with_the_user_first,
            provider_with_the_user_last,
            user_then_provider,
            provider_then_user,
            two_providers,
            optional_first,
        ]

    @pytest.mark.parametrize("index", range(7))
    def test_any_order(self, index: int) -> None:
        app = App()
        app.put("/", middleware=[authenticate(BasicAuth(lambda name, password: name))])(self._handlers()[index])
        found = operation(app, "/", "put")
        assert {"401", "412", "428"} < found["responses"].keys()
        assert [each["name"] for each in found["parameters"]] == ["If-Match"]


class TestPages:
    @pytest.mark.parametrize("kind", [Page[Room], OffsetPage[Room], Page[Room] | None])
    def test_returned_pages_have_links(self, kind: Any) -> None:
        def handler(request: Request) -> Any: ...

        handler.__annotations__["return"] = kind
        app = App()
        app.get("/")(handler)
        assert "Link" in operation(app, "/")["responses"]["200"]["headers"]

    @pytest.mark.parametrize("kind", [CursorQuery, OffsetQuery])
    def test_queries_of_pages(self, kind: Any) -> None:
        def handler(query: Any) -> list[Room]:
            raise NotImplementedError

        handler.__annotations__["query"] = Annotated[kind, Query()]
        app = App()
        app.get("/")(handler)
        assert "Link" in operation(app, "/")["responses"]["200"]["headers"]

    def test_other_lists_have_none(self) -> None:
        app = App()

        @app.get("/")
        def handler() -> list[Room]:
            raise NotImplementedError

        assert "headers" not in operation(app, "/")["responses"]["200"]


class TestCursors:
    PAGES: CursorPages[int] = CursorPages(int, secret="a secret of the server", name="rooms")

    @pytest.fixture
    def client(self) -> Client:
        app = App()

        class RoomQuery(CursorQuery, forbid_unknown_fields=True):
            beds: int = 1

        @app.get("/")
        def handler(query: Annotated[RoomQuery, Query(), self.PAGES]) -> list[int]:
            return [self.PAGES.position(query).key or 0]

        return Client(app)

    def errors(self, client: Client, query: str) -> list[tuple[str, str, str]]:
        response = client.get(f"/?{query}")
        assert response.status == 422
        return sorted((each["location"], each["name"], each["code"]) for each in response.json()["errors"])

    def test_a_wrong_one_is_listed_with_the_other_faults(self, client: Client) -> None:
        wrong = ("query", "cursor", "invalid")
        assert self.errors(client, "cursor=bad") == [wrong]
        found = self.errors(client, "cursor=bad&limit=0&beds=x&other=1")
        assert found == [
            ("query", "beds", "type"),
            wrong,
            ("query", "limit", "range"),
            ("query", "other", "unknown"),
        ]

    def test_one_fault_for_each_cursor(self, client: Client) -> None:
        assert self.errors(client, f"cursor={'x' * 501}") == [("query", "cursor", "length")]
        assert self.errors(client, "cursor=a&cursor=b") == [("query", "cursor", "repeated")]

    def test_the_handler_is_not_called(self) -> None:
        app = App()

        @app.get("/")
        def handler(query: Annotated[CursorQuery, Query(), self.PAGES]) -> str:
            return "called"

        assert Client(app).get("/?cursor=bad").status == 422

    def test_a_right_one(self, client: Client) -> None:
        cursor = self.PAGES._cursors.encode((False, 7))
        assert client.get(f"/?cursor={cursor}").json() == [7]
        assert client.get("/").json() == [0]


class TestCreated:
    def test_the_location(self) -> None:
        app = App()

        @app.post("/class")
        def by_class(room: Room) -> Created[Room] | NotFound[str]:
            raise NotImplementedError

        @app.post("/status", status=201)
        def by_status(room: Room) -> Room:
            raise NotImplementedError

        @app.post("/empty", status=201)
        def empty(room: Room) -> None: ...

        for path in ("/class", "/status", "/empty"):
            assert "Location" in operation(app, path, "post")["responses"]["201"]["headers"]
        assert "headers" not in operation(app, "/class", "post")["responses"]["404"]


class TestDescribes:
    DESCRIPTION = MiddlewareDescription(
        responses=[MiddlewareResponse(402, "The account is empty.")],
        parameters=[HeaderParameter("X-Account")],
        headers={"X-Left": "What is left."},
    )

    def check(self, app: App) -> None:
        found = operation(app, "/")
        assert found["responses"]["402"]["description"] == "The account is empty."
        assert "X-Left" in found["responses"]["200"]["headers"]
        assert "X-Account" in parameters(app, "/")

    def test_a_handler(self) -> None:
        app = App()

        @app.get("/")
        @describes(self.DESCRIPTION)
        def handler() -> Room:
            raise NotImplementedError

        self.check(app)

    def test_a_marker(self) -> None:
        @describes(self.DESCRIPTION)
        class Account(Computed):
            pass

        app = App()

        @app.get("/")
        def handler(account: Annotated[str, Account()]) -> Room:
            raise NotImplementedError

        self.check(app)

    def test_a_returned_type(self) -> None:
        @describes(self.DESCRIPTION)
        class Account(msgspec.Struct):
            name: str

        app = App()

        @app.get("/")
        def handler() -> Account | None:
            raise NotImplementedError

        self.check(app)
