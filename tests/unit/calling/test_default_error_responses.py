"""The responses to errors without an error handler: problem details (RFC 9457), a page of HTML, or plain text."""

import json
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from tests.problems import problem
from tests.unit.conftest import Log

from ropewalk import App, FieldError, HTTPError, InvalidInput, Request, Resource, Response
from ropewalk.errors import HandlerError
from ropewalk.middleware import Next
from ropewalk.testing import Client, ClientResponse

PROBLEM, HTML, TEXT = "application/problem+json", "text/html; charset=utf-8", "text/plain; charset=utf-8"
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


async def passing(request: Request, next: Next) -> Response:
    return await next(request)


def raising(error: Exception) -> Any:
    def handler(request: Request) -> Any:
        raise error

    return handler


def ask(
    error: Exception, accept: str | None = None, *, method: str = "GET", middleware: bool = False, **options: Any
) -> ClientResponse:
    app = App(middleware=[passing] if middleware else [], **options)
    app.get("/")(raising(error))
    return Client(app, raise_errors=False).request(method, "/", headers={} if accept is None else {"accept": accept})


@pytest.mark.parametrize("middleware", [False, True])
@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, PROBLEM),
        ("*/*", PROBLEM),
        ("application/json", PROBLEM),
        ("application/problem+json", PROBLEM),
        ("application/json, text/plain, */*", PROBLEM),
        ("application/*", PROBLEM),
        ("image/png", PROBLEM),
        ("application/problem+json;q=0, application/json", PROBLEM),
        (FIREFOX, HTML),
        ("text/html;q=0.5, application/json;q=0.4", HTML),
        ("text/html;q=0.4, application/json;q=0.5", PROBLEM),
        ("text/plain", TEXT),
        ("text/plain, */*;q=0.1", TEXT),
    ],
)
def test_what_the_client_prefers(accept: str | None, kind: str, middleware: bool) -> None:
    response = ask(HTTPError(404, "No such guest."), accept, middleware=middleware)
    assert (response.status, response.headers["content-type"], response.headers["vary"]) == (404, kind, "Accept")
    if kind == PROBLEM:
        assert response.text == problem(404, "No such guest.")
    elif kind == TEXT:
        assert response.text == "No such guest.\n"
    else:
        assert "<h1>404 Not Found</h1>\n<p>No such guest.</p>" in response.text


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/nowhere", "GET", 404), ("/", "PUT", 405), ("/%ff", "GET", 400)],
)
def test_of_the_app_itself(path: str, method: str, status: int) -> None:
    app = App()
    app.get("/")(lambda request: "")
    client = Client(app)
    response = client.request(method, path)
    assert (response.status, response.json()["status"], response.headers["content-type"]) == (status, status, PROBLEM)
    page = client.request(method, path, headers={"accept": FIREFOX})
    assert (page.status, page.headers["content-type"]) == (status, HTML)
    assert page.headers.get("allow") == response.headers.get("allow")


@dataclass
class Detail:
    code: str
    left: int


class Structure(msgspec.Struct):
    code: str
    left: int


@pytest.mark.parametrize(
    ("detail", "members"),
    [
        ({"code": "full", "left": 0}, {"detail": "Conflict", "code": "full", "left": 0}),
        (Detail("full", 0), {"detail": "Conflict", "code": "full", "left": 0}),
        (Structure("full", 0), {"detail": "Conflict", "code": "full", "left": 0}),
        (
            {"detail": "Full.", "type": "/full", "title": "No room"},
            {"detail": "Full.", "type": "/full", "title": "No room"},
        ),
        ({"status": 200, "instance": "/a"}, {"detail": "Conflict", "instance": "/a"}),
        (["a", {"b": 1}], {"detail": "Conflict", "errors": ["a", {"b": 1}]}),
        ("", {"detail": ""}),
    ],
)
def test_the_members_of_a_detail(detail: Any, members: dict[str, Any]) -> None:
    wanted = {"type": "about:blank", "title": "Conflict", "status": 409} | members
    assert ask(HTTPError(409, detail)).json() == wanted
    for accept in (FIREFOX, "text/plain"):
        response = ask(HTTPError(409, detail), accept)
        assert response.status == 409
        for name in members.keys() - {"type", "title", "detail"}:
            assert name in response.text


