"""A login at a provider, as the guide shows it."""

from collections.abc import Iterator
from pathlib import Path
from runpy import run_path

import httpx
import pytest
from tests.processes import ropewalk
from tests.unit.auth.oauth.provider import CALLBACK, CLIENT_SECRET, Provider, providing

from ropewalk.testing import Client

EXAMPLE = Path(__file__).parents[2] / "examples" / "openid_login.py"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    provider = Provider()
    with providing(provider):
        monkeypatch.setenv("ISSUER", provider.issuer)
        monkeypatch.setenv("CLIENT_SECRET", CLIENT_SECRET)
        monkeypatch.setenv("REDIRECT_URI", CALLBACK)
        yield provider


def test_a_login(provider: Provider) -> None:
    browser = Client(run_path(str(EXAMPLE))["app"], base_url="https://hotel.example", headers={"Accept": "text/html"})
    assert "Log in" in browser.get("/").text
    assert browser.get("/bookings", headers={"Accept": "application/json"}).status == 401
    to_login = browser.get("/bookings").headers["location"]
    assert to_login == "/auth/login?next=/bookings"
    done = browser.get(provider.log_in(browser.get(to_login).headers["location"]))
    assert browser.get(done.headers["location"]).text == "The bookings of Ada"
    assert browser.get("/rooms").status == 403
    assert "Log out" in browser.get("/").text
    assert browser.post("/auth/logout").status == 303
    assert "Log in" in browser.get("/").text


def test_over_a_connection(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """The login also works over plain HTTP on localhost. There, the cookies have no prefix in their names and are not
    Secure, so that clients send them over HTTP."""
    provider.callback = "http://localhost:8080/auth/callback"
    monkeypatch.setenv("REDIRECT_URI", provider.callback)
    with (
        ropewalk("run", str(EXAMPLE), "--access-log", "off") as server,
        httpx.Client(base_url=server.url, timeout=20, trust_env=False, headers={"Accept": "text/html"}) as browser,
    ):
        to_login = browser.get("/bookings").headers["location"]
        back = provider.log_in(browser.get(to_login).headers["location"])
        assert set(browser.cookies) == {"login-pending"}
        assert browser.get(back).headers["location"] == "/bookings"
        assert set(browser.cookies) == {"login"}
        assert browser.get("/bookings").text == "The bookings of Ada"
        assert browser.post("/auth/logout").status_code == 303
        assert set(browser.cookies) == set()


def test_a_clerk(provider: Provider) -> None:
    provider.user = {"roles": ["clerk"]}
    browser = Client(run_path(str(EXAMPLE))["app"], base_url="https://hotel.example")
    browser.get(provider.log_in(browser.get("/auth/login").headers["location"]))
    assert browser.get("/rooms").json() == ["12a", "12b"]
    assert browser.get("/bookings").text == "The bookings of ada"
