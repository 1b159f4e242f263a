"""Which requests get the same stored response (RFC 9111, sections 2 and 4.1)."""

from typing import Annotated, Any

import pytest
from tests.unit.caching.cached_service import Service

from ropewalk import App, Header, Request, Response
from ropewalk.caching import Cache
from ropewalk.errors import HandlerError
from ropewalk.testing import Client


def echo(request: Request) -> str:
    """The parts of a request that must not be confused."""
    return f"{request.scheme} {request.host} {request.path} {request.query_string!r}"


class TestURLs:
    @pytest.mark.parametrize("path", ["/rooms", "/rooms/1", "/?a=1", "/?a=2", "/?a=1&b=2", "/?b=2&a=1", "/rooms?a=1"])
    def test_different_urls(self, path: str) -> None:
        service = Service(echo)
        first = service.get("/").text
        assert service.get(path).text != first
        assert service.get("/").text == first
        assert service.calls == 2

    def test_head_gets_the_response_of_get(self) -> None:
        service = Service()
        body = service.get().text
        found = service.request("HEAD")
        assert (found.status, found.text, found.headers["content-length"], service.calls) == (
            200,
            "",
            str(len(body)),
            1,
        )

    def test_head_alone_stores_nothing(self) -> None:
        service = Service(lambda request: "" if request.method == "HEAD" else "body")
        assert service.request("HEAD").headers["cache-status"] == "Ropewalk; fwd=uri-miss"
        assert service.get().text == "body"
        assert service.calls == 2

    def test_hosts(self) -> None:
        service = Service(echo)
        texts = [service.get(host=host).text for host in ("a.example", "b.example", "a.example:81", "a.example")]
        assert texts[0] == texts[3]
        assert len(set(texts)) == 3

    @pytest.mark.parametrize("host", ["A.Example", "a.example:80", "A.EXAMPLE:80"])
    def test_one_host_in_several_spellings(self, host: str) -> None:
        service = Service()
        service.get(host="a.example")
        service.get(host=host)
        assert service.calls == 1

    def test_a_host_with_the_path_of_another_url(self) -> None:
        service = Service(echo)
        statuses = {
            service.get("/rooms", host="a.example/rooms").status,
            service.get("/rooms", host="a.example?x").status,
        }
        assert statuses <= {200, 400}
        assert service.get("/rooms/rooms", host="a.example").text.startswith("http a.example /rooms/rooms ")

    def test_schemes(self) -> None:
        service = Service(echo)
        service.get(host="a.example")
        secure = Client(service.app, secure=True, clock=service.client.clock)
        assert secure.get("/", headers={"host": "a.example"}).text.startswith("https")
        secure.get("/", headers={"host": "a.example:443"})
        assert service.calls == 2

    def test_spellings_of_a_path(self) -> None:
        service = Service()
        for path in ("/rooms/%C3%A9", "/rooms/%c3%a9", "/rooms/a", "/rooms/%61"):
            service.get(path)
        assert service.calls == 2
        for path in ("/rooms/a%2Bb", "/rooms/a+b"):  # reserved characters may have a meaning of their own
            service.get(path)
        assert service.calls == 4


class TestQuery:
    def test_chosen_parameters(self) -> None:
        service = Service(query=["page", "size"])
        for path in ("/?page=1&size=2", "/?size=2&page=1", "/?page=1&utm=x&size=2", "/?&page=1&size=2&"):
            service.get(path)
        assert service.calls == 1
        for path in ("/?page=2", "/?page=1", "/", "/?page=1&page=2", "/?page=2&page=1"):
            service.get(path)
        assert service.calls == 6

    def test_no_parameters(self) -> None:
        service = Service(query=[])
        for path in ("/?a=1", "/", "/?b"):
            service.get(path)
        assert service.calls == 1

    def test_ignored_parameters(self) -> None:
        service = Service(without_query=["utm source"])
        for path in ("/?a=1", "/?utm+source=x&a=1", "/?a=1&utm%20source=y"):
            service.get(path)
        assert service.calls == 1
        service.get("/?a=2")
        assert service.calls == 2


