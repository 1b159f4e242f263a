"""Logins: `SessionAuth`, remembered browsers, all sessions of a user, and redirects."""

from typing import Annotated, Any
from urllib.parse import quote

import pytest
from tests.unit.sessions.apps import OWN, browser, site
from tests.unit.sessions.conftest import SECRET, store_of

from ropewalk import App, Request, Response
from ropewalk.auth import Principal, authenticate, requires
from ropewalk.errors import HandlerError, InvalidField
from ropewalk.sessions import (
    SessionAuth,
    SessionsOptions,
    is_remembered,
    log_out_everywhere,
    login,
    logout,
    safe_redirect,
    sessions,
)
from ropewalk.stores import MemorySessions
from ropewalk.testing import Client

DAY = 24 * 3600
REMEMBER = "__Host-session-remember"
PAGE = {"accept": "text/html,*/*;q=0.8"}


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest) -> Any:
    return store_of(request.param, request)


def members(store: Any, auth: SessionAuth | None = None, **more: Any) -> App:
    """An app with pages for users."""
    options = SessionsOptions(store=store, **more)
    app = App(middleware=[sessions(options), authenticate(auth or SessionAuth(), optional=True)])

    @app.get("/me")
    @requires()
    def me(request: Request) -> str:
        return f"{request.session.user} {is_remembered(request)}"

    @app.post("/me")
    @requires()
    def change(request: Request) -> str:
        return "changed"

    @app.post("/login/{user}")
    def log_in(request: Request, user: str) -> str:
        login(request, user)
        return "in"

    @app.post("/remember/{user}")
    def remember(request: Request, user: str) -> str:
        login(request, user, remember=True)
        return "in"

    @app.post("/logout")
    def log_out(request: Request) -> str:
        logout(request)
        return "out"

    @app.post("/clear")
    def clear(request: Request) -> str:
        request.session.clear()
        return "cleared"

    @app.post("/everywhere")
    async def everywhere(request: Request) -> str:
        await log_out_everywhere(request)
        return "out"

    @app.post("/elsewhere/{user}")
    async def elsewhere(request: Request, user: str) -> str:
        await log_out_everywhere(request, user)
        login(request, user)
        return "out"

    return app