def test_escaping() -> None:
    class Reader(HTMLParser):
        tags: list[str] = []

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            self.tags.append(tag)

    text = "<script>alert('\"')</script>&amp;{title}"
    response = ask(HTTPError(400, {"detail": text, "title": f"{text}!", "more": text}), FIREFOX)
    reader = Reader()
    reader.feed(response.text)
    assert reader.tags == ["html", "head", "meta", "meta", "title", "body", "h1", "p", "pre"]
    assert "<p>&lt;script&gt;alert(&#x27;&quot;&#x27;)&lt;/script&gt;&amp;amp;{title}</p>" in response.text


@pytest.mark.parametrize("accept", [None, FIREFOX, "text/plain"])
def test_head_has_the_fields_of_get(accept: str | None) -> None:
    get, head = (ask(HTTPError(404, "Gone fishing."), accept, method=method) for method in ("GET", "HEAD"))
    assert (head.status, head.body) == (404, b"")
    for name in ("content-type", "content-length", "vary"):
        assert head.headers[name] == get.headers[name]
    assert get.headers["content-length"] == str(len(get.body))


@pytest.mark.parametrize(
    ("given", "vary"),
    [
        ("Cookie", "Cookie, Accept"),
        ("*", "*"),
        ("accept", "accept"),
        ("Origin, ACCEPT", "Origin, ACCEPT"),
        ("", "Accept"),
    ],
)
def test_vary_is_added_to(given: str, vary: str) -> None:
    assert ask(HTTPError(403, headers={"vary": given})).headers["vary"] == vary


def test_a_type_of_the_programs_own_is_kept() -> None:
    response = ask(HTTPError(418, "<teapot/>", {"content-type": "application/xml"}), FIREFOX)
    assert (response.headers["content-type"], response.text) == ("application/xml", "<teapot/>")
    assert "vary" not in response.headers


def test_a_detail_of_another_type_is_a_body() -> None:
    response = ask(HTTPError(418, b"\x00"), FIREFOX)
    assert (response.headers["content-type"], response.body) == ("application/octet-stream", b"\x00")


@pytest.mark.parametrize("middleware", [False, True])
def test_a_detail_with_its_length_is_the_body(middleware: bool) -> None:
    response = ask(HTTPError(404, "xx", {"content-length": "2"}), middleware=middleware)
    assert (response.status, response.text) == (404, "xx")


@pytest.mark.parametrize("middleware", [False, True])
@pytest.mark.parametrize("detail", [{"x": object()}, [object()], object(), 5])
def test_a_detail_that_cannot_be_sent(detail: Any, middleware: bool, log: Log) -> None:
    response = ask(HTTPError(404, detail), middleware=middleware)
    assert (response.status, response.text) == (500, problem(500))
    assert len(log) == 1


class TestInvalidInput:
    error = InvalidInput([FieldError(location="query", name="limit", code="type", message="Expected `int`.")])

    def test_problem_details(self) -> None:
        response = ask(self.error)
        assert (response.status, response.headers["content-type"]) == (422, PROBLEM)
        assert response.json()["errors"][0]["name"] == "limit"

    def test_a_page(self) -> None:
        response = ask(self.error, FIREFOX)
        assert (response.status, response.headers["content-type"]) == (422, HTML)
        assert "<p>1 value is invalid.</p>" in response.text
        assert "&quot;name&quot;: &quot;limit&quot;" in response.text

    def test_text(self) -> None:
        response = ask(self.error, "text/plain")
        first, _, members = response.text.partition("\n")
        assert (response.headers["content-type"], first) == (TEXT, "1 value is invalid.")
        assert json.loads(members)["errors"][0]["name"] == "limit"


class TestDebug:
    @pytest.mark.parametrize("middleware", [False, True])
    @pytest.mark.parametrize(("accept", "kind"), [(None, PROBLEM), (FIREFOX, HTML), ("text/plain", TEXT)])
    def test_the_traceback(self, accept: str | None, kind: str, middleware: bool, log: Log) -> None:
        response = ask(LookupError("<lost>"), accept, middleware=middleware, debug=True)
        assert (response.status, response.headers["content-type"]) == (500, kind)
        if kind == HTML:
            assert "LookupError: &lt;lost&gt;\n</pre>" in response.text
        elif kind == TEXT:
            assert response.text.endswith("LookupError: <lost>\n")
        else:
            assert response.json()["traceback"][-1] == "LookupError: <lost>"

    def test_none_without_debug(self, log: Log) -> None:
        for accept in (None, FIREFOX, "text/plain"):
            assert "lost" not in ask(LookupError("lost"), accept).text

    def test_none_for_an_error_of_the_client(self) -> None:
        assert ask(HTTPError(404), debug=True).text == problem(404)

    def test_as_text(self, log: Log) -> None:
        response = ask(LookupError("lost"), debug=True, error_format="text")
        assert (response.headers["content-type"], response.text.endswith("LookupError: lost\n")) == (TEXT, True)


