"""Sessions of each kind: cookies, and stores."""

import itertools
from typing import Any

import pytest
from tests.unit.sessions.apps import OWN, browser, site
from tests.unit.sessions.conftest import KINDS, SECRET, options_of

from ropewalk import App, HTTPError, Request, Response
from ropewalk.errors import HandlerError
from ropewalk.middleware import CacheHeadersOptions, Next, cache_headers
from ropewalk.sessions import SessionsOptions, sessions
from ropewalk.stores import MemorySessions
from ropewalk.testing import Client

HOST = "__Host-session"
HOUR = 3600
DAY = 24 * HOUR


def no_rights(**more: Any) -> dict[str, Any]:
    return {"values": more, "user": None}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(kind: str, request: pytest.FixtureRequest) -> Client:
    return browser(site(options_of(kind, request)))


class TestValues:
    def test_they_are_there_in_the_next_request(self, client: Client) -> None:
        assert client.get("/").json() == no_rights()
        client.post("/set/a/1")
        client.post("/append/b/x")
        client.post("/append/b/y")
        assert client.get("/").json() == no_rights(a="1", b=["x", "y"])
        client.post("/delete/a")
        assert client.get("/").json() == no_rights(b=["x", "y"])

    def test_another_client_has_its_own(self, kind: str, request: pytest.FixtureRequest) -> None:
        app = site(options_of(kind, request))
        one, other = browser(app), browser(app)
        one.post("/set/a/1")
        assert other.get("/").json() == no_rights()

    def test_a_failed_request_changes_nothing(self, client: Client) -> None:
        client.post("/set/a/1")
        assert client.post("/fail/a").status == 500
        assert client.get("/").json() == no_rights(a="1")

    @pytest.mark.parametrize("value", [None, True, 1, 1.5, "ü\0", [1, [2]], {"a": {"b": []}}, []])
    def test_values_of_json(self, kind: str, request: pytest.FixtureRequest, value: Any) -> None:
        app = App(middleware=[sessions(options_of(kind, request))])

        @app.get("/set")
        def set_value(request: Request) -> str:
            request.session['a b"ü'] = value
            return ""

        @app.get("/")
        def show(request: Request) -> str:
            found = request.session['a b"ü']
            return str(found == value and type(found) is type(value))

        client = browser(app)
        client.get("/set")
        assert client.get("/").text == "True"


