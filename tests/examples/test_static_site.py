"""The static site, served by its program and by the command line, and read in a browser."""

from pathlib import Path

import httpx
import pytest
from tests.browser import chromium, rendered
from tests.processes import ropewalk

from ropewalk.testing import Client
from static_site.serve import PUBLIC, app

client = Client(app)


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/knots/", "text/html; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/length.js", "text/javascript; charset=utf-8"),
        ("/rope.svg", "image/svg+xml"),
    ],
)
def test_files_and_their_types(path: str, content_type: str) -> None:
    response = client.get(path)
    assert response.status == 200
    assert response.headers["content-type"] == content_type
    file = PUBLIC / path[1:] / "index.html" if path.endswith("/") else PUBLIC / path[1:]
    assert response.body == file.read_bytes()


def test_a_page_of_its_own_for_what_is_not_there() -> None:
    response = client.get("/nowhere")
    assert response.status == 404
    assert "Loose end" in response.text


def test_nothing_outside_is_served() -> None:
    for path in ("/../serve.py", "/%2e%2e/serve.py", "/..%2fserve.py", "/knots/../../serve.py"):
        assert client.get(path).status in (400, 404)


@pytest.mark.slow
def test_by_the_command_line() -> None:
    with ropewalk("static", PUBLIC) as server:
        assert httpx.get(f"{server.url}/").content == (PUBLIC / "index.html").read_bytes()
        assert httpx.get(f"{server.url}/nowhere").status_code == 404


@pytest.mark.slow
@pytest.mark.skipif(chromium is None, reason="there is no Chromium here")
def test_in_a_browser(tmp_path: Path) -> None:
    with ropewalk("static", PUBLIC) as server:
        page = rendered(f"{server.url}/", tmp_path)
    assert '<output id="hall" for="rope">330 m</output>' in page
