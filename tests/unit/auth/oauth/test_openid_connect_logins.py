"""Logins at a provider, kept in sessions."""

import pytest
from tests.unit.auth.oauth.conftest import Site
from tests.unit.auth.oauth.provider import Provider

from ropewalk import App, Request
from ropewalk.auth import authenticate
from ropewalk.sessions import SessionLogins, SessionsOptions, log_out_everywhere, sessions
from ropewalk.stores import MemorySessions

OWN = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def site(provider: Provider) -> Site:
    site = Site(provider, store=SessionLogins())
    store = SessionsOptions(store=MemorySessions())
    app = App(middleware=[sessions(store), authenticate(site.login, optional=True)])

    @app.get("/me")
    def me(request: Request) -> str:
        principal = request.state.authentication.principal
        return f"{getattr(principal, 'subject', None)}, {request.session.user}"

    @app.post("/everywhere")
    async def everywhere(request: Request) -> str:
        await log_out_everywhere(request)
        return ""

    app.mount("/auth", site.login.routes)
    site.app = app
    site.browser = site.new_browser()
    return site


def test_a_login_and_a_logout(site: Site, provider: Provider) -> None:
    assert site.user() == "None, None"
    site.log_in()
    assert site.user() == f"ada, {provider.issuer} ada"
    assert site.browser.post("/auth/logout", headers=OWN).status == 303
    assert site.user() == "None, None"


def test_another_site_logs_no_user_out(site: Site) -> None:
    site.log_in()
    assert site.browser.post("/auth/logout", headers={"sec-fetch-site": "cross-site"}).status == 403
    assert site.user().startswith("ada")


def test_all_browsers(site: Site) -> None:
    other = site.new_browser()
    site.log_in()
    site.log_in(browser=other)
    assert site.user(other).startswith("ada")
    site.browser.post("/everywhere", headers=OWN)
    assert (site.user(), site.user(other)) == ("None, None", "None, None")


def test_the_description() -> None:
    assert SessionLogins().description() == {"type": "apiKey", "in": "cookie", "name": "__Host-session"}
