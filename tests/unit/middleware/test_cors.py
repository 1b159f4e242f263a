"""CORS, by the Fetch standard."""

from typing import Any

import pytest
from tests.unit.middleware.every_response import PATHS, every_response

from ropewalk import App, HTTPError, Request, Response
from ropewalk.errors import HandlerError
from ropewalk.middleware import CORSOptions, Next, cors
from ropewalk.testing import Client, ClientResponse

APP = "https://app.example.com"


def serve(*, handler: Any = lambda request: "x", **options: Any) -> Client:
    app = App(middleware=[cors(CORSOptions(**options))])
    app.put("/")(handler)
    app.get("/")(handler)
    return Client(app, raise_errors=False)


def ask(client: Client, origin: str = APP, method: str = "PUT", headers: str | None = None) -> ClientResponse:
    fields = {"origin": origin, "access-control-request-method": method}
    if headers is not None:
        fields["access-control-request-headers"] = headers
    return client.request("OPTIONS", "/", headers=fields)


def allowed(response: ClientResponse) -> str | None:
    return response.headers.get("access-control-allow-origin")


@pytest.mark.parametrize("path", PATHS)
def test_every_response_has_the_fields(path: str) -> None:
    client = Client(every_response(cors(CORSOptions(origins=[APP], expose=["X-Total"]))))
    response = client.get(path, headers={"origin": APP})
    assert response.status == PATHS[path]
    assert allowed(response) == APP
    assert response.headers["access-control-expose-headers"] == "x-total"
    assert "Origin" in response.headers["vary"].split(", ")


def test_a_bug_in_the_handler_can_be_read_by_the_script() -> None:
    def broken(request: Request) -> str:
        raise LookupError

    response = serve(origins=[APP], handler=broken).get("/", headers={"origin": APP})
    assert (response.status, allowed(response)) == (500, APP)


