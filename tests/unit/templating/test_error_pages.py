"""Templates for the responses to errors."""

from typing import Any

import pytest
from tests.unit.templating.sites import templates

from ropewalk import App, HTTPError, Request
from ropewalk.middleware import SecurityHeadersOptions, security_headers
from ropewalk.templating import Templates, TemplatesOptions
from ropewalk.testing import Client

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGES = {
    "errors/404": "<h1>{{ status }} {{ title }}</h1>{% if detail %}<p>{{ detail }}</p>{% endif %}",
    "errors/5xx": "<h1>Sorry</h1> {{ error.status }}",
}


def service(given: Templates | None, **options: Any) -> App:
    app = App(templates=given, **options)

    @app.get("/fail")
    def fail(request: Request) -> None:
        del request
        raise ValueError("secret")

    @app.get("/raise/{status:int}")
    def refuse(request: Request, status: int) -> None:
        del request
        raise HTTPError(status, "<Not here>")

    return app


def client_of(app: App) -> Client:
    return Client(app, headers=BROWSER, raise_errors=False)


class TestByConvention:
    @pytest.mark.parametrize(
        ("path", "status", "text"),
        [
            ("/nowhere", 404, "<h1>404 Not Found</h1>"),
            ("/raise/404", 404, "<h1>404 Not Found</h1><p>&lt;Not here&gt;</p>"),
            ("/raise/503", 503, "<h1>Sorry</h1> 503"),
            ("/fail", 500, "<h1>Sorry</h1> 500"),
        ],
    )
    def test_the_page_of_the_status(self, path: str, status: int, text: str) -> None:
        response = client_of(service(templates(**PAGES))).get(path)
        assert (response.status, response.text) == (status, text)
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert response.headers["vary"] == "Accept"

    def test_a_status_without_a_page_has_the_default_one(self) -> None:
        response = client_of(service(templates(**PAGES))).get("/raise/403")
        assert (response.status, "<title>403 Forbidden</title>" in response.text) == (403, True)

    def test_the_exact_status_comes_first(self) -> None:
        client = client_of(service(templates(**{"errors/4xx": "any", "errors/404": "missing"})))
        assert (client.get("/nowhere").text, client.get("/raise/403").text) == ("missing", "any")

    @pytest.mark.parametrize("accept", ["*/*", "application/json", "text/plain"])
    def test_other_clients_get_no_page(self, accept: str) -> None:
        response = Client(service(templates(**PAGES))).get("/nowhere", headers={"Accept": accept})
        assert response.status == 404
        assert not response.headers["content-type"].startswith("text/html")

    def test_the_header_fields_of_the_error_stay(self) -> None:
        app = service(templates(**{"errors/4xx": "page"}))

        @app.get("/busy")
        def busy(request: Request) -> None:
            del request
            raise HTTPError(429, headers={"Retry-After": "7"})

        response = client_of(app).get("/busy")
        assert (response.text, response.headers["retry-after"]) == ("page", "7")

    def test_refused_methods(self) -> None:
        response = client_of(service(templates(**{"errors/405": "page"}))).post("/fail")
        assert (response.status, response.text, response.headers["allow"]) == (405, "page", "GET, HEAD, OPTIONS")

    def test_a_traceback_is_shown_instead(self) -> None:
        response = client_of(service(templates(**PAGES), debug=True)).get("/fail")
        assert "ValueError: secret" in response.text

    def test_error_handlers_come_first(self) -> None:
        app = service(templates(**PAGES))

        @app.error(404)
        def missing(request: Request, error: HTTPError) -> str:
            del request, error
            return "handled"

        assert client_of(app).get("/nowhere").text == "handled"

    def test_middleware_applies(self) -> None:
        app = service(templates(**{"errors/404": "{{ csp_nonce() }}"}))
        app.middleware(security_headers(SecurityHeadersOptions.for_sites()))
        response = client_of(app).get("/nowhere")
        assert f"'nonce-{response.text}'" in response.headers["content-security-policy"]


class TestNearest:
    def test_each_app_has_its_own_pages(self) -> None:
        outer, inner = service(templates(**{"errors/4xx": "outer"})), service(templates(**{"errors/404": "inner"}))
        outer.mount("/in", inner)
        client = client_of(outer)
        texts = [client.get(path).text for path in ("/nowhere", "/in/nowhere", "/in/raise/404", "/in/raise/403")]
        assert texts == ["outer", "inner", "inner", "outer"]


class TestOptions:
    def test_a_mapping(self) -> None:
        options = TemplatesOptions(error_pages={404: "missing.html"})
        client = client_of(service(templates(options, missing="own", **PAGES)))
        assert client.get("/nowhere").text == "own"
        assert "<title>" in client.get("/fail").text

    def test_another_folder(self) -> None:
        client = client_of(service(templates(TemplatesOptions(error_pages=""), **{"404": "top"})))
        assert client.get("/nowhere").text == "top"

    def test_none(self) -> None:
        client = client_of(service(templates(TemplatesOptions(error_pages=None), **PAGES)))
        assert "<title>404 Not Found</title>" in client.get("/nowhere").text


class TestFailures:
    @pytest.mark.parametrize("text", ["{{ romo }}", "{% if %}", "{{ 1 / 0 }}"])
    def test_a_wrong_page_is_logged_and_replaced(self, text: str) -> None:
        client = client_of(service(templates(**{"errors/404": text})))
        response = client.get("/nowhere")
        assert (response.status, "<title>404 Not Found</title>" in response.text) == (404, True)
        with pytest.raises(Exception, match=r"romo is not defined|Expected an expression|division by zero"):
            Client(service(templates(**{"errors/404": text})), headers=BROWSER).get("/nowhere")

    def test_a_page_that_a_mapping_names_wrongly(self) -> None:
        options = TemplatesOptions(error_pages={404: "mising.html"})
        with pytest.raises(Exception, match="RW292 .*'mising.html' does not exist .* Did you mean missing"):
            Client(service(templates(options, missing="own")), headers=BROWSER).get("/nowhere")

    def test_a_wrong_page_for_500(self) -> None:
        response = client_of(service(templates(**{"errors/500": "{{ romo }}"}))).get("/fail")
        assert (response.status, "<title>500 Internal Server Error</title>" in response.text) == (500, True)