class TestTheCookie:
    def test_it_is_safe_by_default(self, client: Client) -> None:
        field = client.post("/set/a/1").headers["set-cookie"]
        name, _, rest = field.partition("=")
        assert name == HOST
        assert rest.split("; ")[1:] == ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"]

    def test_it_is_set_only_if_the_session_has_changed(self, client: Client, kind: str) -> None:
        assert "set-cookie" not in client.get("/").headers
        assert "set-cookie" in client.post("/set/a/1").headers
        assert "set-cookie" not in client.get("/").headers
        assert "set-cookie" not in client.post("/set/a/1").headers
        assert ("set-cookie" in client.post("/set/a/2").headers) == (kind == "cookie")

    def test_fields_for_caches(self, client: Client) -> None:
        unread = client.get("/unread").headers
        assert "vary" not in unread
        assert "cache-control" not in unread
        read = client.get("/").headers
        assert (read["vary"], read.get("cache-control")) == ("Cookie", None)
        written = client.post("/set/a/1").headers
        assert (written["vary"], written["cache-control"]) == ("Cookie", "no-store")

    def test_a_response_for_shared_caches_does_not_keep_a_cookie(self) -> None:
        app = App(middleware=[sessions(SessionsOptions(secret=SECRET))])

        @app.get("/")
        def shared(request: Request) -> Response:
            request.session["a"] = 1
            return Response("x", headers={"cache-control": "public, max-age=60"})

        assert browser(app).get("/").headers.all("cache-control") == ["no-store"]

    def test_a_page_with_a_session_is_not_public(self) -> None:
        app = App(
            middleware=[
                cache_headers(CacheHeadersOptions(max_age=60, visibility="public")),
                sessions(SessionsOptions(secret=SECRET)),
            ]
        )

        @app.get("/")
        def show(request: Request) -> str:
            return str(len(request.session))

        @app.get("/set")
        def set_value(request: Request) -> str:
            request.session["a"] = 1
            return ""

        client = browser(app)
        client.get("/set")
        assert client.get("/").headers["cache-control"] == "private, max-age=60"

    def test_http_on_localhost_by_an_option(self) -> None:
        options = SessionsOptions(secret=SECRET, insecure_localhost=True)
        client = Client(site(options), headers=OWN)
        assert "Secure" not in client.post("/set/a/1").headers["set-cookie"]
        assert client.cookies["session"]
        assert client.get("/").json() == no_rights(a="1")
        secure = Client(site(options), base_url="https://hotel.example", headers=OWN)
        assert secure.post("/set/a/1").headers["set-cookie"].startswith("__Host-session=")
        plain = Client(site(options), base_url="http://hotel.example", headers=OWN)
        assert plain.post("/set/a/1").headers["set-cookie"].startswith("__Host-session=")

    def test_a_warning_for_secure_cookies_over_http(self, log: Any) -> None:
        client = Client(site(SessionsOptions(secret=SECRET)), headers=OWN)
        client.post("/set/a/1")
        with pytest.warns(UserWarning, match="POST /set/a/1 has set the Secure cookie __Host-session over http"):
            client.post("/set/a/1")
        assert log.text.count("RW256") == 1
        assert "insecure_localhost=True" in log.text

    def test_a_session_that_is_empty_again_has_no_cookie(self, client: Client) -> None:
        client.post("/login/1")
        client.post("/logout")
        assert HOST not in client.cookies
        assert client.get("/").json() == no_rights()


class TestHostileCookies:
    @pytest.mark.parametrize(
        "value", ["", "x", ".", "a.b", "ü", "x" * 5000, "=" * 100, "W10.x", "AAAA.AAAA", "\t", '"', "a;b", "%00"]
    )
    def test_they_are_no_session(self, client: Client, value: str) -> None:
        response = client.get("/", headers={"cookie": f"{HOST}={value}".encode()})
        assert (response.status, response.json()) == (200, no_rights())
        assert "set-cookie" not in response.headers

    def test_a_changed_character(self, client: Client) -> None:
        client.post("/set/a/1")
        value = client.cookies[HOST]
        for place in range(0, len(value) - 1, 7):  # not the last character: base64 ignores some of its bits
            other = "A" if value[place] != "A" else "B"
            response = client.get("/", headers={"cookie": f"{HOST}={value[:place]}{other}{value[place + 1 :]}"})
            assert response.json() == no_rights()

    def test_two_cookies_of_one_name_are_none(self, kind: str, request: pytest.FixtureRequest) -> None:
        app = site(options_of(kind, request))
        victim, attacker = browser(app), browser(app)
        victim.post("/login/victim")
        attacker.post("/login/attacker")
        mine, tossed = f"{HOST}={victim.cookies[HOST]}", f"{HOST}={attacker.cookies[HOST]}"
        other = browser(app)
        assert other.get("/", headers={"cookie": mine}).json()["user"] == "victim"
        for pair in itertools.permutations((mine, tossed)):
            assert other.get("/", headers={"cookie": "; ".join(pair)}).json() == no_rights()
            assert other.get("/", headers={"cookie": ";".join(pair)}).json() == no_rights()
            lines = [("cookie", pair[0]), ("cookie", pair[1])]
            assert other.get("/", headers=lines).json() == no_rights()

    def test_cookies_of_other_names_are_ignored(self, client: Client) -> None:
        client.post("/set/a/1")
        value = client.cookies[HOST]
        near = f"x{HOST}=1; {HOST}x=1; session=1; a={HOST}=1; {HOST.lower()}=1"
        assert browser(client.app).get("/", headers={"cookie": f"{near}; {HOST}={value}"}).json() == no_rights(a="1")
        assert browser(client.app).get("/", headers={"cookie": f"session={value}"}).json() == no_rights()