class TestSessionAuth:
    def test_requires(self, store: Any) -> None:
        client = browser(members(store))
        refused = client.get("/me")
        assert refused.status == 401
        assert refused.headers["www-authenticate"] == 'Cookie realm="app", form-action="/login"'
        client.post("/login/7")
        assert client.get("/me").text == "7 False"
        client.post("/logout")
        assert client.get("/me").status == 401

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"accept": "text/html"}, 302),
            ({"sec-fetch-mode": "navigate"}, 302),
            ({"sec-fetch-mode": "cors", "accept": "text/html"}, 401),
            ({"accept": "application/json"}, 401),
            ({"accept": "text/html", "authorization": "Bearer x"}, 401),
            ({}, 401),
        ],
    )
    def test_only_pages_are_redirected(self, headers: dict[str, str], status: int) -> None:
        assert browser(members(MemorySessions())).get("/me", headers=headers).status == status

    def test_the_redirect_leads_back(self) -> None:
        response = browser(members(MemorySessions())).get("/me?a=1&b=%2F", headers=PAGE)
        assert response.headers["location"] == "/login?next=/me%3Fa%3D1%26b%3D%252F"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["vary"] == "Cookie"

    @pytest.mark.parametrize(
        ("headers", "target"),
        [
            ({"referer": "https://localhost/rooms?a=1&b=%2F"}, "/login?next=/rooms%3Fa%3D1%26b%3D%252F"),
            ({"referer": "https://localhost//evil.example/"}, "/login"),
            ({"referer": "https://evil.example/rooms"}, "/login"),
            ({"referer": "https://localhost.evil.example/rooms"}, "/login"),
            ({"referer": "http://localhost/rooms"}, "/login"),
            ({"referer": "https://localhost/"}, "/login?next=/"),
            ({"referer": "https://["}, "/login"),
            ({}, "/login"),
            ({"sec-fetch-mode": "cors"}, None),
            ({"sec-fetch-mode": "cors", "hx-request": "true"}, None),
            ({"authorization": "Bearer x"}, None),
        ],
    )
    def test_a_form_after_the_end_of_the_session(self, headers: dict[str, str], target: str | None) -> None:
        sent = {"sec-fetch-site": "same-origin", **PAGE, **headers}
        response = browser(members(MemorySessions())).post("/me", headers=sent)
        assert (response.status, response.headers.get("location")) == ((401, None) if target is None else (303, target))

    @pytest.mark.parametrize(
        ("current", "target"),
        [
            ("https://localhost/rooms?a=1&b=%2F", "/login?next=/rooms%3Fa%3D1%26b%3D%252F"),
            ("https://localhost/rooms#attic", "/login?next=/rooms"),
            ("https://localhost//evil.example/", "/login"),
            ("https://localhost/\\evil.example", "/login"),
            ("https://[", "/login"),
            ("", "/login"),
            (None, "/login"),
        ],
    )
    def test_htmx_opens_the_login_page(self, current: str | None, target: str) -> None:
        headers = {**PAGE, "hx-request": "true", "sec-fetch-mode": "cors"}
        if current is not None:
            headers["hx-current-url"] = current
        response = browser(members(MemorySessions())).get("/me", headers=headers)
        assert (response.status, response.headers["hx-redirect"]) == (401, target)
        assert response.headers["cache-control"] == "no-store"

    def test_htmx_without_a_login_page(self) -> None:
        app = members(MemorySessions(), SessionAuth(login_page=None))
        assert "hx-redirect" not in browser(app).get("/me", headers={"hx-request": "true"}).headers

    def test_a_login_page_that_needs_a_login(self) -> None:
        app = members(MemorySessions())
        app.get("/login")(requires()(lambda request: "login"))
        with pytest.raises(HandlerError, match=r"RW240 .*The login page /login needs a login itself.*optional=True"):
            browser(app).get("/login", headers=PAGE)
        assert browser(app).get("/login").status == 401

    def test_other_401_responses_stay(self) -> None:
        app = members(MemorySessions())
        app.get("/own")(lambda request: Response("own", 401))
        assert browser(app).get("/own", headers=PAGE).text == "own"

    def test_no_login_page(self) -> None:
        assert browser(members(MemorySessions(), SessionAuth(login_page=None))).get("/me", headers=PAGE).status == 401

    @pytest.mark.parametrize("page", ["https://other.example/", "//other.example", "login", ""])
    def test_a_wrong_login_page(self, page: str) -> None:
        with pytest.raises(HandlerError, match="RW240"):
            SessionAuth(login_page=page)

    def test_the_user_is_loaded(self) -> None:
        class User:
            def __init__(self, id: str) -> None:
                self.id = id
                self.roles = ("clerk",)

        users = {"7": User("7")}

        async def load(user_id: str) -> User | None:
            return users.get(user_id)

        app = members(MemorySessions(), SessionAuth(load=load))

        @app.get("/clerk")
        @requires(role="clerk")
        def clerk(user: Annotated[User, Principal()]) -> str:
            return user.id

        client = browser(app)
        client.post("/login/7")
        assert client.get("/clerk").text == "7"
        del users["7"]
        assert client.get("/clerk").status == 401

    def test_without_sessions(self) -> None:
        app = App(middleware=[authenticate(SessionAuth())])
        app.get("/")(lambda: "")
        with pytest.raises(HandlerError, match="RW250"):
            Client(app).get("/")

    def test_the_description(self) -> None:
        assert SessionAuth().openapi() == {"type": "apiKey", "in": "cookie", "name": "__Host-session"}