class TestFormats:
    @pytest.mark.parametrize("accept", [None, FIREFOX, "application/json"])
    def test_text(self, accept: str | None) -> None:
        response = ask(HTTPError(404), accept, error_format="text")
        assert (response.headers["content-type"], response.text) == (TEXT, "Not Found\n")
        response = ask(HTTPError(404, "none"), accept, error_format="text")
        assert (response.text, "vary" in response.headers) == ("none", False)
        response = ask(HTTPError(404, {"code": 1}), accept, error_format="text")
        assert (response.headers["content-type"], response.json()) == ("application/json", {"code": 1})

    @pytest.mark.parametrize("accept", [None, FIREFOX, "text/plain"])
    def test_problem(self, accept: str | None) -> None:
        response = ask(HTTPError(404), accept, error_format="problem")
        assert (response.headers["content-type"], response.text) == (PROBLEM, problem(404))
        assert "vary" not in response.headers

    def test_one_that_does_not_exist(self) -> None:
        with pytest.raises(
            HandlerError, match=r"RW271 error_format is 'html' \(.*\)\. Give one of 'negotiated', 'problem', 'text', or"
        ):
            App(error_format="html")  # type: ignore[arg-type] # the mistake

    @pytest.mark.parametrize("middleware", [False, True])
    def test_a_mounted_app_does_as_the_app_around_it(self, middleware: bool, log: Log) -> None:
        app, inner = App(error_format="text"), App(middleware=[passing] if middleware else [])
        inner.get("/lost")(raising(LookupError("lost")))
        app.mount("/inner", inner)
        assert Client(app, raise_errors=False).get("/inner/none").text == "Not Found\n"
        assert Client(app, raise_errors=False).get("/inner/lost").text == "Internal Server Error\n"

    @pytest.mark.parametrize("middleware", [False, True])
    def test_a_mounted_app_of_its_own_format(self, middleware: bool, log: Log) -> None:
        app, inner = App(middleware=[passing] if middleware else []), App(error_format="text")
        inner.get("/lost")(raising(LookupError("lost")))
        inner.get("/http")(raising(HTTPError(409, "taken")))
        app.mount("/inner", inner)
        client = Client(app, raise_errors=False)
        assert client.get("/none").text == problem(404)
        assert client.get("/inner/none").text == "Not Found\n"
        assert client.get("/inner/http").text == "taken"
        assert client.get("/inner/lost").text == "Internal Server Error\n"


def test_a_tree_of_resources_has_plain_text() -> None:
    root = Resource()
    root.putChild("a", Resource())
    response = Client(root).get("/b", headers={"accept": FIREFOX})
    assert (response.status, response.headers["content-type"], response.text) == (404, TEXT, "Not Found\n")


def test_an_error_handler_comes_first() -> None:
    app = App()
    app.error(404)(lambda request, error: {"error": error.detail})
    response = Client(app).get("/", headers={"accept": FIREFOX})
    assert (response.status, response.headers["content-type"]) == (404, "application/json")
    assert "vary" not in response.headers


def test_the_accept_field_in_several_lines() -> None:
    response = Client(App()).get("/", headers=[("accept", "text/html"), ("accept", "application/json;q=0.1")])
    assert response.headers["content-type"] == HTML


@dataclass
class Missing:
    name: str


@pytest.mark.parametrize("accept", ["application/json", "text/html", "text/plain", None])
@pytest.mark.parametrize(
    "detail",
    [
        "no a\ud800é",
        {"detail": "no a\ud800é"},
        {"more": [{"a\ud800é": 1}]},
        ["no a\ud800é"],
        Missing("a\ud800é"),
    ],
)
def test_a_lone_surrogate_in_a_detail_is_escaped(detail: Any, accept: str | None, log: Log) -> None:
    response = ask(HTTPError(400, detail), accept)
    assert response.status == 400
    assert "a\\ud800é" in response.text.replace("\\\\", "\\")
    assert log.text == ""


def test_a_lone_surrogate_in_a_traceback_is_escaped(log: Log) -> None:
    def handler() -> None:
        raise LookupError("a\ud800é")

    app = App(debug=True)
    app.get("/")(handler)
    for accept in ("application/json", "text/html", "text/plain"):
        response = Client(app, raise_errors=False).get("/", headers={"accept": accept})
        assert response.status == 500
        assert "a\\ud800é" in response.text.replace("\\\\", "\\")
    assert log.text.count("RW208") == 3
