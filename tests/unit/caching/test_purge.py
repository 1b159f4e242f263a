"""Responses are dropped: by purge, and by requests that change a URL (RFC 9111, section 4.4)."""

from typing import Any

import pytest
from tests.unit.caching.cached_service import Service
from tests.unit.conftest import Log

from ropewalk import App, HTTPError, Request, Response
from ropewalk.caching import Cache, CacheOptions
from ropewalk.errors import HandlerError
from ropewalk.stores import MemoryResponses, StoreUnavailable
from ropewalk.testing import Client


def purge(service: Service, **what: Any) -> None:
    """Purge in a request, as a program does."""

    async def handler(request: Request) -> None:
        await service.cache.purge(**what)

    app = App()
    app.post("/")(handler)
    assert Client(app).post("/").status == 204


class TestPurge:
    def test_by_tag(self) -> None:
        service = Service(tags=["rooms", "house"])
        service.get("/rooms")
        purge(service, tags=["guests"])
        assert service.get("/rooms").text == "call 1"
        purge(service, tags=["rooms"])
        assert service.get("/rooms").text == "call 2"

    def test_tags_of_a_request(self) -> None:
        service = Service(tags=lambda request: [f"room-{request.params.get('name')}"])
        service.get("/rooms/a")
        service.get("/rooms/b")
        purge(service, tags=["room-a"])
        assert [service.get("/rooms/a").text, service.get("/rooms/b").text] == ["call 3", "call 2"]

    @pytest.mark.parametrize(
        "url", ["/rooms", "https://testserver.example/rooms", "http://TestServer.example:80/rooms?page=1", "/rooms?x"]
    )
    def test_by_url(self, url: str) -> None:
        service = Service()
        for path in ("/rooms", "/rooms?page=1", "/rooms/a"):
            service.get(path, host="testserver.example")
        purge(service, urls=[url])
        texts = [service.get(path, host="testserver.example").text for path in ("/rooms", "/rooms?page=1", "/rooms/a")]
        assert texts == ["call 4", "call 5", "call 3"]

    def test_the_url_of_another_host(self) -> None:
        service = Service()
        service.get("/rooms")
        purge(service, urls=["http://other.example/rooms"])
        assert service.get("/rooms").text == "call 1"

    def test_everything(self) -> None:
        service = Service()
        service.get("/rooms")
        purge(service, everything=True)
        assert service.get("/rooms").text == "call 2"

    def test_all_variants(self) -> None:
        service = Service(lambda request: Response(f"call {service.calls}", 200, {"vary": "Accept-Language"}))
        for language in ("de", "en"):
            service.get(accept_language=language)
        purge(service, urls=["/"])
        assert [service.get(accept_language=each).text for each in ("de", "en")] == ["call 3", "call 4"]

    def test_a_purge_while_the_response_is_made(self) -> None:
        """The response may be older than the purge, so it is sent and not stored."""

        async def respond(request: Request) -> str:
            if service.calls == 1:
                await service.cache.purge(tags=["rooms"])
            return f"call {service.calls}"

        service = Service(respond, tags=["rooms"])
        assert [service.get().text for _ in range(3)] == ["call 1", "call 2", "call 2"]

    @pytest.mark.parametrize(
        "what",
        [
            {},
            {"tags": "rooms"},
            {"tags": [1]},
            {"urls": "/rooms"},
            {"urls": ["rooms"]},
            {"urls": ["ftp://a/b"]},
            {"urls": [""]},
            {"urls": ["http://[a/b"]},
            {"tags": None},
        ],
    )
    def test_nothing_that_can_be_purged(self, what: Any) -> None:
        with pytest.raises(HandlerError, match="RW230"):
            Cache().purge(**what).send(None)

    def test_tags_that_are_no_text(self) -> None:
        for given in ("rooms", None, [1]):
            service = Service(tags=lambda request, given=given: given)
            with pytest.raises(HandlerError, match=r"RW236 .*as the tags"):
                Client(service.app).get("/")


class TestInvalidation:
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_a_change_drops_the_response(self, method: str) -> None:
        service = Service()
        for path in ("/rooms", "/rooms?page=1", "/rooms/a"):
            service.get(path)
        service.request(method, "/rooms")
        assert [service.get(path).text for path in ("/rooms", "/rooms?page=1", "/rooms/a")] == [
            "call 5",
            "call 6",
            "call 3",
        ]

    @pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
    def test_a_safe_method_does_not(self, method: str) -> None:
        service = Service()
        service.get("/rooms")
        service.request(method, "/rooms")
        assert service.get("/rooms").headers["cache-status"] == "Ropewalk; hit; ttl=60"

    @pytest.mark.parametrize(("status", "dropped"), [(200, True), (201, True), (303, True), (404, False), (500, False)])
    def test_only_a_successful_change_does(self, status: int, dropped: bool) -> None:
        service = Service(lambda request: "x" if request.method == "GET" else Response("", status))
        service.get("/rooms")
        service.request("POST", "/rooms")
        service.get("/rooms")
        assert service.calls == (3 if dropped else 2)

    @pytest.mark.parametrize("name", ["location", "content-location"])
    @pytest.mark.parametrize(
        ("target", "dropped"),
        [
            ("/rooms/a", True),
            ("a", False),
            ("rooms/a", True),
            ("http://h.example/rooms/a?x=1", True),
            ("https://h.example/rooms/a", False),
            ("http://other.example/rooms/a", False),
            ("http://[a", False),
        ],
    )
    def test_the_target_of_the_response(self, name: str, target: str, dropped: bool) -> None:
        def respond(request: Request) -> Any:
            return "x" if request.method == "GET" else Response("", 201, {name: target})

        service = Service(respond)
        service.get("/rooms/a", host="h.example")
        service.request("POST", "/rooms", host="h.example")
        service.get("/rooms/a", host="h.example")
        assert service.calls == (3 if dropped else 2)

    def test_a_middleware_for_other_handlers(self) -> None:
        cache, calls = Cache(), []
        app = App(middleware=[cache.invalidation])

        @app.get("/rooms")
        @cache(60)
        def rooms(request: Request) -> str:
            calls.append(request)
            return "x"

        app.post("/rooms")(lambda request: "done")
        client = Client(app)
        for method in ("GET", "GET", "POST", "GET"):
            client.request(method, "/rooms")
        assert len(calls) == 2

    def test_a_store_that_cannot_be_reached(self, log: Log) -> None:
        class Unavailable(MemoryResponses):
            async def purge(self, labels: Any) -> None:
                raise StoreUnavailable("The store is gone.")

        service = Service(at=CacheOptions(store=Unavailable()))
        assert service.request("POST").text == "call 1"
        assert log.text.startswith("RW234 Cached responses of a changed URL were not dropped: ")
        assert len(log) == 1

    def test_a_change_that_fails(self) -> None:
        def respond(request: Request) -> str:
            if request.method == "POST":
                raise HTTPError(409)
            return f"call {service.calls}"

        service = Service(respond)
        service.get()
        service.request("POST")
        assert service.get().text == "call 1"