class TestRemember:
    def test_after_the_session_has_ended(self, store: Any) -> None:
        client = browser(members(store))
        fields = client.post("/remember/7").headers.all("set-cookie")
        assert fields[1].endswith("; Max-Age=2592000; Path=/; Secure; HttpOnly; SameSite=Lax")
        assert client.get("/me").text == "7 False"
        client.advance(8 * DAY)
        response = client.get("/me")
        assert response.text == "7 True"
        assert "set-cookie" in response.headers
        assert client.get("/me").text == "7 True"

    def test_it_expires(self) -> None:
        client = browser(members(MemorySessions(), remember_for=10 * DAY))
        client.post("/remember/7")
        value = client.cookies[REMEMBER]
        client.advance(10 * DAY)
        assert client.get("/me", headers={"cookie": f"{REMEMBER}={value}"}).status == 401

    def test_a_shorter_time_applies_to_old_tokens(self) -> None:
        store = MemorySessions()
        client = browser(members(store))
        client.post("/remember/7")
        later = browser(members(store, remember_for=10 * DAY), clock=client.clock)
        client.advance(10 * DAY)
        assert later.get("/me", headers={"cookie": f"{REMEMBER}={client.cookies[REMEMBER]}"}).status == 401

    def test_it_is_forgotten_while_a_request_runs(self, store: Any) -> None:
        app = members(store)

        @app.get("/slow")
        @requires()
        async def slow(request: Request) -> str:
            await store.end_sessions("7", 30 * DAY)
            return str(request.session.user)

        client = browser(app)
        client.post("/remember/7")
        client.advance(8 * DAY)
        response = client.get("/slow")
        assert (response.text, response.headers.get("set-cookie")) == ("7", None)
        assert client.get("/me").status == 401

    def test_a_password_makes_the_login_fresh(self) -> None:
        client = browser(members(MemorySessions()))
        client.post("/remember/7")
        client.advance(8 * DAY)
        assert client.get("/me").text == "7 True"
        client.post("/login/7")
        assert client.get("/me").text == "7 False"
        assert REMEMBER not in client.cookies

    @pytest.mark.parametrize("path", ["/logout", "/clear"])
    def test_a_logout_ends_it(self, store: Any, path: str) -> None:
        client = browser(members(store))
        client.post("/remember/7")
        value = client.cookies[REMEMBER]
        client.post(path)
        assert REMEMBER not in client.cookies
        assert client.get("/me", headers={"cookie": f"{REMEMBER}={value}"}).status == 401

    def test_a_user_who_is_logged_out_in_the_same_request_is_not_remembered(self) -> None:
        app = members(MemorySessions())

        @app.post("/in-and-out")
        def in_and_out(request: Request) -> str:
            login(request, "7", remember=True)
            request.session.clear()
            return "out"

        assert "set-cookie" not in browser(app).post("/in-and-out").headers

    def test_the_store_has_only_a_hash(self) -> None:
        store = MemorySessions()
        client = browser(members(store))
        client.post("/remember/7")
        kept = repr((store._of_users, store._anonymous))
        assert client.cookies[REMEMBER] not in kept
        assert client.cookies["__Host-session"] not in kept

    def test_the_token_is_not_a_session(self) -> None:
        client = browser(members(MemorySessions()))
        client.post("/remember/7")
        value, session = client.cookies[REMEMBER], client.cookies["__Host-session"]
        client.cookies.clear()
        assert client.get("/me", headers={"cookie": f"__Host-session={value}"}).status == 401
        assert client.get("/me", headers={"cookie": f"{REMEMBER}={session}"}).status == 401
        assert client.get("/me", headers={"cookie": f"{REMEMBER}={value}"}).status == 200
        assert client.get("/me", headers={"cookie": f"{REMEMBER}={value}; {REMEMBER}={value}"}).status == 401

    @pytest.mark.parametrize("value", ["", "x", "x" * 5000, "ü"])
    def test_wrong_tokens(self, value: str) -> None:
        client = browser(members(MemorySessions()))
        assert client.get("/me", headers={"cookie": f"{REMEMBER}={value}".encode()}).status == 401

    def test_it_is_protected_from_other_sites(self) -> None:
        client = browser(members(MemorySessions()))
        client.post("/remember/7")
        value = client.cookies[REMEMBER]
        headers = {"cookie": f"{REMEMBER}={value}", "content-type": "application/json"}
        other = Client(client.app, secure=True)
        assert other.post("/logout", headers={**headers, "sec-fetch-site": "cross-site"}).status == 403
        assert other.post("/logout", headers=headers).status == 403

    def test_it_needs_a_store(self) -> None:
        app = App(middleware=[sessions(SessionsOptions(secret=SECRET))])
        app.get("/")(lambda request: login(request, 1, remember=True))
        with pytest.raises(HandlerError, match="RW254"):
            Client(app).get("/")