class TestExpiry:
    def test_idle(self, client: Client) -> None:
        client.post("/set/a/1")
        client.advance(2 * HOUR - 1)
        assert client.get("/").json() == no_rights(a="1")  # this request extends the session
        client.advance(2 * HOUR - 1)
        assert client.get("/").json() == no_rights(a="1")
        client.advance(2 * HOUR)
        assert client.get("/").json() == no_rights()

    def test_absolute(self, kind: str, request: pytest.FixtureRequest) -> None:
        client = browser(site(options_of(kind, request, idle=HOUR, absolute=2 * HOUR)))
        client.post("/set/a/1")
        for _ in range(3):
            client.advance(HOUR / 2)
            client.post("/set/b/1")
            assert client.get("/").json()["values"] == {"a": "1", "b": "1"}
        client.advance(HOUR / 2)
        assert client.get("/").json() == no_rights()

    def test_a_login_begins_it_again(self, kind: str, request: pytest.FixtureRequest) -> None:
        client = browser(site(options_of(kind, request, idle=HOUR, absolute=HOUR)))
        client.post("/set/a/1")
        client.advance(HOUR - 60)
        client.post("/rotate")
        client.post("/login/7")
        client.advance(HOUR - 60)
        assert client.get("/").json() == {"values": {"a": "1"}, "user": "7"}

    def test_a_rotation_does_not(self, kind: str, request: pytest.FixtureRequest) -> None:
        client = browser(site(options_of(kind, request, idle=HOUR, absolute=HOUR)))
        client.post("/set/a/1")
        client.advance(HOUR - 60)
        client.post("/rotate")
        client.advance(60)
        assert client.get("/").json() == no_rights()

    def test_an_unread_session_is_not_extended(self, client: Client) -> None:
        client.post("/set/a/1")
        client.advance(HOUR)
        client.get("/unread")
        client.advance(HOUR)
        assert client.get("/").json() == no_rights()


class TestKeys:
    def test_a_replaced_secret_is_accepted(self) -> None:
        old, new = "o" * 32, b"n" * 32
        client = browser(site(SessionsOptions(secret=old)))
        client.post("/set/a/1")
        value = client.cookies[HOST]
        both = browser(site(SessionsOptions(keys=[new, old])), cookies={})
        assert both.get("/", headers={"cookie": f"{HOST}={value}"}).json() == no_rights(a="1")
        changed = both.post("/set/b/2", headers={"cookie": f"{HOST}={value}", **OWN})
        signed_new = changed.headers["set-cookie"].partition(";")[0]
        only_new = browser(site(SessionsOptions(secret=new)))
        assert only_new.get("/", headers={"cookie": signed_new}).json() == no_rights(a="1", b="2")
        assert only_new.get("/", headers={"cookie": f"{HOST}={value}"}).json() == no_rights()

    def test_another_cookie_name_is_another_purpose(self) -> None:
        client = browser(site(SessionsOptions(secret=SECRET)))
        client.post("/set/a/1")
        other = browser(site(SessionsOptions(secret=SECRET, cookie="other")))
        assert other.get("/", headers={"cookie": f"__Host-other={client.cookies[HOST]}"}).json() == no_rights()


