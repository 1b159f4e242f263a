"""`render` as the return value of handlers, and `Templates.render`."""

from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader
from tests.unit.templating.sites import site, templates
from twisted.internet.defer import Deferred, succeed

from ropewalk import App, HTTPError, Request, Response
from ropewalk.middleware import conditional
from ropewalk.middleware.chain import Next
from ropewalk.templating import TemplateError, TemplateResponse, Templates, TemplatesOptions, render
from ropewalk.testing import Client

HTML = "text/html; charset=utf-8"


async def pass_on(request: Request, next: Next) -> Response:
    return await next(request)


def kinds_of_handlers(app: App) -> None:
    @app.get("/plain")
    def plain(request: Request) -> TemplateResponse:
        del request
        return render("page.html", name="<Ada>")

    @app.get("/async")
    async def asynchronous(request: Request) -> TemplateResponse:
        del request
        return render("page.html", name="<Ada>")

    @app.get("/deferred")
    def deferred(request: Request) -> "Deferred[TemplateResponse]":
        del request
        return succeed(render("page.html", name="<Ada>"))

    @app.get("/typed")
    def typed(name: str = "<Ada>") -> Response:
        return render("page.html", name=name)

    @app.get("/now")
    def now(request: Request) -> Response:
        assert isinstance(app.templates, Templates)
        return app.templates.render(request, "page.html", name="<Ada>")


class TestHandlers:
    @pytest.mark.parametrize("middleware", [[], [pass_on], [conditional()]], ids=["none", "one", "conditional"])
    @pytest.mark.parametrize("path", ["/plain", "/async", "/deferred", "/typed", "/now"])
    def test_every_kind_of_handler_returns_a_page(self, path: str, middleware: Any) -> None:
        app = App(templates=templates(page="<p>{{ name }}</p>"), middleware=middleware)
        kinds_of_handlers(app)
        response = Client(app).get(path)
        assert (response.status, response.headers["content-type"]) == (200, HTML)
        assert response.text == "<p>&lt;Ada&gt;</p>"
        assert response.headers["content-length"] == str(len(response.body))

    def test_a_head_request(self) -> None:
        client = site(templates(page="<p>x</p>"))
        response = client.head("/page")
        assert (response.body, response.headers["content-length"]) == (b"", "8")

    def test_status_fields_and_cookies(self) -> None:
        app = App(templates=templates(page="gone"))

        @app.get("/")
        def gone(request: Request) -> Response:
            del request
            response = render("page.html", status=410, headers={"X-One": "1"})
            response.headers["x-two"] = "2"
            response.set_cookie("seen", "1")
            return response

        response = Client(app).get("/")
        assert (response.status, response.headers["x-one"], response.headers["x-two"]) == (410, "1", "2")
        assert response.headers["content-type"] == HTML
        assert response.cookies["seen"] == "1"

    def test_middleware_sees_the_page(self) -> None:
        seen = []

        async def look(request: Request, next: Next) -> Response:
            response = await next(request)
            seen.append(response.body)
            response.headers["x-length"] = str(len(response.body))
            return response

        response = site(templates(page="{{ name }}"), middleware=[look]).get("/page?name=Ada")
        assert (seen, response.headers["x-length"]) == (["Ada"], "3")

    def test_fields_set_by_twisted_names(self) -> None:
        app = App(templates=templates(page="x"))

        @app.get("/")
        def prepared(request: Request) -> Response:
            request.setResponseCode(202)
            request.setHeader("x-one", "1")
            return render("page.html")

        response = Client(app).get("/")
        assert (response.status, response.headers["x-one"], response.text) == (202, "1", "x")

    def test_a_response_may_be_returned_twice(self) -> None:
        shared = render("page.html", fragment="part")
        app = App(templates=templates(page="whole {% block part %}part{% endblock %}"))

        @app.get("/")
        def again(request: Request) -> Response:
            del request
            return shared

        client = Client(app)
        assert client.get("/", headers={"HX-Request": "true"}).text == "part"
        response = client.get("/")
        assert response.text == "whole part"
        assert response.headers["vary"] == "HX-Request, HX-Boosted, HX-History-Restore-Request"