class TestEverywhere:
    def test_all_sessions_and_remembered_browsers_end(self, store: Any) -> None:
        app = members(store)
        one, other, remembered, stranger = (browser(app) for _ in range(4))
        one.post("/login/7")
        other.post("/login/7")
        remembered.post("/remember/7")
        stranger.post("/login/8")
        token = remembered.cookies[REMEMBER]
        one.post("/everywhere")
        assert [each.get("/me").status for each in (one, other, remembered)] == [401, 401, 401]
        assert one.get("/me", headers={"cookie": f"{REMEMBER}={token}"}).status == 401
        assert stranger.get("/me").text == "8 False"
        other.post("/login/7")
        assert other.get("/me").text == "7 False"

    def test_a_second_time(self, store: Any) -> None:
        app = members(store)
        client = browser(app)
        for _ in range(3):
            client.post("/login/7")
            value = client.cookies["__Host-session"]
            assert client.get("/me").status == 200
            client.post("/everywhere")
            assert client.get("/me", headers={"cookie": f"__Host-session={value}"}).status == 401

    def test_this_browser_may_stay(self, store: Any) -> None:
        app = members(store)
        one, other = browser(app), browser(app)
        one.post("/login/7")
        other.post("/login/7")
        one.post("/elsewhere/7")
        assert one.get("/me").status == 200
        assert other.get("/me").status == 401

    def test_a_session_is_not_written_again(self, store: Any) -> None:
        """A request that runs while its user is logged out everywhere must not bring its session back."""
        app = members(store)
        one, other = browser(app), browser(app)
        one.post("/login/7")
        other.post("/login/7")

        @app.post("/slow")
        async def slow(request: Request) -> str:
            request.session["a"] = 1
            await store.end_sessions("7", DAY)
            return "slow"

        assert one.post("/slow").status == 200
        assert one.get("/me").status == 401

    def test_without_a_user(self) -> None:
        with pytest.raises(HandlerError, match="RW257"):
            browser(members(MemorySessions())).post("/everywhere")

    def test_it_needs_a_store(self) -> None:
        app = App(middleware=[sessions(SessionsOptions(secret=SECRET))])
        app.get("/")(lambda request: log_out_everywhere(request))
        with pytest.raises(HandlerError, match="RW254"):
            Client(app).get("/")


ELSEWHERE = [
    "",
    "https://evil.example",
    "http:evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    " //evil.example",
    " https://evil.example",
    "/\n/evil.example",
    "/\r\nset-cookie: a=1",
    "\x00//evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    ".evil.example",
    ":80",
    "?next=/",
    "/\u0085/evil.example",
    "/\x7f/evil.example",
    "/" + "x" * 600,
]


class TestSafeRedirect:
    def client(self) -> Client:
        app = App()
        app.get("/")(lambda request: safe_redirect(request, default="/home"))
        app.get("/given")(lambda request: safe_redirect(request, request.query.get("to")))
        return Client(app)

    @pytest.mark.parametrize("target", ELSEWHERE)
    def test_other_sites_are_ignored(self, target: str) -> None:

        response = self.client().get(f"/?next={quote(target, safe='')}")
        assert (response.status, response.headers["location"]) == (303, "/home")
        assert "set-cookie" not in response.headers
        if target:
            assert self.client().get(f"/given?to={quote(target, safe='')}").headers["location"] == "/"

    @pytest.mark.parametrize(
        ("target", "location"),
        [
            ("/", "/"),
            ("/rooms/1?from=2026-01-01&to=x#bed", "/rooms/1?from=2026-01-01&to=x#bed"),
            ("/%2F/evil.example", "/%2F/evil.example"),
            ("/@evil.example", "/@evil.example"),
            ("/zimmer/ü", "/zimmer/%C3%BC"),
        ],
    )
    def test_paths_of_this_site(self, target: str, location: str) -> None:

        assert self.client().get(f"/?next={quote(target, safe='')}").headers["location"] == location

    def test_without_next(self) -> None:
        assert self.client().get("/").headers["location"] == "/home"

    def test_a_wrong_default(self) -> None:
        app = App()
        app.get("/")(lambda request: safe_redirect(request, default="//x"))
        with pytest.raises(InvalidField):
            Client(app).get("/")


def test_own_field_is_needed_by_tests() -> None:
    """A test client that has a session and does not send `Sec-Fetch-Site` is refused, as every other program is."""
    client = Client(site(SessionsOptions(secret=SECRET)), secure=True)
    client.post("/set/a/1", headers=OWN)
    assert client.post("/set/a/2").status == 403
