"""The example with users who log in."""

import pytest

from members import app, throttle
from ropewalk.testing import Client

BROWSER = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate"}


@pytest.fixture(autouse=True)
def _no_attempts() -> None:
    throttle._store.clear()  # type: ignore[attr-defined] # the store in memory


def test_a_login() -> None:
    client = Client(app, secure=True, headers={"sec-fetch-site": "same-origin"})
    client.post("/login", data={"name": "ada", "password": "rope"})
    assert "Welcome, ada." in client.get("/").text
    client.advance(2 * 3600)
    assert client.get("/").status == 401


def test_the_login_page() -> None:
    client = Client(app, secure=True, headers=BROWSER, follow_redirects=True)
    form = client.get("/")
    assert form.url.endswith("/login?next=/")
    assert 'name="csrf_token"' in form.text


def test_a_wrong_password() -> None:
    client = Client(app, secure=True, headers=BROWSER)
    response = client.post("/login", data={"name": "ada", "password": "robe"})
    assert "The name or the password is wrong." in response.text
    assert client.get("/").status == 302


def test_a_remembered_browser() -> None:
    client = Client(app, secure=True, headers=BROWSER)
    client.post("/login", data={"name": "ada", "password": "rope", "remember": "on"})
    client.advance(20 * 24 * 3600)
    assert "<h1>ada</h1>" in client.get("/").text
    assert client.post("/logout-everywhere").status == 303
    assert client.get("/").status == 302


def test_over_http_on_localhost() -> None:
    client = Client(app, headers=BROWSER)
    client.post("/login", data={"name": "ada", "password": "rope"})
    assert client.cookies["session"]
    client.post("/logout")
    assert "session" not in client.cookies


def test_another_site() -> None:
    client = Client(app, secure=True, headers={"origin": "https://evil.example"})
    assert client.post("/login", data={"name": "ada", "password": "rope"}).status == 403
