"""The changes that `ropewalk dev` makes to the served app."""

import os
from importlib.util import cache_from_source
from pathlib import Path
from py_compile import compile as compile_file

from ropewalk import App, Request
from ropewalk.calling import DeveloperPages
from ropewalk.dev.changes import forget_bytecode
from ropewalk.dev.editor_links import EditorLinks
from ropewalk.dev.error_pages import ErrorPages
from ropewalk.dev.serving import develop
from ropewalk.sessions import SessionsOptions, sessions
from ropewalk.stores import MemorySessions
from ropewalk.templating import Templates, TemplatesOptions, render
from ropewalk.testing import Client


def app_with_sessions() -> App:
    app = App(middleware=[sessions(SessionsOptions(store=MemorySessions()))])

    @app.get("/")
    def visit(request: Request) -> str:
        request.session["visited"] = True
        return "Hello"

    return app


def test_sessions_work_over_http_on_localhost() -> None:
    app = app_with_sessions()
    develop(app, ErrorPages(EditorLinks("none")), None)
    with Client(app) as client:
        cookie = client.get("/").headers["set-cookie"]
        assert cookie.startswith("session=")
        assert "secure" not in cookie.lower()


def test_other_hosts_keep_secure_cookies() -> None:
    app = app_with_sessions()
    develop(app, ErrorPages(EditorLinks("none")), None)
    for base in ("http://example.com", "https://localhost"):
        with Client(app, base_url=base) as client:
            cookie = client.get("/").headers["set-cookie"]
            assert cookie.startswith("__Host-session=")
            assert "secure" in cookie.lower()


def test_without_the_development_server_cookies_are_secure() -> None:
    with Client(app_with_sessions()) as client:
        assert client.get("/").headers["set-cookie"].startswith("__Host-session=")


def test_templates_are_read_again(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("one", encoding="utf-8")
    for reload, second in ((None, "another"), (False, "one")):
        app = App(templates=Templates(tmp_path, TemplatesOptions(reload=reload)))
        app.get("/")(lambda: render("page.html"))
        app.developer = DeveloperPages()
        (tmp_path / "page.html").write_text("one", encoding="utf-8")
        with Client(app) as client:
            assert client.get("/").text == "one"
            (tmp_path / "page.html").write_text("another", encoding="utf-8")
            later = (tmp_path / "page.html").stat().st_mtime + 10
            os.utime(tmp_path / "page.html", (later, later))
            assert client.get("/").text == second


def test_bytecode_of_changed_files_is_removed(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("x = 1\n", encoding="utf-8")
    compile_file(str(source))
    cached = Path(cache_from_source(str(source)))
    assert cached.exists()
    forget_bytecode([str(source), str(tmp_path / "b.py"), str(tmp_path / "c.html")])
    assert not cached.exists()
