"""The functions that templates can call."""

from pathlib import Path

import pytest
from tests.unit.templating.sites import site, templates

from ropewalk import App, Request, Response, sessions
from ropewalk.errors import HandlerError, TreeError
from ropewalk.middleware import SecurityHeadersOptions, security_headers
from ropewalk.static_files import Static
from ropewalk.templating import TemplateError, TemplatesOptions, render
from ropewalk.testing import Client

MACROS = "{% macro link(name) %}<a href='{{ url_for('page', name=name) }}'>{{ name }}</a>{% endmacro %}"


class TestURLFor:
    def test_it_makes_the_path_of_a_route(self) -> None:
        assert site(templates(page="{{ url_for('page', name='a b&c') }}")).get("/page").text == "/a%20b&amp;c"

    def test_routes_of_a_mounted_app_come_first(self) -> None:
        outer, inner = App(templates=templates(page="{{ url_for('page') }}")), App()
        for each in (outer, inner):

            @each.get("/page")
            def page(request: Request) -> Response:
                del request
                return render("page.html")

        outer.mount("/in", inner)
        assert Client(outer).get("/in/page").text == "/in/page"

    def test_an_unknown_route(self) -> None:
        with pytest.raises(TreeError, match=r"RW107 .*In url_for\('paeg'\): no route has this name. Did you mean page"):
            site(templates(page="{{ url_for('paeg') }}")).get("/page")

    @pytest.mark.parametrize("asynchronous", [False, True])
    @pytest.mark.parametrize(
        "page",
        [
            "{% from 'macros.html' import link %}{{ link('x') }}",
            "{% import 'macros.html' as macros %}{{ macros.link('x') }}",
            "{% include 'included.html' %}",
            "{% extends 'base.html' %}{% block b %}{% from 'macros.html' import link %}{{ link('x') }}{% endblock %}",
        ],
    )
    def test_in_macros_of_other_templates(self, page: str, asynchronous: bool) -> None:
        """A macro of another template can call `url_for`, although it has no `request` in its context."""
        given = templates(
            TemplatesOptions(enable_async=asynchronous),
            page=page,
            macros=MACROS,
            included="{% from 'macros.html' import link %}{{ link('x') }}",
            base="{% block b %}{% endblock %}",
        )
        assert site(given).get("/page").text == "<a href='/x'>x</a>"


class TestStaticURL:
    def app(self, folder: Path, page: str) -> App:
        (folder / "css").mkdir()
        (folder / "css" / "site.css").write_text("body {}")
        app = App(templates=templates(page=page))
        app.mount("/static", Static(folder))

        @app.get("/")
        def index(request: Request) -> Response:
            del request
            return render("page.html")

        return app

    def test_the_url_has_a_hash_and_works(self, tmp_path: Path) -> None:
        client = Client(self.app(tmp_path, "{{ static_url('css/site.css') }}"))
        url = client.get("/").text
        assert url.startswith("/static/css/site.")
        response = client.get(url)
        assert (response.text, response.headers["cache-control"]) == ("body {}", "public, max-age=31536000, immutable")

    def test_a_missing_file(self, tmp_path: Path) -> None:
        client = Client(self.app(tmp_path, "{{ static_url('css/stie.css') }}"))
        with pytest.raises(TemplateError, match=r"RW295 .*static_url\('css/stie.css'\).* Did you mean css/site.css\?"):
            client.get("/")

    @pytest.mark.parametrize("name", [".hidden.css", ".git/hooks.js", "link.css"])
    def test_a_file_that_is_not_served_is_not_suggested(self, tmp_path: Path, name: str) -> None:
        app = self.app(tmp_path, f"{{{{ static_url('{name}') }}}}")
        (tmp_path / ".git").mkdir()
        (tmp_path / ".git" / "hooks.js").touch()
        (tmp_path / ".hidden.css").touch()
        (tmp_path / "link.css").symlink_to("css/site.css")
        with pytest.raises(TemplateError, match=r"there is no such file in .* Add the file, or correct its name\."):
            Client(app).get("/")

    def test_an_app_without_static_files(self) -> None:
        with pytest.raises(TemplateError, match="RW295 .* but the app has no Static resource. Write `app.mount"):
            site(templates(page="{{ static_url('a.css') }}")).get("/page")

    def test_static_files_that_are_mounted_later(self, tmp_path: Path) -> None:
        (tmp_path / "a.css").write_text("a")
        given = templates(page="{{ static_url('a.css') }}")
        client = site(given)
        with pytest.raises(TemplateError, match="RW295"):
            client.get("/page")
        inner = App()
        inner.mount("/b c", Static(tmp_path))
        client.app.mount("/in", inner)
        assert client.get("/page").text.startswith("/in/b%20c/a.")


class TestNonce:
    def test_it_is_that_of_the_policy(self) -> None:
        client = site(
            templates(page="{{ csp_nonce() }}"), middleware=[security_headers(SecurityHeadersOptions.for_sites())]
        )
        response = client.get("/page")
        assert f"'nonce-{response.text}'" in response.headers["content-security-policy"]

    def test_without_the_middleware(self) -> None:
        with pytest.raises(TemplateError, match=r"RW295 .*csp_nonce\(\).*SecurityHeadersOptions.for_sites\(\)"):
            site(templates(page="{{ csp_nonce() }}")).get("/page")


class TestSessions:
    @pytest.fixture(autouse=True)
    def values(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sessions, "csrf_token", lambda request: f"<{request.path}>")
        monkeypatch.setattr(sessions, "flashes", lambda request: [("info", f"Saved {request.path}.")])

    def test_the_field_for_forms(self) -> None:
        client = site(templates(page="{{ csrf_field() }} {{ csrf_token() }}"))
        expected = '<input type="hidden" name="csrf_token" value="&lt;/page&gt;"> &lt;/page&gt;'
        assert client.get("/page").text == expected

    def test_flashes(self) -> None:
        client = site(templates(page="{% for kind, text in flashes() %}{{ kind }}: {{ text }}{% endfor %}"))
        assert client.get("/page").text == "info: Saved /page."


@pytest.mark.parametrize("function", ["csrf_field", "csrf_token", "flashes"])
def test_without_the_middleware_for_sessions(function: str) -> None:
    with pytest.raises(HandlerError, match="RW250 .*has no session"):
        site(templates(page=f"{{{{ {function}() }}}}")).get("/page")
