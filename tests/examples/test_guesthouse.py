"""The pages of the guesthouse."""

import re

from guesthouse.serve import app
from ropewalk.templating import Templates
from ropewalk.testing import Client

client = Client(app, headers={"Accept": "text/html"})


def test_the_rooms_link_to_their_pages() -> None:
    page = client.get("/").text
    assert "95.00 €" in page
    for path in re.findall(r'<li><a href="([^"]+)">', page):
        assert client.get(path).status == 200
    assert page.count("<li>") == 2


def test_htmx_gets_only_the_rows() -> None:
    rows = client.get("/?most=80", headers={"HX-Request": "true"}).text
    assert (rows.count("<li>"), "<html" in rows) == (1, False)
    assert "No room is that cheap." in client.get("/?most=1", headers={"HX-Request": "true"}).text


def test_the_style_is_kept_by_browsers() -> None:
    (url,) = re.findall(r'<link rel="stylesheet" href="([^"]+)">', client.get("/").text)
    assert "immutable" in client.get(url).headers["cache-control"]


def test_the_script_has_the_nonce_of_the_policy() -> None:
    response = client.get("/rooms/attic")
    (nonce,) = re.findall(r'<script nonce="([^"]+)">', response.text)
    assert f"'nonce-{nonce}'" in response.headers["content-security-policy"]


def test_missing_rooms_and_pages() -> None:
    for path, text in (("/rooms/cellar", "There is no room cellar."), ("/nowhere", "There is no such page.")):
        response = client.get(path)
        assert (response.status, f"<p>{text}</p>" in response.text) == (404, True)
        assert "<h1>Not Found</h1>" in response.text


def test_all_templates_compile() -> None:
    assert isinstance(app.templates, Templates)
    app.templates.check()