class TestSize:
    def test_a_cookie_that_browsers_would_drop(self) -> None:
        client = browser(site(SessionsOptions(secret=SECRET)), raise_errors=True)
        client.post(f"/set/small/{'x' * 100}")
        with pytest.raises(
            HandlerError, match=r"RW252 .*A session has .* 'large' \(3002 bytes\), 'small' \(102 bytes\)"
        ):
            client.post(f"/set/large/{'x' * 3000}")
        assert client.get("/").json()["values"].keys() == {"small"}

    def test_the_message_shows_a_part_of_long_names(self) -> None:
        """The name may come from a client, so the message must not contain all of it, nor its control characters."""
        app = App(middleware=[sessions(SessionsOptions(store=MemorySessions()))])

        @app.get("/")
        def write(request: Request) -> str:
            request.session["\n\x1b[2J" + "a" * 100_000] = 1
            return ""

        with pytest.raises(HandlerError, match=r"RW252 .*: '\\n\\x1b\[2Ja+\.\.\. \(1 bytes\)") as caught:
            browser(app).get("/")
        assert len(str(caught.value)) < 1000

    def test_the_largest_cookie(self) -> None:
        client = browser(site(SessionsOptions(secret=SECRET)))
        sizes = []
        for size in range(2900, 3100):
            try:
                field = client.post(f"/set/a/{'x' * size}").headers["set-cookie"]
            except HandlerError:
                break
            sizes.append(len(field.partition(";")[0]) - 1)
        assert 4090 <= max(sizes) <= 4096

    def test_a_store_has_a_limit(self) -> None:
        client = browser(site(SessionsOptions(store=MemorySessions(), size_limit=100)))
        client.post(f"/set/a/{'x' * 50}")
        with pytest.raises(HandlerError, match="RW252"):
            client.post(f"/set/b/{'x' * 50}")
        with pytest.raises(HandlerError, match="RW252"):
            client.post(f"/append/b/{'x' * 50}")


class TestFixation:
    def test_a_login_gives_a_new_id(self, client: Client, kind: str) -> None:
        client.post("/set/a/1")
        known_to_attacker = client.cookies[HOST]
        client.post("/login/victim")
        assert client.cookies[HOST] != known_to_attacker
        assert client.get("/").json() == {"values": {"a": "1"}, "user": "victim"}
        attacker = browser(client.app).get("/", headers={"cookie": f"{HOST}={known_to_attacker}"}).json()
        assert attacker["user"] is None
        if kind != "cookie":
            assert attacker == no_rights()

    def test_a_logout_ends_the_session(self, client: Client, kind: str) -> None:
        client.post("/set/a/1")
        client.post("/login/victim")
        old = client.cookies[HOST]
        client.post("/logout")
        assert client.get("/").json() == no_rights()
        if kind != "cookie":  # a copy of a signed cookie stays valid, as the documentation says
            assert browser(client.app).get("/", headers={"cookie": f"{HOST}={old}"}).json() == no_rights()

    def test_an_id_that_a_client_has_chosen_is_not_used(self, client: Client) -> None:
        chosen = "A" * 43
        response = client.post("/set/a/1", headers={"cookie": f"{HOST}={chosen}", **OWN})
        assert chosen not in response.headers["set-cookie"]
        assert browser(client.app).get("/", headers={"cookie": f"{HOST}={chosen}"}).json() == no_rights()

    def test_another_user_gets_none_of_the_values(self, client: Client) -> None:
        client.post("/login/one")
        client.post("/set/secret/1")
        client.post("/login/two")
        assert client.get("/").json() == {"values": {}, "user": "two"}
        client.post("/set/a/1")
        client.post("/login/two")
        assert client.get("/").json() == {"values": {"a": "1"}, "user": "two"}


