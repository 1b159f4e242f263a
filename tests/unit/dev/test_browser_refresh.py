"""Which responses get the script, and the events that it gets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ropewalk import App, Files, Request, Response
from ropewalk.dev.browser_refresh import BrowserRefresh
from ropewalk.dev.editor_links import EditorLinks
from ropewalk.dev.error_pages import ErrorPages
from ropewalk.dev.serving import develop
from ropewalk.middleware import SecurityHeadersOptions, security_headers
from ropewalk.testing import Client

PAGE = "<!doctype html><title>T</title><body><p>Hi</p></body></html>"
NAVIGATION = {"sec-fetch-dest": "document"}


@pytest.fixture
def refresh() -> BrowserRefresh:
    return BrowserRefresh()


def client_of(refresh: BrowserRefresh, body: Any, **options: Any) -> Client:
    app = App(**options)
    app.route("/", methods=["GET", "POST"])(lambda: body() if callable(body) else body)
    develop(app, ErrorPages(EditorLinks("none")), refresh)
    return Client(app)


def tag(refresh: BrowserRefresh) -> str:
    return f'<script src="/_ropewalk/refresh.js?worker={refresh.worker}"></script>\n'


def parts() -> Iterator[str]:
    yield "<!doctype html><p>"
    yield "Hi"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (Response.html(PAGE), PAGE.replace("</body>", "TAG</body>")),
        (Response(PAGE.encode(), content_type="text/html"), PAGE.replace("</body>", "TAG</body>")),
        (Response("<HTML>é", content_type="text/html; charset=latin-1"), "<HTML>éTAG"),
        (lambda: Response(parts(), content_type="text/html"), "<!doctype html><p>HiTAG"),
        (Response.html("<html></body></html><!-- </body> -->\n"), "<html>TAG</body></html><!-- </body> -->\n"),
        (Response.html("<html><script>f('</body>')</script>"), "<html><script>f('</body>')</script>TAG"),
        (Response.html("<html></body><script>f('</body>')</script>"), "<html></body><script>f('</body>')</script>TAG"),
    ],
)
def test_pages(refresh: BrowserRefresh, body: Any, expected: str) -> None:
    with client_of(refresh, body) as client:
        response = client.get("/", headers=NAVIGATION)
        assert response.text == expected.replace("TAG", tag(refresh))
        assert response.headers["cache-control"] == "no-store"


def test_a_cached_page_would_have_the_script_of_a_former_worker(refresh: BrowserRefresh) -> None:
    fields = {"etag": '"1"', "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT", "cache-control": "max-age=9"}
    with client_of(refresh, lambda: Response(PAGE, headers=fields, content_type="text/html")) as client:
        response = client.get("/")
        assert "etag" not in response.headers
        assert "last-modified" not in response.headers
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"a": 1}, NAVIGATION),
        ("<!doctype html>", NAVIGATION),  # plain text
        (Response.html("<li>a fragment</li>"), {"sec-fetch-dest": "empty"}),
        (Response.html("<li>a fragment</li>"), {}),
        (Response(PAGE.encode(), headers={"content-encoding": "br"}, content_type="text/html"), NAVIGATION),
        (Response(None, 304), NAVIGATION),
        (Response(PAGE.encode("utf-16-le"), content_type="text/html; charset=UTF-16LE"), NAVIGATION),
        (Response(PAGE.encode("utf-16"), content_type="text/html"), NAVIGATION),
    ],
)
def test_other_responses_are_unchanged(refresh: BrowserRefresh, body: Any, headers: dict[str, str]) -> None:
    with client_of(refresh, body) as client:
        assert b"_ropewalk" not in client.get("/", headers=headers).body


def test_a_page_in_response_to_a_form_is_not_loaded_again(refresh: BrowserRefresh) -> None:
    with client_of(refresh, Response.html(PAGE)) as client:
        assert "_ropewalk" not in client.post("/").text


def test_the_script_has_the_nonce_of_the_page(refresh: BrowserRefresh) -> None:
    middleware = [security_headers(SecurityHeadersOptions.for_sites())]
    with client_of(refresh, Response.html(PAGE), middleware=middleware) as client:
        response = client.get("/")
        policy = response.headers["content-security-policy"]
        nonce = policy.partition("'nonce-")[2].partition("'")[0]
        assert f' nonce="{nonce}"></script>' in response.text


@pytest.mark.parametrize(
    ("policies", "nonce"),
    [
        (["style-src 'nonce-a'; script-src 'self' 'nonce-b'"], "b"),
        (["default-src 'nonce-a'; style-src 'nonce-b'"], "a"),
        (["script-src 'nonce-a'; script-src-elem 'nonce-b'; script-src-elem 'nonce-c'"], "b"),
        (["img-src *", "SCRIPT-SRC\t'nonce-a'"], "a"),
        (["img-src *, script-src 'nonce-a'"], "a"),
        (["style-src 'nonce-a'"], None),
        (["script-src 'self'; default-src 'nonce-a'"], None),
    ],
)
def test_the_nonce_is_that_of_scripts(refresh: BrowserRefresh, policies: list[str], nonce: str | None) -> None:
    headers = [("content-security-policy", each) for each in policies]
    with client_of(refresh, Response(PAGE, headers=headers, content_type="text/html")) as client:
        found = client.get("/").text
        assert (f'nonce="{nonce}"' if nonce else "refresh.js") in found
        assert ("nonce=" in found) == bool(nonce)


def test_long_ends_of_pages_take_linear_time(refresh: BrowserRefresh) -> None:
    for end in (b"</body>" * 100_000, b"</body>" + b"<!---->" * 100_000 + b"x", b"</body>" + b"<!--" * 100_000):
        with client_of(refresh, Response(b"<html>" + end, content_type="text/html")) as client:
            assert "_ropewalk" in client.get("/").text


@pytest.mark.parametrize("body", [b"<!-- line -->\n" * 10_000 + b"<div>", b"<!--" * 10_000, b" \n" * 10_000])
def test_long_beginnings_take_linear_time(refresh: BrowserRefresh, body: bytes) -> None:
    with client_of(refresh, Response(body, content_type="text/html")) as client:
        assert client.get("/").body == body


def test_a_page_after_comments(refresh: BrowserRefresh) -> None:
    body = b"\n<!-- a --> <!-- b > -->\n<!DOCTYPE html><p>Rooms"
    with client_of(refresh, Response(body, content_type="text/html")) as client:
        assert "_ropewalk" in client.get("/").text


def test_a_page_in_a_file(refresh: BrowserRefresh, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    app = App()
    app.mount("/", Files(tmp_path))
    develop(app, ErrorPages(EditorLinks("none")), refresh)
    with Client(app) as client:
        assert tag(refresh) in client.get("/index.html").text


def test_the_script_itself(refresh: BrowserRefresh) -> None:
    with client_of(refresh, "x") as client:
        response = client.get("/_ropewalk/refresh.js?worker=1")
        assert response.headers["content-type"] == "text/javascript; charset=utf-8"
        assert "EventSource" in response.text
        # if a page has the script twice, the second one returns before it opens a connection
        assert response.text.index("return;") < response.text.index("EventSource")


def test_events(refresh: BrowserRefresh) -> None:
    with client_of(refresh, "x") as client, client.stream("GET", "/_ropewalk/events") as response:
        events = response.events()
        assert next(events).data == refresh.worker
        refresh.notify("styles")
        assert next(events).event == "styles"
        refresh.notify("page")
        assert next(events).event == "page"


def test_the_request_is_not_read(refresh: BrowserRefresh) -> None:
    app = App()

    @app.post("/")
    async def echo(request: Request) -> bytes:
        return await request.body()

    develop(app, ErrorPages(EditorLinks("none")), refresh)
    with Client(app) as client:
        assert client.post("/", body=b"abc").body == b"abc"
