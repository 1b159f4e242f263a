"""The error pages, and who gets them."""

import re
from pathlib import Path
from typing import Any

import pytest

from ropewalk import App, HTTPError, Request, Response
from ropewalk.dev.browser_refresh import BrowserRefresh
from ropewalk.dev.editor_links import EditorLinks
from ropewalk.dev.error_pages import ErrorPages
from ropewalk.dev.problem import Problem
from ropewalk.dev.serving import broken_app, develop
from ropewalk.errors import StartError
from ropewalk.middleware import Next, SecurityHeadersOptions, security_headers
from ropewalk.templating import Templates, render
from ropewalk.testing import Client, ClientResponse

LOCAL = ("127.0.0.1", 40000)
HTML = {"accept": "text/html"}


def client_of(app: App, editor: str = "vscode", **options: Any) -> Client:
    develop(app, ErrorPages(EditorLinks(editor)), None)
    given: dict[str, Any] = {"raise_errors": False, "address": LOCAL} | options
    return Client(app, **given)


def failing_app(**options: Any) -> App:
    app = App(**options)

    @app.get("/fail/{name}")
    def fail(request: Request, name: str) -> str:
        password, rows = "hunter2", ["<b>"]
        try:
            raise KeyError("<script>")
        except KeyError as error:
            raise ExceptionGroup(
                f"{name} {len(password)} {len(rows)}", [ValueError("one"), TypeError("two")]
            ) from error

    return app


def page_of(app: App, path: str = "/fail/Ada", **options: Any) -> ClientResponse:
    with client_of(app, **options) as client:
        return client.get(path, headers=HTML)


def test_the_page_of_an_exception() -> None:
    response = page_of(failing_app())
    assert response.status == 500
    text = response.text
    assert re.findall(r"<h[12]>([\w.]+)</h[12]>", text)[:4] == ["ExceptionGroup", "ValueError", "TypeError", "KeyError"]
    assert "This exception was the direct cause of the one above." in text
    assert "vscode://file/" in text
    assert "&#x27;&lt;b&gt;&#x27;" in text  # a variable
    assert "/fail/{name}" in text  # the route
    assert "<script>&" not in text
    assert "&lt;script&gt;" in text


