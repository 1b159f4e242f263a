"""Objects that are HTML as return values: those with `__html__`, and elements of twisted.web.template."""

import subprocess
import sys
from typing import Any

import pytest
from markupsafe import Markup
from msgspec import Struct
from twisted.internet.defer import succeed
from twisted.web.template import Element, Tag, XMLString, renderer, tags

from ropewalk import App, HTTPError, OpenAPI, Request, Response
from ropewalk.errors import WrongReturn
from ropewalk.middleware.chain import Next
from ropewalk.templating import TemplateResponse
from ropewalk.testing import Client

HTML = "text/html; charset=utf-8"


class Heading:
    """An object like those of htpy."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __html__(self) -> str:
        return f"<h1>{self.text}</h1>"


class Greeting(Element):
    loader = XMLString(
        '<html xmlns:t="http://twistedmatrix.com/ns/twisted.web.template/0.1"><p t:render="name"/></html>'
    )

    @renderer
    def name(self, request: Request, tag: Tag) -> Any:
        return succeed(tag(request.query["name"]))


async def pass_on(request: Request, next: Next) -> Response:
    return await next(request)


VALUES: dict[str, tuple[Any, str]] = {
    "htpy": (Heading("Zoë"), "<h1>Zoë</h1>"),
    "markup": (Markup("<b>1</b>"), "<b>1</b>"),
    "tag": (tags.p("a < b"), "<p>a &lt; b</p>"),
    "page of tags": (tags.html(tags.p("a")), "<!DOCTYPE html>\n<html><p>a</p></html>"),
    "element": (Greeting(), "<!DOCTYPE html>\n<html><p>Ada</p></html>"),
}


@pytest.mark.parametrize("middleware", [[], [pass_on]], ids=["alone", "in middleware"])
@pytest.mark.parametrize("kind", ["plain", "async", "deferred"])
@pytest.mark.parametrize("name", VALUES)
def test_they_are_sent_as_html(name: str, kind: str, middleware: Any) -> None:
    value, text = VALUES[name]
    app = App(middleware=middleware)

    async def asynchronous(request: Request) -> Any:
        del request
        return value

    handlers: dict[str, Any] = {
        "plain": lambda request: value,
        "async": asynchronous,
        "deferred": lambda request: succeed(value),
    }
    app.get("/")(handlers[kind])
    response = Client(app).get("/?name=Ada")
    assert (response.status, response.headers["content-type"], response.text) == (200, HTML, text)


class TestAnnotations:
    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            (Markup, Markup("<p>a</p>")),
            (Tag, tags.p("a")),
            (Element, tags.p("a")),
            (Heading, Heading("a")),
            (TemplateResponse, None),
        ],
    )
    def test_they_are_described_as_html(self, kind: Any, value: Any) -> None:
        app = App(openapi=OpenAPI("Pages", "1", ui=None))

        def page() -> Any:
            return value

        page.__annotations__["return"] = kind
        app.get("/")(page)
        client = Client(app)
        if value is not None:
            assert client.get("/").headers["content-type"] == HTML
        described = client.get("/openapi.json").json()["paths"]["/"]["get"]["responses"]["200"]
        assert described["content"] == {"text/html": {"schema": {"type": "string"}}}

    def test_a_response_is_not(self) -> None:
        app = App(openapi=OpenAPI("Pages", "1", ui=None))

        @app.get("/")
        def page() -> Response:
            return Response.html("<p>")

        described = Client(app).get("/openapi.json").json()["paths"]["/"]["get"]["responses"]["200"]
        assert "content" not in described


class TestErrorHandlers:
    @pytest.mark.parametrize("value", [Heading("missing"), tags.h1("missing")])
    def test_the_status_is_that_of_the_error(self, value: Any) -> None:
        app = App()

        @app.error(404)
        def missing(request: Request, error: HTTPError) -> Any:
            del request, error
            return value

        response = Client(app).get("/")
        assert (response.status, response.text) == (404, "<h1>missing</h1>")


class TestOtherValues:
    def test_structs_and_dicts_stay_json(self) -> None:
        class Room(Struct):
            number: str

            def __html__(self) -> str:
                return "<b>"

        class Rooms(dict[str, int]):
            def __html__(self) -> str:
                return "<b>"

        app = App()
        app.get("/struct")(lambda request: Room("12"))
        app.get("/dict")(lambda request: Rooms(a=1))
        client = Client(app)
        assert (client.get("/struct").json(), client.get("/dict").json()) == ({"number": "12"}, {"a": 1})

    def test_an_object_whose_html_fails(self) -> None:
        class Broken:
            def __html__(self) -> str:
                raise ValueError("broken")

        app = App()
        app.get("/")(lambda request: Broken())
        assert Client(app, raise_errors=False).get("/").status == 500
        with pytest.raises(ValueError, match="broken"):
            Client(app).get("/")

    def test_an_element_that_fails(self) -> None:
        class Broken(Element):
            loader = Greeting.loader

        app = App()
        app.get("/")(lambda request: Broken())
        assert Client(app, raise_errors=False).get("/").status == 500

    def test_a_class_is_no_page(self) -> None:
        app = App()
        app.get("/")(lambda request: Heading)
        with pytest.raises(WrongReturn, match="RW201"):
            Client(app).get("/")


def test_twisted_web_is_not_imported() -> None:
    program = """
import sys
from ropewalk import App
from ropewalk.testing import Client
app = App()
app.get("/")(lambda request: type("Page", (), {"__html__": lambda self: "<p>"})())
app.get("/other")(lambda request: object())
client = Client(app, raise_errors=False)
print(client.get("/").text, client.get("/other").status, "twisted.web.template" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "<p> 500 False\n"
