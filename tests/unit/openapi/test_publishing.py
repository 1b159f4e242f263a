"""The routes that publish the document, and the page."""

import importlib.util
import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from importlib.machinery import ModuleSpec
from typing import Any

import pytest

from ropewalk import App, OpenAPI, Request, Resource, Response, RopewalkError
from ropewalk.auth import AuthorizationCode, BearerJWT, BearerJWTOptions, OAuth2, authenticate, requires
from ropewalk.openapi import publishing, swagger_ui
from ropewalk.testing import Client


def app_with(**options: Any) -> App:
    app = App(openapi=OpenAPI("Hotel <1>", "1.0", **options))
    app.get("/rooms")(lambda request: "")
    return app


class TestDocument:
    def test_it_is_served(self) -> None:
        response = Client(app_with()).get("/openapi.json")
        assert response.status == 200
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert list(response.json()["paths"]) == ["/rooms"]
        assert "servers" not in response.json()

    def test_nothing_is_published_by_default(self) -> None:
        app = App()
        assert app.openapi is None
        assert app.routes() == []

    def test_the_attribute_does_the_same(self) -> None:
        app = App()
        app.openapi = options = OpenAPI("Hotel", "1.0")
        assert app.openapi is options
        assert Client(app).get("/openapi.json").json()["info"]["title"] == "Hotel"

    def test_it_is_made_once_and_again_when_the_tree_changes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = []
        document_of: Callable[..., Any] = vars(publishing)["document_of"]

        def counting(*arguments: Any) -> Any:
            made.append(arguments)
            return document_of(*arguments)

        monkeypatch.setattr(publishing, "document_of", counting)
        app, inner = app_with(), App()
        app.mount("/inner", inner)
        assert made == []
        client = Client(app)
        client.get("/openapi.json")
        client.get("/openapi.json")
        assert len(made) == 1
        inner.get("/late")(lambda request: "")
        assert list(client.get("/openapi.json").json()["paths"]) == ["/rooms", "/inner/late"]
        client.get("/openapi.json")
        assert len(made) == 2

    def test_an_error_handler_that_is_added_later_counts(self) -> None:
        app = app_with()

        @app.get("/find")
        def find(value: int) -> None: ...

        client = Client(app)
        assert "content" in client.get("/openapi.json").json()["paths"]["/find"]["get"]["responses"]["422"]
        app.error(422)(lambda request, error: "")
        assert "content" not in client.get("/openapi.json").json()["paths"]["/find"]["get"]["responses"]["422"]

    def test_a_mounted_app_names_its_place_as_the_server(self) -> None:
        app, inner = App(), app_with()
        app.mount("/{tenant}/api", inner)
        found = Client(app).get("/a%22%7Bb%7D{c}/api/openapi.json").json()
        assert found["servers"] == [{"url": "/a%22%7Bb%7D%7Bc%7D/api"}]
        assert list(found["paths"]) == ["/rooms"]

    @pytest.mark.parametrize(
        ("path", "requested", "place"),
        [
            ("/openapi.json", "/openapi.json", None),
            ("/openapi.json", "/openapi.json/", None),
            ("/openapi.json", "/open%61pi.json", None),
            ("/openapi.json", "/api/openapi.json/", "/api"),
            ("/openapi.json", "/%61pi/open%61pi.json", "/%61pi"),
            ("/v1/schema/", "/v1/schema/", None),
            ("/v1/schema/", "/v1/schema", None),
            ("/v1/schema/", "/api/v1/schema/", "/api"),
            ("/v1/schema/", "/api/v1/schema", "/api"),
            ("/", "/", None),
            ("/", "/api/", "/api"),
            ("/", "/api", "/api"),
        ],
    )
    def test_the_place_however_it_is_requested(self, path: str, requested: str, place: str | None) -> None:
        app, inner = App(trailing_slash="ignore"), app_with(path=path, ui=None)
        app.mount("/api" if place else "/", inner)
        document = Client(app).get(requested).json()
        assert document.get("servers") == (None if place is None else [{"url": place}])

    def test_an_app_in_a_tree_of_resources(self) -> None:
        root, inner = Resource(), app_with()
        root.putChild(b"api", inner)
        app = App()
        app.mount("/v1", root)
        client = Client(app)
        assert client.get("/v1/api/openapi.json").json()["servers"] == [{"url": "/v1/api"}]
        assert client.get("/v1/api/docs").status == 200

    @pytest.mark.parametrize(
        "options", [{"servers": ["https://example.org"]}, {"extra": {"servers": [{"url": "https://example.org"}]}}]
    )
    def test_servers_that_were_given(self, options: dict[str, Any]) -> None:
        app, inner = App(), app_with(**options)
        app.mount("/api", inner)
        response = Client(app).get("/api/openapi.json")
        assert response.json()["servers"] == [{"url": "https://example.org"}]
        assert response.text.count("servers") == 1

    def test_a_word_of_the_document_is_no_server(self) -> None:
        app, inner = App(), app_with()
        inner.get("/a", operation={"x-note": {"servers": []}})(lambda request: "")
        app.mount("/api", inner)
        assert Client(app).get("/api/openapi.json").json()["servers"] == [{"url": "/api"}]

    def test_the_outer_and_the_mounted_app_may_both_publish(self) -> None:
        app, inner = app_with(), app_with()
        app.mount("/api", inner)
        client = Client(app)
        assert list(client.get("/openapi.json").json()["paths"]) == ["/rooms", "/api/rooms"]
        assert list(client.get("/api/openapi.json").json()["paths"]) == ["/rooms"]

    def test_a_path_that_ends_in_a_slash_where_it_makes_no_difference(self) -> None:
        app = App(openapi=OpenAPI("Hotel", "1.0"), trailing_slash="ignore")
        client = Client(app)
        assert client.get("/openapi.json/").json()["info"]["title"] == "Hotel"
        assert './swagger-ui.css"' in client.get("/docs/").text

    def test_a_middleware_can_refuse_it(self) -> None:
        app = app_with()

        @app.middleware
        async def refuse(request: Request, next: Any) -> Response:
            return Response("", 401)

        for path in ("/openapi.json", "/docs", "/docs/start.js", "/docs/swagger-ui.css"):
            assert Client(app).get(path).status == 401

    def test_another_path(self) -> None:
        app = app_with(path="/v1/schema", ui=None)
        assert Client(app).get("/v1/schema").status == 200
        assert Client(app).get("/docs").status == 404