def test_the_watchdog_is_paused_while_a_page_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watchdog is paused while an error page is made. Otherwise, it would report the handler for the time that the
    page takes."""
    paused: list[bool] = []

    class Watched:
        is_paused = False
        has_reported = False

    app, watchdog = App(), Watched()

    @app.get("/")
    def fail(request: Request) -> str:
        request.service.watchdog = watchdog
        raise LookupError("no room")

    made = ErrorPages.problem

    def problem(self: ErrorPages, error: BaseException, title: str, handler: Any = None) -> Problem:
        paused.append(watchdog.is_paused)
        return made(self, error, title, handler)

    monkeypatch.setattr(ErrorPages, "problem", problem)
    with client_of(app) as client:
        assert client.get("/", headers=HTML).status == 500
    assert (paused, watchdog.is_paused) == ([True], False)


@pytest.mark.parametrize(
    ("fields", "is_shown"),
    [
        ({}, True),
        ({"x-forwarded-for": "127.0.0.1"}, True),
        ({"x-forwarded-for": "::1, 127.0.0.1"}, True),
        ({"x-forwarded-for": "203.0.113.7"}, False),
        ({"x-forwarded-for": "127.0.0.1, 203.0.113.7"}, False),
        ({"x-forwarded-for": "127.0.0.1.example"}, False),
        ({"forwarded": "for=203.0.113.7"}, False),
    ],
)
def test_a_tunnel_does_not_get_the_page(fields: dict[str, str], *, is_shown: bool) -> None:
    with client_of(failing_app()) as client:
        text = client.get("/fail/Ada", headers=HTML | fields).text
    assert ("ExceptionGroup" in text) == is_shown


def test_secrets_are_hidden() -> None:
    app = App()

    @app.get("/")
    def fail(request: Request) -> str:
        api_token = "very-secret-1"
        settings = {"password": "very-secret-2", "url": "postgres://me:very-secret-3@host/db"}
        raise LookupError(f"{len(api_token)} {len(settings)}")

    with client_of(app) as client:
        headers = HTML | {"authorization": "Bearer very-secret-4", "cookie": "a=very-secret-5"}
        text = client.get("/?token=very-secret-6&x=1", headers=headers).text
    source, _, rest = text.partition('<section class="text">')
    shown = re.sub(r'<pre class="source">.*?</pre>', "", source, flags=re.DOTALL) + rest
    assert "very-secret" not in shown
    assert "(hidden)" in shown


def test_a_repr_that_raises_and_one_that_is_long() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    app = App()

    @app.get("/")
    def fail(request: Request) -> str:
        broken, long = Broken(), list(range(10**5))
        raise LookupError(f"{type(broken)} {len(long)}")

    text = page_of(app, "/").text
    assert "whose repr raised RuntimeError" in text
    assert "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ...]" in text


def test_an_exception_whose_str_raises() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    app = App()

    @app.get("/")
    def fail(request: Request) -> str:
        raise Broken

    assert "whose str raised RuntimeError" in page_of(app, "/").text


def test_notes_that_raise() -> None:
    class NotedError(Exception):
        @property
        def __notes__(self) -> list[str]:  # type: ignore[override] # it is what the test is about
            raise LookupError

    app = App()

    @app.get("/")
    def fail() -> str:
        raise NotedError("bad")

    text = page_of(app, "/").text
    assert '<p class="message">bad</p>' in text
    assert "The notes cannot be read: builtins.LookupError" in text


@pytest.mark.parametrize("accept", ["text/html", "text/plain", "application/json"])
def test_text_that_is_not_unicode(accept: str) -> None:
    """An error may contain such text, for example the name of a file that is not UTF-8."""
    app = App()

    @app.get("/")
    def fail() -> str:
        name = "a\udc80"
        error = FileNotFoundError(2, "No such file", name)
        error.add_note(name)
        raise error

    with client_of(app) as client:
        response = client.get("/", headers={"accept": accept})
    assert response.status == 500
    assert "No such file" in response.text
    assert "FileNotFoundError" in response.text


def test_a_deep_recursion() -> None:
    app = App()

    @app.get("/")
    def fail(request: Request) -> str:
        return fail(request)

    text = page_of(app, "/").text
    assert "RecursionError" in text
    assert "frames in the middle are left out" in text


def test_errors_of_middleware() -> None:
    async def broken(request: Request, next: Next) -> Response:
        await next(request)
        raise LookupError("in middleware")

    app = App(middleware=[broken])

    @app.get("/")
    def hello() -> str:
        return "Hello"

    assert "in middleware" in page_of(app, "/").text


def test_the_page_comes_before_the_apps_own_page_for_500() -> None:
    app = failing_app()

    @app.error(500)
    def own(request: Request, error: Exception) -> str:
        return "own"

    assert "ExceptionGroup" in page_of(app).text


def test_an_expected_exception_is_not_shown() -> None:
    app = failing_app()

    @app.error(ExceptionGroup)
    def own(request: Request, error: Exception) -> Response:
        return Response("own", 409)

    assert page_of(app).text == "own"


@pytest.mark.parametrize(
    ("accept", "kind", "part"),
    [
        ("application/json", "application/problem+json", '"traceback":['),
        ("text/plain", "text/plain; charset=utf-8", "Traceback (most recent call last)"),
        ("*/*", "application/problem+json", '"detail":"GET /fail/Ada failed"'),
    ],
)
def test_other_clients_get_json_or_text(accept: str, kind: str, part: str) -> None:
    with client_of(failing_app()) as client:
        response = client.get("/fail/Ada", headers={"accept": accept})
    assert (response.status, response.headers["content-type"]) == (500, kind)
    assert part in response.text


@pytest.mark.parametrize(
    "options",
    [
        {"address": ("192.0.2.1", 40000)},
        {"base_url": "http://evil.example"},
        {"address": ("127.0.0.2", 1), "base_url": "http://x"},
    ],
)
def test_others_do_not_see_the_page(options: dict[str, Any]) -> None:
    for path in ("/fail/Ada", "/none"):
        text = page_of(failing_app(), path, **options).text
        assert "frame" not in text
        assert "hunter2" not in text
        assert "/fail/{name}" not in text


def test_the_page_has_its_own_content_security_policy() -> None:
    app = failing_app(middleware=[security_headers(SecurityHeadersOptions.for_sites())])
    for path in ("/fail/Ada", "/none"):
        response = page_of(app, path) if path == "/none" else page_of(failing_app(middleware=app.middlewares), path)
        (nonce,) = set(re.findall(r'nonce="([^"]+)"', response.text))
        assert f"style-src 'nonce-{nonce}'" in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"


def test_an_unknown_path_shows_the_routes_the_nearest_first() -> None:
    app = App()
    for path in ("/rooms/{id}", "/guests", "/about"):
        app.get(path)(lambda: "")
    response = page_of(app, "/guest<s>")
    assert response.status == 404
    assert "No route matches GET /guest&lt;s&gt;." in response.text
    found = re.findall(r"<td><code>(/[^<]*)</code></td>", response.text)
    assert found[0] == "/guests"
    assert sorted(found) == ["/about", "/guests", "/rooms/{id}"]


def test_a_404_of_a_handler_has_the_usual_page() -> None:
    app = App()

    @app.get("/rooms/{id}")
    def room(id: int) -> str:
        raise HTTPError(404, "There is no such room.")

    assert "The routes" not in page_of(app, "/rooms/1").text


def test_the_apps_own_page_for_404_is_kept() -> None:
    app = App()
    app.error(404)(lambda request, error: Response("own", 404))
    assert page_of(app, "/none").text == "own"


def test_the_form_that_was_read_is_shown() -> None:
    app = App()

    @app.post("/")
    async def book(request: Request) -> str:
        form = await request.form()
        raise LookupError(form["name"])

    with client_of(app) as client:
        text = client.post("/", data={"name": "Ada", "password": "hunter2"}, headers=HTML).text
    assert "<th>name</th><td><code>Ada</code></td>" in text
    assert "<th>password</th><td><code>(hidden)</code></td>" in text


def test_a_template_shows_its_file_and_line(tmp_path: Path) -> None:
    from ropewalk.templating import Templates, render

    (tmp_path / "page.html").write_text("<p>\n{{ 1 // 0 }}\n", encoding="utf-8")
    app = App(templates=Templates(tmp_path))
    app.get("/")(lambda: render("page.html"))
    text = page_of(app, "/").text
    assert "ZeroDivisionError" in text
    assert f"vscode://file{tmp_path}/page.html:2" in text.replace("file//", "file/")
    assert "{{ 1 // 0 }}" in text


def test_a_program_that_does_not_start() -> None:
    app = broken_app(Problem.of_text("It <failed>", "at line 3"), BrowserRefresh())
    with Client(app, address=LOCAL) as client:
        for method, path in (("GET", "/"), ("POST", "/any/path")):
            response = client.request(method, path, headers=HTML)
            assert response.status == 500
            assert "It &lt;failed&gt;" in response.text
        assert "/_ropewalk/refresh.js" in client.get("/", headers=HTML | {"sec-fetch-dest": "document"}).text
        assert client.get("/", headers={"accept": "application/json"}).json()["traceback"] == ["at line 3"]
    with Client(broken_app(Problem.of_text("t", "secret"), None), address=("192.0.2.1", 1)) as client:
        response = client.get("/", headers=HTML)
        assert (response.status, "secret" in response.text) == (500, False)


def test_a_syntax_error_shows_its_line(tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text("a = 1\nb = (\n", encoding="utf-8")
    with pytest.raises(SyntaxError) as raised:
        compile(file.read_text(encoding="utf-8"), str(file), "exec")
    problem = ErrorPages(EditorLinks("none")).problem(raised.value, "broken.py cannot be imported")
    assert '<span class="line current"><i>2</i>b = <mark>(</mark></span>' in problem.html
    assert Problem.from_json(problem.as_json()) == problem


@pytest.mark.parametrize(
    ("editor", "link"),
    [
        ("vscode", "vscode://file//a%20b/c.py:3"),
        ("idea", "idea://open?file=/a%20b/c.py&line=3"),
        ("mine://{path}#{line}", "mine:///a%20b/c.py#3"),
        ("none", None),
    ],
)
def test_links(editor: str, link: str | None) -> None:
    assert EditorLinks(editor).to("/a b/c.py", 3) == link
    assert EditorLinks(editor).to("<string>", 3) is None


@pytest.mark.parametrize("editor", ["vscod", "javascript://{path}", "{path}"])
def test_editors_that_do_not_exist(editor: str) -> None:
    names = "vscode, vscodium, cursor, zed, pycharm, idea, sublime, none"
    with pytest.raises(StartError, match=rf"RW310 .* The names are {names}\."):
        EditorLinks(editor)


def test_every_text_is_escaped() -> None:
    app = App()

    @app.post("/{part}")
    async def fail(request: Request, part: str) -> str:
        await request.form()
        local = "<img1>"
        error = LookupError(f"<img2> {local}")
        error.add_note("<img3>")
        raise error

    with client_of(app, editor="mine://{path}?<img4>&l={line}") as client:
        headers = HTML | {
            "x-field": "<img5>",
            "cookie": "<img6>=1",
            "content-type": "application/x-www-form-urlencoded",
        }
        text = client.post("/%3Cimg7%3E?<img8>=<img9>", body=b"<img10>=<img11>", headers=headers).text
    source = re.sub(r'<pre class="source">.*?</pre>', "", text, flags=re.DOTALL)
    assert "<img" not in text
    assert {each for each in range(1, 12) if f"img{each}&gt;" in source} >= {1, 2, 3, 4, 5, 7, 8, 9, 10, 11}


class TestTemplates:
    """The page for an error in a template shows the template first, then the handler, without Ropewalk's own frames."""

    @staticmethod
    def page(tmp_path: Path, **templates: str) -> str:
        for name, text in templates.items():
            (tmp_path / f"{name}.html").write_text(text)
        app = App(templates=Templates(tmp_path))

        @app.get("/")
        def show(request: Request) -> Response:
            return render("page.html", rooms=[7])

        return page_of(app, "/").text

    @staticmethod
    def first(text: str) -> str:
        """The section of the first exception."""
        return text.partition("</section>")[0]

    def test_an_undefined_name(self, tmp_path: Path) -> None:
        text = self.page(tmp_path, page="<p>\n{% for room in rooms %}{{ room }} {{ rom }}{% endfor %}\n")
        section = self.first(text)
        places = re.findall(r"<summary><code>(.*?)</code> <a href=\"vscode://file(.*?)\"", section)
        assert [(name, Path(place).name.partition(":")[0]) for name, place in places] == [
            ("top-level template code", "page.html"),
            ("TestTemplates.page.&lt;locals&gt;.show", "test_error_pages.py"),
        ]
        assert places[0][1].endswith("page.html:2")
        assert re.findall("<mark>(.*?)</mark>", section) == ["rom"]
        assert "<th>rooms</th>" in section
        assert "<th>lipsum</th>" not in text
        assert "rendering.py" not in section

    def test_the_lines_of_several_templates(self, tmp_path: Path) -> None:
        base = "<html>{% block body %}{% endblock %}"
        page = '{% extends "base.html" %}{% block body %}\n{{ rom }}{% endblock %}'
        text = self.page(tmp_path, base=base, page=page)
        assert "page.html:2" in self.first(text)
        lines = re.findall(r'<span class="line current">(.*?)</span>', text)
        assert "<i>2</i>{{ <mark>rom</mark> }}{% endblock %}" in lines
        extends = [line for line in lines if "extends" in line]
        assert len(extends) == 1
        assert "<mark>" not in extends[0]  # Jinja's columns are those of its generated code, so they mark nothing

    @pytest.mark.parametrize("template", ["<p>\n{{ room }\n", "<p>\n{% include 'no.html' %}"])
    def test_templates_that_cannot_be_used(self, tmp_path: Path, template: str) -> None:
        section = self.first(self.page(tmp_path, page=template))
        assert "page.html:2" in section
        files = re.findall(r"<a href=\"[^\"]*/([\w.]+):\d+\"", section)
        assert files == ["page.html", "test_error_pages.py"]
        assert "rendering.py" not in section

    def test_no_template(self, tmp_path: Path) -> None:
        section = self.first(self.page(tmp_path))
        assert section.count('<details class="frame"') == 1
        assert "show</code>" in section


def test_the_handler_of_a_value_that_cannot_be_sent() -> None:
    app = App()

    @app.get("/")
    def show() -> object:
        return object()

    section = page_of(app, "/").text.partition("</section>")[0]
    assert section.count('<details class="frame"') == 1
    assert "show</code>" in section