class TestNames:
    def test_request_is_always_there(self) -> None:
        assert site(templates(page="{{ request.path }}")).get("/page").text == "/page"

    def test_names_that_are_parameters_too(self) -> None:
        app = App(templates=templates(page="{{ status }} {{ block }} {{ name }}"))

        @app.get("/")
        def index(request: Request) -> Response:
            del request
            return render("page.html", context={"status": "free", "block": "B"}, name="12")

        assert Client(app).get("/").text == "free B 12"

    def test_the_context_function(self) -> None:
        options = TemplatesOptions(context=lambda request: {"agent": request.header("user-agent"), "name": "none"})
        client = site(templates(options, page="{{ agent }} {{ name }}"))
        assert client.get("/page?name=Ada", headers={"User-Agent": "test"}).text == "test Ada"
        assert client.get("/page", headers={"User-Agent": "test"}).text == "test none"

    def test_filters_tests_and_globals(self) -> None:
        options = TemplatesOptions(
            filters={"euros": lambda cents: f"{cents / 100:.2f} €"},
            tests={"large": lambda number: number > 10},
            globals={"year": 2027},
        )
        client = site(templates(options, page="{{ 9550|euros }} {{ 11 is large }} {{ year }}"))
        assert client.get("/page").text == "95.50 € True 2027"

    def test_extensions(self) -> None:
        options = TemplatesOptions(extensions=("jinja2.ext.do",))
        client = site(templates(options, page="{% set found = [] %}{% do found.append(1) %}{{ found }}"))
        assert client.get("/page").text == "[1]"


class TestEscaping:
    @pytest.mark.parametrize(
        ("name", "text", "kind"),
        [
            ("page.html", "&lt;", HTML),
            ("page.html.j2", "&lt;", HTML),
            ("page", "&lt;", HTML),
            ("feed.xml", "&lt;", "text/xml; charset=utf-8"),
            ("icon.svg", "&lt;", "image/svg+xml"),
            ("mail.txt", "<", "text/plain; charset=utf-8"),
            ("mail.txt.jinja", "<", "text/plain; charset=utf-8"),
            ("table.csv", "<", "text/csv; charset=utf-8"),
        ],
    )
    def test_the_name_decides(self, name: str, text: str, kind: str) -> None:
        app = App(templates=Templates(DictLoader({name: "{{ sign }}"})))

        @app.get("/")
        def index(request: Request) -> Response:
            del request
            return render(name, sign="<")

        response = Client(app).get("/")
        assert (response.text, response.headers["content-type"]) == (text, kind)

    def test_a_given_content_type(self) -> None:
        app = App(templates=templates(page="x"))

        @app.get("/")
        def index(request: Request) -> Response:
            del request
            return render("page.html", headers={"Content-Type": "application/xhtml+xml"})

        assert Client(app).get("/").headers["content-type"] == "application/xhtml+xml"

    def test_text_from_strings_is_escaped(self) -> None:
        given = templates(page="")
        assert given.environment.from_string("{{ sign }}").render(sign="<") == "&lt;"


class TestNearest:
    def test_a_mounted_app_uses_its_own_templates(self) -> None:
        app, own, without = App(templates=templates(page="outer")), App(templates=templates(page="inner")), App()
        for each in (app, own, without):

            @each.get("/page")
            def page(request: Request) -> Response:
                del request
                return render("page.html")

        app.mount("/own", own)
        app.mount("/without", without)
        client = Client(app)
        assert [client.get(f"{path}/page").text for path in ("", "/own", "/without")] == ["outer", "inner", "outer"]

    def test_templates_can_be_set_later(self) -> None:
        outer, inner = App(), App()

        @inner.get("/page")
        def page(request: Request) -> Response:
            del request
            return render("page.html")

        outer.mount("/in", inner)
        client = Client(outer)
        outer.templates = templates(page="outer")
        assert client.get("/in/page").text == "outer"
        inner.templates = templates(page="inner")
        assert client.get("/in/page").text == "inner"
        inner.templates = None
        assert client.get("/in/page").text == "outer"

    def test_an_app_without_templates(self) -> None:
        app = App()

        @app.get("/")
        def index(request: Request) -> Response:
            del request
            return render("page.html")

        with pytest.raises(TemplateError, match=r"RW291 .*render\('page.html'\): no app around the handler has"):
            Client(app).get("/")


