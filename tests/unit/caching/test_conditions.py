"""Conditional requests (RFC 9111, section 4.3), Cache-Status (RFC 9211) and the directives of clients."""

from typing import Any

import pytest
from tests.unit.caching.cached_service import Service

from ropewalk import App, Request, Response
from ropewalk.caching import Cache, CacheOptions
from ropewalk.errors import HandlerError
from ropewalk.etags import etag
from ropewalk.middleware import conditional
from ropewalk.testing import Client

OLD, NEW = "Sun, 06 Nov 1994 08:49:37 GMT", "Mon, 07 Nov 1994 08:49:37 GMT"


class TestConditions:
    def test_an_etag_is_made_from_the_body(self) -> None:
        service = Service(lambda request: {"a": 1})
        tags = {service.get().headers["etag"] for _ in range(3)}
        assert tags == {etag({"a": 1})}

    def test_the_etag_of_a_stream(self) -> None:
        service = Service(lambda request: iter(["a", "b"]))
        service.get()
        tag = service.get().headers["etag"]
        assert service.get(if_none_match=tag).status == 304

    def test_the_etag_of_the_handler(self) -> None:
        service = Service(lambda request: Response("x", 200, {"etag": '"own"'}))
        assert [service.get().headers.all("etag") for _ in range(2)] == [['"own"']] * 2
        assert service.get(if_none_match='"own"').status == 304

    @pytest.mark.parametrize("field", ["{}", "W/{}", '"a", {}', "*"])
    def test_a_client_that_has_the_response(self, field: str) -> None:
        service = Service(lambda request: Response("body", 200, {"cache-control": "max-age=60", "vary": "Accept"}))
        tag = service.get().headers["etag"]
        found = service.get(if_none_match=field.format(tag))
        assert (found.status, found.text, service.calls) == (304, "", 1)
        assert "content-type" not in found.headers
        fields = {name: found.headers[name] for name in ("etag", "cache-control", "vary", "age")}
        assert fields == {"etag": tag, "cache-control": "max-age=60", "vary": "Accept", "age": "0"}

    def test_the_first_request_may_be_conditional(self) -> None:
        service = Service(lambda request: "body")
        assert service.get(if_none_match=etag("body")).status == 304
        assert (service.get().text, service.calls) == ("body", 1)

    def test_another_etag(self) -> None:
        service = Service()
        service.get()
        assert (service.get(if_none_match='"other"').text, service.calls) == ("call 1", 1)

    @pytest.mark.parametrize(("since", "status"), [(OLD, 200), (NEW, 304), ("tomorrow", 200)])
    def test_a_date(self, since: str, status: int) -> None:
        service = Service(lambda request: Response("x", 200, {"last-modified": NEW}))
        service.get()
        assert (service.get(if_modified_since=since).status, service.calls) == (status, 1)

    def test_if_match(self) -> None:
        service = Service()
        tag = service.get().headers["etag"]
        assert [service.get(if_match=each).status for each in (tag, '"other"')] == [200, 412]
        assert service.calls == 1

    def test_a_range_gets_the_whole_response(self) -> None:
        service = Service()
        service.get()
        found = service.get(range="bytes=0-1")
        assert (found.status, found.text, service.calls) == (200, "call 1", 1)

    def test_another_status_has_no_conditions(self) -> None:
        service = Service(lambda request: Response("x", 404))
        service.get()
        assert service.get(if_none_match="*").status == 404

    @pytest.mark.parametrize("inside", [False, True])
    def test_with_the_middleware_conditional(self, inside: bool) -> None:
        cache = Cache()
        around: list[Any] = [cache(60), conditional()] if inside else [conditional(), cache(60)]
        app, calls = App(middleware=around), []

        @app.get("/")
        def page(request: Request) -> str:
            calls.append(request)
            return "body"

        client = Client(app)
        tag = client.get("/").headers["etag"]
        assert tag == etag("body")
        assert client.get("/", headers={"if-none-match": tag}).status == 304
        assert client.get("/").headers.all("etag") == [tag]
        assert len(calls) == 1