class TestPage:
    @pytest.mark.parametrize(
        ("ui", "path", "files", "document"),
        [
            ("/docs", "/openapi.json", "/docs", "../openapi.json"),
            ("/a/docs", "/openapi.json", "/a/docs", "../../openapi.json"),
            ("/docs/", "/docs/openapi.json", "/docs", "openapi.json"),
            ("/", "/v1/openapi.json", "", "v1/openapi.json"),
        ],
    )
    @pytest.mark.parametrize("mount", ["", "/api"])
    def test_its_files(self, ui: str, path: str, files: str, document: str, mount: str) -> None:
        app, inner = App(), App(openapi=OpenAPI("Hotel", "1.0", ui=ui, path=path))
        app.mount(mount or "/", inner)
        client = Client(app)
        page = client.get(f"{mount}{ui}")
        assert page.status == 200
        base = f"{mount}{ui}".rpartition("/")[0]
        for name, content_type in (
            ("swagger-ui.css", "text/css; charset=utf-8"),
            ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
            ("start.js", "text/javascript; charset=utf-8"),
        ):
            link = next(part for part in page.text.split('"') if part.endswith(name))
            assert link.startswith("./")
            assert f"{base}{link[1:]}" == f"{mount}{files}/{name}"
            response = client.get(f"{mount}{files}/{name}")
            assert response.status == 200
            assert response.headers["content-type"] == content_type
            assert response.headers["x-content-type-options"] == "nosniff"
        assert json.dumps(document) in client.get(f"{mount}{files}/start.js").text

    def test_the_title_is_escaped(self) -> None:
        assert "<title>Hotel &lt;1&gt;</title>" in Client(app_with()).get("/docs").text

    def test_it_needs_no_network(self) -> None:
        page = Client(app_with()).get("/docs")
        assert "//" not in page.text
        assert '"validatorUrl": null' in Client(app_with()).get("/docs/start.js").text

    def test_its_policy(self) -> None:
        policy = Client(app_with()).get("/docs").headers["content-security-policy"]
        assert policy == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    def test_a_login(self) -> None:
        """With OAuth2, the page can get tokens. The app serves another page, to which the provider redirects."""
        flow = AuthorizationCode(
            authorization_url="https://login.example/authorize",
            token_url="https://login.example/token",
            refresh_url="https://tokens.example/new",
        )
        bearer = BearerJWT(BearerJWTOptions(keys="k" * 32, issuer=None, audience=None))
        app = App(openapi=OpenAPI("Hotel", "1.0"), middleware=[authenticate(OAuth2(bearer, flow), optional=True)])
        app.get("/rooms")(requires()(lambda request: "rooms"))
        client = Client(app)
        policy = client.get("/docs").headers["content-security-policy"]
        assert "connect-src 'self' https://login.example https://tokens.example; " in policy
        start = client.get("/docs/start.js").text
        assert 'new URL("oauth2-redirect.html", document.currentScript.src)' in start
        assert "usePkceWithAuthorizationCodeGrant: true" in start
        page = client.get("/docs/oauth2-redirect.html")
        script = page.text.partition("<script>")[2].partition("</script>")[0]
        digest = b64encode(sha256(script.encode()).digest()).decode()
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'unsafe-hashes' 'sha256-")
        assert policy.count("sha256-") == 2
        assert digest in policy
        assert "'unsafe-inline'" not in policy

    def test_its_policy_allows_the_servers_of_the_api(self) -> None:
        others: list[Any] = [{"url": "https://{region}.example.org"}, {"url": "/v4"}]
        app = app_with(servers=["https://example.org/v1", {"url": "https://example.org/v2"}, "/v3", *others])
        policy = Client(app).get("/docs").headers["content-security-policy"]
        assert "connect-src 'self' https://example.org; " in policy


