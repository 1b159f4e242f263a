"""Which responses are stored (RFC 9111, section 3)."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.caching.cached_service import Service

from ropewalk import HTTPError, Request, Response
from ropewalk.caching import CacheOptions


def with_fields(fields: dict[str, str], status: int = 200, body: Any = "body") -> Service:
    return Service(lambda request: Response(body, status, fields))


class TestStatus:
    @pytest.mark.parametrize("status", [200, 203, 300, 301, 308, 404, 410])
    def test_stored_for_the_time_of_the_rule(self, status: int) -> None:
        service = with_fields({}, status)
        assert service.is_stored()
        assert service.get().status == status

    def test_a_response_without_content(self) -> None:
        service = with_fields({}, 204, None)
        assert service.is_stored()
        found = service.get()
        assert (found.status, found.body, "content-type" in found.headers) == (204, b"", False)

    @pytest.mark.parametrize("status", [201, 302, 303, 307, 400, 403, 405, 422, 500, 503])
    def test_not_stored_without_a_time_of_its_own(self, status: int) -> None:
        assert not with_fields({}, status).is_stored()

    @pytest.mark.parametrize("status", [201, 302, 307, 400, 403, 451])
    def test_stored_with_a_time_of_its_own(self, status: int) -> None:
        assert with_fields({"cache-control": "max-age=60"}, status).is_stored()

    @pytest.mark.parametrize("status", [206, 401, 409, 412, 429, 500, 503])
    def test_never_stored(self, status: int) -> None:
        assert not with_fields({"cache-control": "max-age=60"}, status).is_stored()

    def test_the_statuses_of_a_rule(self) -> None:
        service = Service(lambda request: Response("x", int(request.query["status"])), statuses=[302])
        assert service.is_stored("/?status=302")
        assert not service.is_stored("/?status=200")

    def test_an_http_error_is_stored_like_another_response(self) -> None:
        def missing(request: Request) -> Any:
            raise HTTPError(404)

        service = Service(missing)
        assert service.is_stored()
        for kind in ("text/html", "application/json", "text/html", "application/json"):
            found = service.get(accept=kind)
            assert (found.status, "html" in found.headers["content-type"]) == (404, kind == "text/html")
        assert service.calls == 3  # the first is without Accept

    @pytest.mark.parametrize("error", [HTTPError(503), ValueError("a bug")])
    def test_a_failure_is_not_stored(self, error: Exception) -> None:
        def fail(request: Request) -> Any:
            raise error

        assert not Service(fail).is_stored()


class TestCacheControl:
    @pytest.mark.parametrize(
        "field",
        ["no-store", "private", "no-cache", "max-age=60, private", "No-Store", 'private="x"', "max-age=60,no-store"],
    )
    def test_forbidden(self, field: str) -> None:
        assert not with_fields({"cache-control": field}).is_stored()

    @pytest.mark.parametrize(
        "field", ["public", "max-age=60", "s-maxage=60", "unknown=1", "xno-store", 'x="no-store"', ""]
    )
    def test_allowed(self, field: str) -> None:
        assert with_fields({"cache-control": field}).is_stored()

    def test_several_lines(self) -> None:
        fields = [("cache-control", "max-age=60"), ("cache-control", "no-store")]
        assert not Service(lambda request: Response("x", 200, fields)).is_stored()

    def test_a_cache_that_understands_the_status_may_ignore_no_store(self) -> None:
        assert with_fields({"cache-control": "no-store, must-understand, max-age=60"}).is_stored()

    def test_a_cookie_is_never_stored(self) -> None:
        assert not with_fields({"cache-control": "public, max-age=60", "set-cookie": "a=1"}).is_stored()

    def test_without_a_time_nothing_is_stored(self) -> None:
        service = Service(None, None)
        assert not service.is_stored()
        assert service.get().headers["cache-status"] == "Ropewalk; fwd=uri-miss; detail=no-lifetime"


class TestRequests:
    """Requests whose responses are for one client."""

    @pytest.mark.parametrize("field", ["authorization", "x-api-key"])
    def test_credentials(self, field: str) -> None:
        assert not Service().is_stored(**{field: "secret"})

    @pytest.mark.parametrize("directive", ["public", "s-maxage=60", "must-revalidate"])
    def test_credentials_of_a_public_response(self, directive: str) -> None:
        service = Service(lambda request: Response("x", 200, {"cache-control": directive}))
        assert service.is_stored(authorization="secret")
        service.get()
        assert service.calls == 1

    def test_max_age_does_not_make_it_public(self) -> None:
        service = Service(lambda request: Response("x", 200, {"cache-control": "max-age=60"}))
        assert not service.is_stored(authorization="secret")

    def test_a_response_for_all_is_not_sent_to_a_client_with_credentials(self) -> None:
        service = Service(lambda request: request.header("authorization") or "nobody")
        assert [service.get().text, service.get(authorization="ada").text, service.get().text] == [
            "nobody",
            "ada",
            "nobody",
        ]
        assert service.calls == 2

    def test_credentials_do_not_switch_the_cache_off_for_others(self) -> None:
        service = Service()
        service.get(authorization="ada")
        assert service.is_stored()

    def test_cookies_that_are_read(self) -> None:
        service = Service(lambda request: request.cookies.get("name", "nobody"))
        assert not service.is_stored()
        assert service.get(cookie="name=ada").text == "ada"
        assert service.get().text == "nobody"

    def test_cookies_that_are_not_read(self) -> None:
        service = Service()
        assert service.is_stored(cookie="tracking=1")
        service.get(cookie="tracking=2")
        assert service.calls == 1

    def test_cookies_that_vary_names(self) -> None:
        service = Service(lambda request: Response(request.cookies.get("name", "-"), 200, {"vary": "Cookie"}))
        assert service.is_stored(cookie="name=ada")
        assert service.get(cookie="name=bob").text == "bob"
        assert service.get(cookie="name=ada").text == "ada"
        assert service.calls == 2

    def test_a_user_of_middleware(self) -> None:
        def respond(request: Request) -> str:
            request.state.user = "ada"
            return "x"

        service = Service(respond)
        assert not service.is_stored()
        assert "detail=user" in service.get().headers["cache-status"]

    def test_a_rule_that_responses_are_for_all_users(self) -> None:
        service = Service(lambda request: request.cookies.get("name", "-"), shared=True)
        assert service.is_stored(authorization="ada", cookie="name=ada")

    def test_a_body(self) -> None:
        service = Service()
        for _ in range(2):
            service.client.request("GET", "/", body="search")
        assert service.calls == 2

    @pytest.mark.parametrize("name", ["range", "if_match", "if_unmodified_since"])
    def test_a_request_for_a_part_stores_nothing(self, name: str) -> None:
        service = Service()
        service.get(**{name: "x"})
        assert service.is_stored()

    def test_other_methods(self) -> None:
        service = Service()
        for method in ("POST", "POST", "GET", "GET"):
            service.request(method)
        assert service.calls == 3


class TestBodies:
    @pytest.mark.parametrize(
        ("value", "kind", "body"),
        [
            ("t\u00ebxt", "text/plain; charset=utf-8", "t\u00ebxt".encode()),
            (b"\0\xff", "application/octet-stream", b"\0\xff"),
            ({"a": [1, None]}, "application/json", b'{"a":[1,null]}'),
            ([1], "application/json", b"[1]"),
            (Response("\u00eb", content_type="text/plain; charset=latin-1"), "text/plain; charset=latin-1", b"\xeb"),
            (Response.html("<p>"), "text/html; charset=utf-8", b"<p>"),
            ("", "text/plain; charset=utf-8", b""),
        ],
    )
    def test_the_same_response_again(self, value: Any, kind: str, body: bytes) -> None:
        service = Service(lambda request: value)
        for _ in range(3):
            found = service.get()
            assert (found.status, found.headers["content-type"], found.body) == (200, kind, body)
            assert found.headers["content-length"] == str(len(body))
        assert service.calls == 1

    def test_header_fields(self) -> None:
        fields = [("x-a", "1"), ("x-a", "2"), ("link", "</a>"), ("age", "5"), ("connection", "x-hop"), ("x-hop", "1")]
        service = Service(lambda request: Response("x", 200, fields), None)
        service = Service(lambda request: Response("x", 200, [*fields[:3]]))
        for _ in range(2):
            found = service.get()
            assert (found.headers.all("x-a"), found.headers["link"]) == (["1", "2"], "</a>")

    def test_a_handler_that_returns_one_response_object(self) -> None:
        kept = Response("x")
        service = Service(lambda request: kept)
        for path in ("/", "/rooms", "/"):
            service.get(path)
        assert kept.headers.lines() == [("content-type", "text/plain; charset=utf-8")]

    def test_a_body_that_is_too_large(self) -> None:
        for size, stored in ((10, True), (11, False)):
            service = Service(lambda request, size=size: "x" * size, at=CacheOptions(body_limit=10))  # type: ignore[misc] # a default of a lambda
            assert service.is_stored() is stored
        assert not Service(lambda request: "\u00eb" * 6, at=CacheOptions(body_limit=10)).is_stored()

    def test_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "a.txt"
        file.write_text("content", encoding="utf-8")
        service = Service(lambda request: file)
        assert not service.is_stored()
        assert service.get().text == "content"

    def test_the_nonce_of_a_page(self) -> None:
        def page(request: Request) -> str:
            request.state.csp_nonce = f"nonce{service.calls}"
            return f"<script nonce='{request.state.csp_nonce}'>"

        service = Service(page)
        assert not service.is_stored()

        def without_script(request: Request) -> str:
            request.state.csp_nonce = "abc"
            return "no script"

        assert Service(without_script).is_stored()


class TestStreams:
    def test_a_short_stream_is_stored_after_it_was_sent(self) -> None:
        def parts(request: Request) -> Iterator[Any]:
            yield "a"
            yield "\u00eb"

        service = Service(parts)
        for _ in range(3):
            found = service.get()
            assert (found.text, found.headers["content-type"]) == ("a\u00eb", "text/plain; charset=utf-8")
        assert service.calls == 1

    def test_an_asynchronous_stream(self) -> None:
        def respond(request: Request) -> Any:
            async def parts() -> AsyncIterator[bytes]:
                yield b"a"
                yield b"b"

            return Response(parts(), 200, {"x-name": "1"})

        service = Service(respond)
        for _ in range(3):
            found = service.get()
            assert (found.body, found.headers["x-name"]) == (b"ab", "1")
        assert service.calls == 1

    def test_a_stream_of_one_part_and_an_empty_one(self) -> None:
        for given in (["only"], []):
            service = Service(lambda request, given=given: iter(given))  # type: ignore[misc] # a default of a lambda
            assert [service.get().text for _ in range(3)] == ["".join(given)] * 3
            assert service.calls == 1

    def test_a_stream_that_is_too_large_is_sent(self) -> None:
        service = Service(lambda request: iter(["12345", "67890", "1"]), at=CacheOptions(body_limit=10))
        assert [service.get().text for _ in range(3)] == ["12345678901"] * 3
        assert service.calls == 3

    def test_a_stream_that_fails(self) -> None:
        def parts(request: Request) -> Iterator[str]:
            yield "a"
            if service.calls == 1:
                raise ValueError("a bug")

        service = Service(parts)
        with pytest.raises(Exception, match="in the middle"):
            service.get()
        assert service.get().text == "a"
        assert service.calls == 2
        service.get()
        assert service.calls == 2

    def test_events(self) -> None:
        service = Service(lambda request: Response(iter(["data: 1\n\n"]), content_type="text/event-stream"))
        assert not service.is_stored()

    def test_head_does_not_begin_a_stream(self) -> None:
        service = Service(lambda request: iter(["a"]))
        assert service.request("HEAD").status == 200
        assert service.is_stored()
