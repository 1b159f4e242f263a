"""A provider, and a site whose users log in at that provider."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.auth.oauth.provider import CALLBACK, CLIENT, CLIENT_SECRET, Provider, providing

from ropewalk import App, Request
from ropewalk.auth import OpenIDConnect, OpenIDConnectOptions, authenticate, requires
from ropewalk.testing import Client

SECRET = "0123456789abcdef" * 2


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    with providing(provider):
        yield provider


class Site:
    """A site with a login, and a browser."""

    def __init__(self, provider: Provider, **options: Any) -> None:
        self.provider = provider
        self.ahead = 0.0
        """How many seconds the clocks of the site and the provider are ahead."""
        provider.now = self.now
        defaults = {
            "client_id": CLIENT,
            "client_secret": CLIENT_SECRET,
            "redirect_uri": CALLBACK,
            "secret": SECRET,
            "issuer": provider.issuer,
            "timeout": 10,
        }
        self.login = OpenIDConnect(OpenIDConnectOptions(**{**defaults, **options}), clock=self.now)
        self.app = app_with(self.login)
        self.browser = self.new_browser()

    def now(self) -> float:
        return time.time() + self.ahead

    def new_browser(self) -> Client:
        return Client(self.app, base_url="https://hotel.example")

    def begin(self, path: str = "/auth/login", browser: Client | None = None) -> str:
        """Begin a login. Return the URL to which the browser is sent."""
        response = (browser or self.browser).get(path)
        assert response.status == 302
        return response.headers["location"]

    def come_back(self, to: str, browser: Client | None = None) -> Any:
        return (browser or self.browser).get(to)

    def log_in(self, path: str = "/auth/login", user: str = "ada", browser: Client | None = None) -> Any:
        return self.come_back(self.provider.log_in(self.begin(path, browser), user), browser)

    def user(self, browser: Client | None = None) -> str:
        return (browser or self.browser).get("/me").text


def app_with(login: Any) -> App:
    app = App(middleware=[login.redirect_to_login, authenticate(login, optional=True)])

    @app.get("/me")
    def me(request: Request) -> str:
        principal = request.state.authentication.principal
        return str(getattr(principal, "subject", principal))

    @app.get("/rooms")
    @requires()
    def rooms(request: Request) -> str:
        return "rooms"

    app.post("/rooms")(requires("rooms:write")(lambda request: "added"))
    app.mount("/auth", login.routes)
    return app


@pytest.fixture
def site(provider: Provider) -> Site:
    return Site(provider)