class TestVary:
    @pytest.fixture
    def service(self) -> Service:
        def respond(request: Request) -> Response:
            return Response(f"{request.header('accept-language')} {service.calls}", 200, {"vary": "Accept-Language"})

        service = Service(respond)
        return service

    def test_variants(self, service: Service) -> None:
        texts = [service.get(accept_language=each).text for each in ("de", "en", "de", "en")]
        assert texts == ["de 1", "en 2", "de 1", "en 2"]
        assert service.get().text == "None 3"
        assert service.get(accept_language="").text == " 4"

    @pytest.mark.parametrize("value", ["de,en;q=0.5", "DE,  en; q=0.5", " de , en;q=0.5,,"])
    def test_spellings_of_a_list(self, service: Service, value: str) -> None:
        service.get(accept_language="de, en;q=0.5")
        service.get(accept_language=value)
        assert service.calls == 1

    def test_the_order_of_a_list_matters(self, service: Service) -> None:
        service.get(accept_language="de, en")
        service.get(accept_language="en, de")
        assert service.calls == 2

    def test_other_fields_are_compared_exactly(self) -> None:
        service = Service(lambda request: Response(request.header("x-name"), 200, {"vary": "X-Name"}))
        assert [service.get(x_name=each).text for each in ("a", "A", "a")] == ["a", "A", "a"]
        assert service.calls == 2

    def test_a_star_is_not_stored(self) -> None:
        for value in ("*", "accept, *"):
            assert not Service(lambda request, value=value: Response("x", 200, {"vary": value})).is_stored()  # type: ignore[misc] # a default of a lambda

    def test_several_fields_in_any_order(self) -> None:
        def respond(request: Request) -> Response:
            vary = [("vary", "X-A, X-B")] if service.calls % 2 else [("vary", "x-b"), ("vary", "x-a")]
            return Response("x", 200, vary)

        service = Service(respond)
        for a, b in (("1", "1"), ("1", "2"), ("1", "1"), ("1", "2")):
            service.get(x_a=a, x_b=b)
        assert service.calls == 2

    def test_a_field_that_only_some_responses_name(self) -> None:
        def respond(request: Request) -> Response:
            language = request.header("accept-language")
            return Response(language or "none", 200, {} if language is None else {"vary": "Accept-Language"})

        service = Service(respond)
        texts = [service.get(**fields).text for fields in ({"accept_language": "de"}, {}) * 3]
        assert (texts, service.calls) == (["de", "none"] * 3, 2)

    def test_a_field_that_a_typed_handler_takes(self) -> None:
        cache, app, calls = Cache(), App(), []

        @app.get("/")
        @cache(60)
        def handler(x_name: Annotated[str, Header()] = "nobody") -> dict[str, str]:
            calls.append(x_name)
            return {"name": x_name}

        client = Client(app)
        names = [
            client.get("/", headers=fields).json()["name"] for fields in ({}, {"x-name": "a"}, {}, {"x-name": "a"})
        ]
        assert (names, calls) == (["nobody", "a"] * 2, ["nobody", "a"])


class TestVaryBy:
    def test_a_function(self) -> None:
        service = Service(vary_by=lambda request: request.header("x-tenant") or "")
        texts = [service.get(**fields).text for fields in ({}, {"x_tenant": "a"}, {"x_tenant": "b"}) * 2]
        assert texts == ["call 1", "call 2", "call 3"] * 2

    def test_a_coroutine_function(self) -> None:
        async def tenant(request: Request) -> str:
            return request.header("x-tenant") or ""

        service = Service(vary_by=tenant)
        assert service.is_stored(x_tenant="a")
        assert service.is_stored(x_tenant="b")

    def test_users_with_responses_of_their_own(self) -> None:
        service = Service(
            lambda request: request.cookies["name"], vary_by=lambda request: request.cookies["name"], shared=True
        )
        assert [service.get(cookie=f"name={name}").text for name in ("ada", "bob", "ada")] == ["ada", "bob", "ada"]
        assert service.calls == 2

    def test_a_result_that_is_not_text(self) -> None:
        service = Service(vary_by=lambda request: None)
        with pytest.raises(HandlerError, match=r"RW236 .*to distinguish responses"):
            Client(service.app).get("/")


class TestRules:
    @pytest.mark.parametrize(
        ("seconds", "rules", "code"),
        [
            (0, {}, "RW230"),
            ("60", {}, "RW230"),
            (60, {"tags": "rooms"}, "RW230"),
            (60, {"tags": [1]}, "RW230"),
            (60, {"tags": lambda: ["rooms"]}, "RW230"),
            (60, {"vary_by": "user"}, "RW230"),
            (60, {"vary_by": lambda request, user: ""}, "RW230"),
            (60, {"query": "page"}, "RW230"),
            (60, {"query": ["a"], "without_query": ["b"]}, "RW231"),
            (60, {"stale_if_error": -1}, "RW230"),
            (60, {"stale_while_revalidate": True}, "RW230"),
            (60, {"statuses": [500]}, "RW230"),
            (60, {"statuses": [206]}, "RW230"),
            (60, {"statuses": 404}, "RW230"),
            (60, {"shared": 1}, "RW230"),
            (60, {"tag": ["rooms"]}, "RW270"),
        ],
    )
    def test_a_wrong_rule(self, seconds: Any, rules: dict[str, Any], code: str) -> None:
        with pytest.raises(HandlerError, match=code):
            Cache()(seconds, **rules)