class TestErrors:
    def test_without_the_middleware(self) -> None:
        app = App()
        app.get("/")(lambda request: request.session["a"])
        with pytest.raises(HandlerError, match=r"RW250 .*GET / has no session"):
            Client(app).get("/")

    def test_middleware_outside_of_it(self) -> None:
        async def greet(request: Request, next: Next) -> Response:
            request.session["seen"] = "yes"
            return await next(request)

        app = App(middleware=[greet, sessions(SessionsOptions(secret=SECRET))])
        app.get("/")(lambda request: "done")
        with pytest.raises(HandlerError, match=r"RW250 .*no session yet: middleware outside .* Put `sessions\(...\)` "):
            Client(app).get("/")

    def test_two_middlewares(self) -> None:
        app = site(SessionsOptions(secret=SECRET))
        mounted = site(SessionsOptions(secret=SECRET))
        app.mount("/below", mounted)
        with pytest.raises(HandlerError, match="RW250 .*GET /below/ is inside two"):
            Client(app).get("/below/")

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            (1, 1, "1 is not a name"),
            ("ropewalk.user", 1, "Ropewalk uses itself"),
            ("a", object(), "is, or contains, object"),
            ("a", {1: 2}, "a dict with the key 1"),
            ("a", [{"b": b"x"}], "is, or contains, bytes"),
            ("a", "\ud800", "cannot be encoded"),
            ("a", 2**70, "is, or contains, 11805"),
            ("a", [float("nan")], "is, or contains, nan"),
        ],
    )
    def test_values_that_cannot_be_kept(self, name: Any, value: Any, message: str) -> None:
        app = App(middleware=[sessions(SessionsOptions(secret=SECRET))])

        @app.get("/")
        def set_value(request: Request) -> str:
            request.session[name] = value
            return ""

        with pytest.raises(HandlerError, match=f"RW251 .*{message}"):
            Client(app).get("/")

    def test_a_value_that_contains_itself(self) -> None:
        app = App(middleware=[sessions(SessionsOptions(secret=SECRET))])

        @app.get("/")
        def set_value(request: Request) -> str:
            value: list[Any] = []
            value.append(value)
            request.session["a"] = value
            return ""

        with pytest.raises(HandlerError, match="RW251 .*nested too deeply"):
            Client(app).get("/")

    def test_a_change_after_the_response_has_begun(self) -> None:
        app = App(middleware=[sessions(SessionsOptions(secret=SECRET))])
        found = []

        @app.get("/")
        def parts(request: Request) -> Any:
            request.session["a"] = 1
            yield b"first"
            try:
                request.session["b"] = 2
            except HandlerError as error:
                found.append(str(error))
            yield b"last"

        client = browser(app)
        assert client.get("/").body == b"firstlast"
        assert found[0].startswith("RW253")
        assert client.cookies[HOST]

    def test_hidden_values(self) -> None:
        app = App(middleware=[sessions(SessionsOptions(secret=SECRET))])

        @app.get("/")
        def show(request: Request) -> str:
            session = request.session
            session.write("ropewalk.x", 1)
            assert "ropewalk.x" not in session
            assert list(session) == []
            session.update(b=2)
            assert (len(session), dict(session), session.pop("b"), session.get("b")) == (1, {"b": 2}, 2, None)
            with pytest.raises(KeyError):
                del session["ropewalk.x"]
            assert repr(session) == "<Session with no values>"
            return ""

        assert browser(app).get("/").status == 200


def test_an_error_of_the_handler_has_the_session(client: Client) -> None:
    app = client.app

    @app.error(404)
    def not_found(request: Request, error: HTTPError) -> Response:
        request.session["seen"] = "404"
        return Response("not found", 404)

    @app.get("/error")
    def error(request: Request) -> str:
        raise HTTPError(404)

    assert client.get("/error").status == 404
    assert client.get("/").json() == no_rights(seen="404")


class TestHeaderInjection:
    @pytest.mark.parametrize("text", ["\r\nset-cookie: a=1", "a; Domain=evil.example", "\0", '"', "x\ny"])
    def test_values_do_not_get_into_the_fields(self, kind: str, request: pytest.FixtureRequest, text: str) -> None:
        app = site(options_of(kind, request))

        @app.post("/given")
        async def given(request: Request) -> str:
            request.session[text] = text
            return ""

        client = browser(app)
        fields = client.post("/given").headers.all("set-cookie")
        assert len(fields) == 1
        assert fields[0].endswith("; Path=/; Secure; HttpOnly; SameSite=Lax")
        assert client.get("/").json() == no_rights(**{text: text})