class TestOrigins:
    @pytest.mark.parametrize(
        ("pattern", "origin"),
        [
            (APP, APP),
            ("HTTPS://App.Example.com", APP),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("https://*.example.com", APP),
            ("https://*.example.com", "https://a.b.example.com"),
            ("https://*.example.com:8443", "https://a.example.com:8443"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
            ("null", "null"),
        ],
    )
    def test_these_are_allowed(self, pattern: str, origin: str) -> None:
        assert allowed(serve(origins=[pattern]).get("/", headers={"origin": origin})) == origin

    @pytest.mark.parametrize(
        ("pattern", "origin"),
        [
            (APP, "http://app.example.com"),
            (APP, f"{APP}:8443"),
            (APP, f"{APP}.evil.test"),
            (APP, f"{APP}, https://evil.test"),
            (APP, f"{APP}/"),
            (APP, "null"),
            (APP, ""),
            ("https://*.example.com", "https://example.com"),
            ("https://*.example.com", "https://.example.com"),
            ("https://*.example.com", "https://*.example.com"),
            ("https://*.example.com", "https://evilexample.com"),
            ("https://*.example.com", "https://a..example.com"),
            ("https://*.example.com", "https://evil.test/.example.com"),
            ("https://*.example.com", "https://evil.test#.example.com"),
            ("https://*.example.com", "https://evil.test:1.example.com"),
            ("https://*.example.com", "https://user@a.example.com"),
            ("https://*.example.com", "http://a.example.com"),
            ("https://*.example.com", "https://a.example.com:8443"),
            ("https://*.example.com", "https://a.example.com.evil.test"),
            ("https://*.example.com", f"https://{'a.' * 4000}example.com"),
            ("https://*.example.com", f"https://{'a' * 8000}.example.com"),
        ],
    )
    def test_these_are_not(self, pattern: str, origin: str) -> None:
        client = serve(origins=[pattern])
        response = client.get("/", headers={"origin": origin})
        assert (response.status, allowed(response), response.headers["vary"]) == (200, None, "Origin")
        assert ask(client, origin).status == 403

    def test_all(self) -> None:
        client = serve(origins=["*"])
        for headers in ({}, {"origin": "https://a.test"}, {"origin": "null"}):
            response = client.get("/", headers=headers)
            assert (allowed(response), response.headers.get("vary")) == ("*", None)
        assert allowed(ask(client)) == "*"

    def test_an_empty_list_allows_no_one(self) -> None:
        client = serve(origins=[])
        assert allowed(client.get("/", headers={"origin": APP})) is None
        assert ask(client).status == 403

    def test_two_lines_are_no_origin(self) -> None:
        response = serve(origins=[APP]).get("/", headers=[("origin", APP), ("origin", APP)])
        assert allowed(response) is None

    def test_a_response_without_origin_varies_too(self) -> None:
        response = serve(origins=[APP]).get("/")
        assert (allowed(response), response.headers["vary"]) == (None, "Origin")


class TestPreflights:
    def test_what_it_allows(self) -> None:
        client = serve(origins=[APP], methods=["PUT"], headers=["X-Token"], credentials=True, max_age=60)
        response = ask(client, headers="x-token,content-type")
        assert (response.status, response.body) == (204, b"")
        assert {name: value for name, value in response.headers.items() if name.startswith("access-")} == {
            "access-control-allow-origin": APP,
            "access-control-allow-methods": "PUT",
            "access-control-allow-headers": "x-token",
            "access-control-allow-credentials": "true",
            "access-control-max-age": "60",
        }
        assert response.headers["vary"] == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"

    @pytest.mark.parametrize("method", ["DELETE", "put", "", "PUT, GET", "*", "P" * 9000])
    def test_other_methods(self, method: str) -> None:
        response = ask(serve(origins=[APP], methods=["PUT"]), method=method)
        named = " DELETE" if method == "DELETE" else " put" if method == "put" else ""
        assert (response.status, response.text) == (403, f"CORS: The method{named} is not allowed.\n")
        assert allowed(response) is None

    @pytest.mark.parametrize(
        ("headers", "named"),
        [
            ("x-other", " x-other"),
            ("x-token, x-other", " x-other"),
            ("*", ""),
            ("x-token x-token", ""),
            ("a," * 4000, " a"),
            ("a" * 8000, ""),
        ],
    )
    def test_other_headers(self, headers: str, named: str) -> None:
        response = ask(serve(origins=[APP], headers=["x-token"]), headers=headers)
        assert (response.status, response.text) == (403, f"CORS: The header{named} is not allowed.\n")

    def test_empty_names(self) -> None:
        assert ask(serve(origins=[APP], headers=["x-token"]), headers=",x-token, ,").status == 204

    def test_all_headers_but_authorization(self) -> None:
        client = serve(origins=["*"], headers=["*"])
        assert ask(client, headers="x-any").headers["access-control-allow-headers"] == "*"
        assert ask(client, headers="authorization").status == 403
        assert ask(serve(origins=["*"], headers=["*", "Authorization"]), headers="authorization").status == 204

    def test_it_needs_no_login_and_no_route(self) -> None:
        async def login(request: Request, next: Next) -> Response:
            raise HTTPError(401)

        client = Client(App(middleware=[cors(CORSOptions(origins=[APP])), login]))
        assert ask(client).status == 204
        response = client.get("/", headers={"origin": APP})
        assert (response.status, allowed(response)) == (401, APP)

    def test_any_other_options_request_reaches_the_app(self) -> None:
        client = serve(origins=[APP])
        for headers in ({}, {"origin": APP}, {"access-control-request-method": "PUT"}):
            response = client.request("OPTIONS", "/", headers=headers)
            assert response.headers["allow"] == "GET, HEAD, OPTIONS, PUT"

    def test_private_networks(self) -> None:
        headers = {
            "origin": APP,
            "access-control-request-method": "PUT",
            "access-control-request-private-network": "true",
        }
        name = "access-control-allow-private-network"
        response = serve(origins=[APP], private_network=True).request("OPTIONS", "/", headers=headers)
        assert response.headers[name] == "true"
        assert "Access-Control-Request-Private-Network" in response.headers["vary"]
        assert name not in ask(serve(origins=[APP], private_network=True)).headers
        assert name not in serve(origins=[APP]).request("OPTIONS", "/", headers=headers).headers

    def test_mounted_applications(self) -> None:
        client = Client(every_response(cors(CORSOptions(origins=[APP]))))
        headers = {"origin": APP, "access-control-request-method": "PUT"}
        for path in ("/asgi/x", "/wsgi/x", "/inner/text", "/nowhere"):
            assert client.request("OPTIONS", path, headers=headers).status == 204


class TestOnOneRoute:
    def test_it_responds_to_the_preflights_of_its_method(self) -> None:
        app = App()
        app.put("/", middleware=[cors(CORSOptions(origins=[APP]))])(lambda request: "x")
        app.delete("/")(lambda request: "x")
        client = Client(app)
        assert allowed(ask(client)) == APP
        assert allowed(ask(client, method="DELETE")) is None
        assert allowed(client.put("/", headers={"origin": APP})) == APP
        assert allowed(client.delete("/", headers={"origin": APP})) is None


class TestWhatHandlersSet:
    def test_other_fields_of_cors_are_replaced(self) -> None:
        def handler(request: Request) -> Response:
            headers = {"access-control-allow-origin": "*", "access-control-allow-credentials": "true"}
            return Response("x", headers=headers)

        client = serve(origins=[APP], handler=handler)
        response = client.get("/", headers={"origin": APP})
        assert response.headers.all("access-control-allow-origin") == [APP]
        assert "access-control-allow-credentials" not in response.headers
        assert allowed(client.get("/", headers={"origin": "https://evil.test"})) is None

    @pytest.mark.parametrize(
        ("given", "sent"),
        [("Accept", ["Accept", "Origin"]), ("origin, accept", ["origin, accept"]), ("*", ["*"])],
    )
    def test_vary_is_kept(self, given: str, sent: list[str]) -> None:
        client = serve(origins=[APP], handler=lambda request: Response("x", headers={"vary": given}))
        assert client.get("/").headers.all("vary") == sent

    def test_a_shared_response_does_not_grow(self) -> None:
        shared = Response("x")
        client = serve(origins=[APP], handler=lambda request: shared)
        for _ in range(3):
            assert client.get("/", headers={"origin": APP}).headers.all("vary") == ["Origin"]


class TestWrongOptions:
    @pytest.mark.parametrize(
        ("options", "code"),
        [
            ({"origins": APP}, "RW230"),
            ({"origins": [7]}, "RW230"),
            ({"methods": ["A B"]}, "RW230"),
            ({"headers": ["x-token\r\nx-evil: 1"]}, "RW230"),
            ({"expose": "x-total"}, "RW230"),
            ({"max_age": -1}, "RW230"),
            ({"credentials": "yes"}, "RW230"),
            ({"origins": ["*"], "credentials": True}, "RW231"),
            ({"origins": ["null"], "credentials": True}, "RW231"),
            ({"origins": [APP], "headers": ["*"], "credentials": True}, "RW231"),
            ({"origins": [APP], "methods": ["*"], "credentials": True}, "RW231"),
            ({"origins": [APP], "expose": ["*"], "credentials": True}, "RW231"),
            ({"origins": ["app.example.com"]}, "RW233"),
            ({"origins": [f"{APP}/"]}, "RW233"),
            ({"origins": [f"{APP}:443"]}, "RW233"),
            ({"origins": [f"{APP}:99999"]}, "RW233"),
            ({"origins": ["https://*.com"]}, "RW233"),
            ({"origins": ["https://*"]}, "RW233"),
            ({"origins": ["https://a*.example.com"]}, "RW233"),
            ({"origins": ["https://bücher.example"]}, "RW233"),
            ({"origins": ["https://a.test\r\nx: y"]}, "RW233"),
        ],
    )
    def test_they_are_refused_with_a_remedy(self, options: dict[str, Any], code: str) -> None:
        with pytest.raises(HandlerError, match="CORSOptions") as caught:
            CORSOptions(**{"origins": [APP], **options})
        assert caught.value.code == code

    def test_other_options(self) -> None:
        with pytest.raises(HandlerError, match=r"RW232 .* Give the options as CORSOptions"):
            cors({"origins": [APP]})  # type: ignore[arg-type] # a mistake