class TestErrors:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"ui": "docs"}, "RW219 OpenAPI(ui='docs') is not a path without parameters ("),
            ({"path": "/{a}"}, "RW219 OpenAPI(path='/{a}') is not a path without parameters ("),
            ({"servers": "https://a"}, "RW376 OpenAPI: servers cannot be 'https://a' ("),
            ({"servers": [{"description": "b"}]}, "RW219 OpenAPI(servers=...) has {'description': 'b'} ("),
        ],
    )
    def test_wrong_options(self, options: dict[str, Any], message: str) -> None:
        app = App()
        with pytest.raises(RopewalkError) as caught:
            app.openapi = OpenAPI("Hotel", "1.0", **options)
        assert message in str(caught.value)
        assert app.routes() == []
        assert app.openapi is None

    def test_no_options(self) -> None:
        given: Any = {"title": "Hotel"}
        with pytest.raises(RopewalkError, match="RW219 app.openapi is {'title': 'Hotel'}."):
            App(openapi=given)

    def test_twice(self) -> None:
        app = app_with()
        with pytest.raises(RopewalkError, match="RW219 app.openapi is set twice."):
            app.openapi = OpenAPI("Hotel", "1.0")

    def test_a_path_that_is_taken(self) -> None:
        app = App()
        app.get("/docs")(lambda request: "")
        with pytest.raises(RopewalkError, match="RW104 GET /docs is registered twice"):
            app.openapi = OpenAPI("Hotel", "1.0")

    def test_the_package_of_the_page_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        find_spec = importlib.util.find_spec

        def without(name: str) -> ModuleSpec | None:
            return None if name == "swagger_ui" else find_spec(name)

        monkeypatch.setattr(swagger_ui, "find_spec", without)
        with pytest.raises(RopewalkError) as caught:
            app_with()
        assert str(caught.value) == (
            "RW750 OpenAPI(ui='/docs') needs swagger-ui-py, which is not installed. "
            "Run `pip install '/path/to/ropewalk[openapi]'`, with the path of your checkout or wheel. Or set ui=None."
        )
        assert Client(app_with(ui=None)).get("/openapi.json").status == 200
