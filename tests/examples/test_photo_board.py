"""The photo board from the side of browsers, as the guide shows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from photo_board.serve import app, attempts
from ropewalk.templating import Templates
from ropewalk.testing import Client

BROWSER = {"accept": "text/html", "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate"}
PNG = b"\x89PNG\r\n\x1a\n and so on"
ADA = {"name": "ada", "password": "rope"}


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A browser in front of an empty board."""
    monkeypatch.setenv("PHOTO_BOARD_DATA", str(tmp_path))
    attempts.clear()
    with Client(app, secure=True, headers=BROWSER, follow_redirects=True) as client:
        yield client


@pytest.fixture
def ada(client: Client) -> Client:
    """A browser in which ada is logged in."""
    assert "Welcome, ada." in client.post("/login", data=ADA).text
    return client


def test_a_photo(ada: Client) -> None:
    page = ada.post("/add", data={"caption": "<Rope>"}, files={"photo": ("rope.png", PNG)})
    assert "Your photo is on the board." in page.text
    assert "&lt;Rope&gt;, by ada" in page.text
    photo = ada.get("/photos/1")
    assert (photo.headers["content-type"], photo.body) == ("image/png", PNG)


def test_what_is_wrong_is_shown_in_the_form(ada: Client, tmp_path: Path) -> None:
    page = ada.post("/add", data={"caption": "Rope"}, files={"photo": ("rope.png", b"<svg>", "image/png")})
    assert page.status == 422
    assert "Choose a photo in JPEG or PNG." in page.text
    assert 'value="Rope"' in page.text
    assert not [*tmp_path.glob("*.png")]


def test_a_form_without_a_photo(ada: Client) -> None:
    page = ada.post("/add", data={"caption": ""}, files={"photo": ("", b"")})
    assert (page.status, page.text.count('class="wrong"')) == (422, 2)


def test_the_login_leads_back(client: Client) -> None:
    page = client.get("/add")
    assert page.url.endswith("/login?next=/add")
    assert "<h1>Add a photo</h1>" in client.post("/login?next=/add", data=ADA).text


def test_a_wrong_password(client: Client) -> None:
    page = client.post("/login", data=ADA | {"password": "robe"})
    assert (page.status, "The name or the password is wrong." in page.text) == (422, True)


def test_error_pages(client: Client) -> None:
    assert "<p>This photo does not exist.</p>" in client.get("/photos/7").text


def test_a_form_after_the_logout(client: Client) -> None:
    page = client.post("/add", data={"caption": "Rope"}, headers={"referer": "https://localhost/add"})
    assert page.url.endswith("/login?next=/add")


def test_a_form_of_another_site(ada: Client) -> None:
    assert ada.post("/logout", headers={"sec-fetch-site": "cross-site"}).status == 403
    assert "Log out ada" in ada.get("/").text


def test_all_templates_compile() -> None:
    assert isinstance(app.templates, Templates)
    app.templates.check()
