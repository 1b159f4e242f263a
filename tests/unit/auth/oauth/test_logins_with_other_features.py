"""Logins with stores, mounts, classes of routes, and other middleware."""

from typing import Annotated, Any

import pytest
from tests.unit.auth.oauth.conftest import Site
from tests.unit.auth.oauth.provider import Provider
from tests.unit.conftest import Log

from ropewalk import App, OpenAPI, Request, Response, Routes
from ropewalk.auth import APIKey, Login, Principal, TokenPrincipal, authenticate, requires
from ropewalk.middleware import (
    CORSOptions,
    IdempotencyOptions,
    RateLimit,
    RateLimitOptions,
    cors,
    idempotency,
    rate_limit,
)
from ropewalk.routing import get
from ropewalk.testing import Client


class Sessions:
    """A store of logins on the server."""

    def __init__(self) -> None:
        self.kept: dict[str, Login] = {}

    async def save(self, request: Request, response: Response, login: Login) -> None:
        self.kept["s1"] = login
        response.set_cookie("session", "s1")

    async def load(self, request: Request) -> Login | None:
        return self.kept.get(request.cookies.get("session", ""))

    async def forget(self, request: Request, response: Response) -> None:
        self.kept.pop(request.cookies.get("session", ""), None)
        response.delete_cookie("session")

    def description(self) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": "session"}


def test_a_store(provider: Provider) -> None:
    sessions = Sessions()
    provider.user = {"name": "A" * 5000}
    site = Site(provider, store=sessions)
    assert "__Host-login=" not in " ".join(site.log_in().headers.all("set-cookie"))
    assert site.user() == "ada"
    site.ahead = 28801
    assert site.user() == "None"
    site.ahead = 0
    assert site.user() == "ada"
    site.browser.post("/auth/logout")
    assert sessions.kept == {}
    assert site.user() == "None"
    assert site.login.openapi()["name"] == "session"


def test_mounts_routes_and_typed_principals(site: Site) -> None:
    class Rooms(Routes):
        @get("")
        @requires()
        def list_rooms(self, user: Annotated[TokenPrincipal, Principal()]) -> str:
            return f"rooms of {user.subject}"

    office = App(middleware=[requires(role="clerk")])
    office.get("/")(lambda request: "office")
    site.app.mount("/sea", Rooms())
    site.app.mount("/office", office)
    assert site.browser.get("/sea").status == 401
    page = site.browser.get("/office", headers={"Accept": "text/html"})
    assert (page.status, page.headers["location"]) == (302, "/auth/login?next=/office")
    site.log_in()
    assert site.browser.get("/sea").text == "rooms of ada"
    assert site.browser.get("/office").status == 403
    assert site.browser.get("/office", headers={"Accept": "text/html"}).status == 403


def test_a_whole_site_in_a_mount(site: Site) -> None:
    """The redirect_uri has the prefix of the mount, so the paths to which browsers are redirected have it, too."""
    root = App()
    root.mount("/", site.app)
    browser = Client(root, base_url="https://hotel.example")
    assert browser.get("/rooms", headers={"Accept": "text/html"}).headers["location"] == "/auth/login?next=/rooms"
    assert site.log_in(browser=browser).status == 303
    assert browser.get("/rooms").text == "rooms"


def test_a_login_behind_itself(site: Site, log: Log) -> None:
    """A login that protects its own paths would redirect for ever."""
    app = App(middleware=[site.login.redirect_to_login, authenticate(site.login)])
    app.mount("/auth", site.login.routes)
    browser = Client(app, base_url="https://hotel.example", headers={"Accept": "text/html"}, raise_errors=False)
    assert browser.get("/rooms").status == 302
    assert browser.get("/auth/login").status == 500
    assert "authenticate(login, optional=True)" in log.text


def test_beside_another_scheme(site: Site) -> None:
    app = App(middleware=[authenticate(site.login, APIKey("X-Key", check=lambda key: "printer"))])
    app.get("/")(lambda request: str(request.state.authentication.scheme.name))
    browser = Client(app, base_url="https://hotel.example")
    assert browser.get("/", headers={"X-Key": "k"}).text == "api_key"
    assert browser.get("/").headers["www-authenticate"].startswith('Cookie realm="app"')
    site.log_in()
    cookie = {"Cookie": f"__Host-login={site.browser.cookies['__Host-login']}"}
    assert browser.get("/", headers=cookie).text == "login"


@pytest.mark.parametrize("form", ["problem", "text"])
def test_the_form_of_errors(site: Site, form: Any) -> None:
    app = App(error_format=form)
    app.mount("/auth", site.login.routes)
    browser = Client(app, base_url="https://hotel.example")
    response = browser.get("/auth/callback?state=x&code=y", headers={"Accept": "application/json, text/plain;q=0.5"})
    assert response.status == 400
    assert response.headers["content-type"].startswith(
        "application/problem+json" if form == "problem" else "text/plain"
    )
    assert "Log in again." in response.text


def test_cors_rate_limits_and_idempotency(site: Site) -> None:
    site.app.middleware(rate_limit(RateLimitOptions(limits=RateLimit(4, 600, key="user"))))
    site.app.middleware(idempotency(IdempotencyOptions()))
    outer = App(middleware=[cors(CORSOptions(origins=["https://app.example"], credentials=True))])
    outer.mount("/", site.app)
    browser, other = (Client(outer, base_url="https://hotel.example") for _ in range(2))
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    assert browser.options("/rooms", headers=preflight).status == 204
    assert site.log_in(browser=browser).status == 303  # the requests of the login count for the anonymous client
    assert [browser.get("/rooms").status for _ in range(5)] == [200] * 4 + [429]
    assert site.log_in(user="bob", browser=other).status == 303  # the other two
    assert other.get("/rooms").status == 200
    assert site.new_browser().get("/me").status == 429


def test_the_description_of_the_api(site: Site) -> None:
    app = App(middleware=[authenticate(site.login)], openapi=OpenAPI(title="Hotel", version="1"))
    app.get("/rooms")(requires("rooms:read")(lambda request: "rooms"))
    app.mount("/auth", site.login.routes)
    browser = Client(app, base_url="https://hotel.example")
    site.log_in()
    cookie = {"Cookie": f"__Host-login={site.browser.cookies['__Host-login']}"}
    document = browser.get("/openapi.json", headers=cookie).json()
    assert document["components"]["securitySchemes"]["login"]["name"] == "__Host-login"
    assert list(document["paths"]) == ["/rooms"]