class TestCacheStatus:
    def test_the_ways_of_a_request(self) -> None:
        service = Service(lambda request: Response("x", 200, {"vary": "Accept"}), 10)
        found = [service.get().headers["cache-status"] for _ in range(2)]
        found.append(service.get(accept="a").headers["cache-status"])
        found.append(service.get(authorization="a").headers["cache-status"])
        service.clock.advance(10)
        found.append(service.get().headers["cache-status"])
        assert found == [
            "Ropewalk; fwd=uri-miss; stored",
            "Ropewalk; hit; ttl=10",
            "Ropewalk; fwd=vary-miss; stored",
            "Ropewalk; fwd=bypass",
            "Ropewalk; fwd=vary-miss; stored",
        ]

    def test_another_name_and_none(self) -> None:
        service = Service(at=CacheOptions(name="Rooms"))
        assert service.get().headers["cache-status"] == "Rooms; fwd=uri-miss; stored"
        service = Service(at=CacheOptions(name=None))
        assert ["cache-status" in service.get().headers for _ in range(2)] == [False, False]

    def test_a_field_of_another_cache_comes_first(self) -> None:
        service = Service(lambda request: Response("x", 200, {"cache-status": "Origin; hit"}))
        assert service.get().headers.all("cache-status") == ["Origin; hit", "Ropewalk; fwd=uri-miss; stored"]
        assert service.get().headers.all("cache-status") == ["Origin; hit", "Ropewalk; hit; ttl=60"]

    @pytest.mark.parametrize("options", [{"name": "a b"}, {"name": ""}, {"name": "1"}, {"body_limit": -1}, {"name": 1}])
    def test_wrong_options(self, options: Any) -> None:
        with pytest.raises(HandlerError, match="RW230"):
            CacheOptions(**options)
        with pytest.raises(HandlerError, match="RW232"):
            Cache(options)


class TestClientDirectives:
    @pytest.mark.parametrize("field", ["no-cache", "no-store", "max-age=0", "only-if-cached"])
    def test_they_are_ignored_by_default(self, field: str) -> None:
        service = Service()
        service.get(cache_control=field)
        assert (service.get(cache_control=field).text, service.calls) == ("call 1", 1)

    @pytest.fixture
    def service(self) -> Service:
        return Service(client_directives=True)

    def test_no_cache(self, service: Service) -> None:
        service.get()
        found = service.get(cache_control="no-cache")
        assert (found.text, found.headers["cache-status"]) == ("call 2", "Ropewalk; fwd=request; stored")
        assert service.get().text == "call 2"

    @pytest.mark.parametrize("name", ["pragma", "Pragma"])
    def test_pragma(self, service: Service, name: str) -> None:
        service.get()
        assert service.get(**{name: "no-cache"}).text == "call 2"
        assert service.get(pragma="no-cache", cache_control="max-age=60").text == "call 2"

    def test_no_store(self, service: Service) -> None:
        service.get(cache_control="no-store")
        assert service.get().text == "call 2"

    def test_max_age(self, service: Service) -> None:
        service.get()
        service.clock.advance(10)
        assert service.get(cache_control="max-age=10").text == "call 1"
        assert service.get(cache_control="max-age=9").text == "call 2"

    def test_min_fresh(self, service: Service) -> None:
        service.get()
        service.clock.advance(10)
        assert service.get(cache_control="min-fresh=50").text == "call 1"
        assert service.get(cache_control="min-fresh=51").text == "call 2"

    def test_max_stale(self) -> None:
        service = Service(None, 10, client_directives=True, stale_if_error=60)
        service.get()
        service.clock.advance(15)
        assert service.get(cache_control="max-stale=5").text == "call 1"
        assert service.get(cache_control="max-stale").text == "call 1"
        assert service.get(cache_control="max-stale=4").text == "call 2"

    def test_only_if_cached(self, service: Service) -> None:
        assert service.get(cache_control="only-if-cached").status == 504
        assert service.calls == 0
        service.get()
        assert service.get(cache_control="only-if-cached").text == "call 1"


def test_a_handler_that_sends_a_304_itself() -> None:
    def respond(request: Request) -> Response:
        return Response(None, 304) if request.header("if-none-match") else Response("body", 200, {"etag": '"1"'})

    service = Service(respond)
    assert service.get(if_none_match='"1"').status == 304
    assert service.get().text == "body"
    assert service.get(if_none_match='"1"').status == 304
    assert service.calls == 2