class TestErrorHandlers:
    def test_a_page_keeps_the_status_of_the_error(self) -> None:
        app = App(templates=templates(page="{{ text }}"))

        @app.error(404)
        def missing(request: Request, error: HTTPError) -> Response:
            del request
            return render("page.html", text=error.detail)

        @app.error(403)
        def hidden(request: Request, error: HTTPError) -> Response:
            del request, error
            return render("page.html", status=404, text="hidden")

        @app.get("/secret")
        def secret(request: Request) -> None:
            del request
            raise HTTPError(403)

        client = Client(app)
        response = client.get("/nowhere")
        assert (response.status, response.text) == (404, "Not Found")
        response = client.get("/secret")
        assert (response.status, response.text) == (404, "hidden")


class TestText:
    def test_without_a_request(self) -> None:
        given = Templates(DictLoader({"mail.txt": "Dear {{ name }}"}))
        assert given.text("mail.txt", name="<Ada>") == "Dear <Ada>"

    def test_inside_of_a_page(self) -> None:
        """If a page renders another template as text, the page still has its own request afterwards."""
        pages = {"page.html": "{{ mail() }} {{ url_for('index') }}", "mail.txt": "mail"}
        given = Templates(DictLoader(pages))
        app = App(templates=given)

        @app.get("/here")
        def index(request: Request) -> Response:
            del request
            return render("page.html", mail=lambda: given.text("mail.txt"))

        assert Client(app).get("/here").text == "mail /here"

    def test_functions_that_need_the_request(self) -> None:
        given = Templates(DictLoader({"mail.txt": "{{ url_for('page', name='x') }}"}))
        with pytest.raises(TemplateError, match=r"RW295 The template calls url_for\(\), but it is rendered without a"):
            given.text("mail.txt")
        app = App()

        @app.get("/{name}", name="page")
        def page(request: Request, name: str) -> str:
            del name
            return given.text("mail.txt", request=request)

        assert Client(app).get("/y").text == "/x"


class TestReload:
    @pytest.mark.parametrize(
        ("debug", "options", "text"),
        [
            (False, TemplatesOptions(), "old"),
            (True, TemplatesOptions(), "new"),
            (False, TemplatesOptions(reload=True), "new"),
            (True, TemplatesOptions(reload=False), "old"),
        ],
    )
    def test_a_changed_template(self, tmp_path: Path, debug: bool, options: TemplatesOptions, text: str) -> None:
        page = tmp_path / "page.html"
        page.write_text("old")
        client = site(Templates(tmp_path, options), debug=debug)
        assert client.get("/page").text == "old"
        page.write_text("new")
        import os

        os.utime(page, (1, 1))
        assert client.get("/page").text == text


class TestFolders:
    def test_several_folders_are_searched_in_order(self, tmp_path: Path) -> None:
        for folder, names in (("one", ["a"]), ("two", ["a", "b"])):
            (tmp_path / folder).mkdir()
            for name in names:
                (tmp_path / folder / f"{name}.html").write_text(f"{name} of {folder}")
        client = site(Templates([tmp_path / "one", str(tmp_path / "two")]))
        assert (client.get("/a").text, client.get("/b").text) == ("a of one", "b of two")

    def test_a_name_cannot_lead_out_of_the_folder(self, tmp_path: Path) -> None:
        (tmp_path / "secret.html").write_text("secret")
        (tmp_path / "in").mkdir()
        with pytest.raises(TemplateError, match="RW292"):
            Templates(tmp_path / "in").text("../secret.html")
