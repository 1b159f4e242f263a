"""Functions of schemes that take dependencies: the session of the request, or what the app has opened."""

from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from msgspec import Struct
from tests.unit.conftest import Log
from tests.unit.openapi.described import described

from ropewalk import App, Body, Depends, Header, HTTPError, Request
from ropewalk.auth import (
    APIKey,
    BasicAuth,
    BearerJWT,
    BearerJWTOptions,
    CredAuth,
    DigestAuth,
    Principal,
    TokenIssuer,
    authenticate,
)
from ropewalk.errors import HandlerError
from ropewalk.middleware import Next
from ropewalk.testing import Client

SECRET = "k" * 32


class User(Struct):
    name: str
    session: int


class Sessions:
    """Counts the sessions that it opens, and records how they are closed."""

    def __init__(self) -> None:
        self.opened = 0
        self.closed: list[str] = []

    def plain(self) -> int:
        self.opened += 1
        return self.opened

    def generator(self) -> Iterator[int]:
        self.opened += 1
        with self.recorded():
            yield self.opened

    async def asynchronous(self) -> AsyncIterator[int]:
        self.opened += 1
        with self.recorded():
            yield self.opened

    def recorded(self) -> Any:
        return Recorded(self)


class Recorded:
    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.sessions.closed.append("" if kind is None else kind.__name__)


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


def basic(name: str = "ada", password: str = "right") -> dict[str, str]:
    return {"authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


def checking(provider: Any, scope: Any = "request") -> BasicAuth:
    async def check(name: str, password: str, session: Annotated[int, Depends(provider, scope=scope)]) -> User | None:
        return User(name, session) if password == "right" else None

    return BasicAuth(check)


@pytest.mark.parametrize("kind", ["plain", "generator", "asynchronous"])
class TestTheSessionOfTheRequest:
    def test_the_handler_gets_the_same(self, kind: str, sessions: Sessions) -> None:
        provider = getattr(sessions, kind)
        app = App(middleware=[authenticate(checking(provider))])

        @app.get("/")
        def handler(user: Annotated[User, Principal()], session: Annotated[int, Depends(provider)]) -> list[Any]:
            assert len(sessions.closed) < session
            return [user.name, user.session, session]

        client = Client(app)
        assert client.get("/", headers=basic()).json() == ["ada", 1, 1]
        assert client.get("/", headers=basic()).json() == ["ada", 2, 2]
        assert sessions.closed == ([] if kind == "plain" else ["", ""])

    def test_a_handler_without_dependencies(self, kind: str, sessions: Sessions) -> None:
        app = App(middleware=[authenticate(checking(getattr(sessions, kind)))])

        @app.get("/")
        def handler(user: Annotated[User, Principal()]) -> User:
            return user

        assert Client(app).get("/", headers=basic()).json() == {"name": "ada", "session": 1}
        assert sessions.closed == ([] if kind == "plain" else [""])

    def test_uncached(self, kind: str, sessions: Sessions) -> None:
        provider = getattr(sessions, kind)
        app = App(middleware=[authenticate(checking(provider))])

        @app.get("/")
        def handler(session: Annotated[int, Depends(provider, cached=False)]) -> int:
            return session

        assert Client(app).get("/", headers=basic()).json() == 2

    @pytest.mark.parametrize(
        ("headers", "status", "error"),
        [(basic(password="wrong"), 401, "NotAuthenticated"), (basic(), 418, "HTTPError"), ({}, 401, None)],
    )
    def test_it_sees_the_error_of_the_request(
        self, kind: str, sessions: Sessions, headers: dict[str, str], status: int, error: str | None
    ) -> None:
        app = App(middleware=[authenticate(checking(getattr(sessions, kind)))])

        @app.get("/")
        def handler() -> None:
            raise HTTPError(418)

        assert Client(app, raise_errors=False).get("/", headers=headers).status == status
        assert sessions.closed == ([] if kind == "plain" or error is None else [error])

    def test_it_is_open_while_a_stream_is_sent(self, kind: str, sessions: Sessions) -> None:
        provider = getattr(sessions, kind)
        app = App(middleware=[authenticate(checking(provider))])

        @app.get("/")
        async def handler(session: Annotated[int, Depends(provider)]) -> AsyncIterator[str]:
            for _ in range(3):
                yield f"{session} {len(sessions.closed)};"

        assert Client(app).get("/", headers=basic()).text == "1 0;1 0;1 0;"
        assert sessions.closed == ([] if kind == "plain" else [""])

    def test_one_of_the_handler_is_closed_after_the_check(self, kind: str, sessions: Sessions) -> None:
        app = App(middleware=[authenticate(checking(getattr(sessions, kind), scope="handler"))])

        @app.get("/")
        def handler() -> int:
            return len(sessions.closed)

        assert Client(app).get("/", headers=basic()).json() == (0 if kind == "plain" else 1)


def test_its_error_replaces_the_principal(sessions: Sessions) -> None:
    def commit() -> Iterator[None]:
        yield
        raise HTTPError(503)

    app = App(middleware=[authenticate(checking(commit, scope="handler"))])
    app.get("/")(lambda request: "")
    assert Client(app).get("/", headers=basic()).status == 503


class TestNames:
    def check(self) -> BasicAuth:
        def check(name: str, password: str, session: Annotated[str, Depends()]) -> str:
            return session

        return BasicAuth(check)

    def test_of_the_app_of_the_middleware(self) -> None:
        """The check of the outer app gets the dependencies of the outer app, even if a mounted app provides another
        value under the same name."""
        inner = App()
        inner.provide("session", lambda: "inner")

        @inner.get("/")
        def handler(who: Annotated[str, Principal()], session: Annotated[str, Depends()]) -> list[str]:
            return [who, session]

        app = App(middleware=[authenticate(self.check())])
        app.provide("session", lambda: "outer")
        app.mount("/inner", inner)
        with Client(app) as client:
            assert client.get("/inner/", headers=basic()).json() == ["outer", "inner"]
            assert client.get("/missing", headers=basic()).status == 404

    def test_of_a_mounted_app(self) -> None:
        inner = App(middleware=[authenticate(self.check())])
        inner.get("/")(lambda request: request.state.authentication.principal)
        app = App()
        app.provide("session", lambda: "outer")
        app.mount("/inner", inner)
        with Client(app) as client:
            assert client.get("/inner/", headers=basic()).text == "outer"
            inner.provide("session", lambda: "inner")
            assert client.get("/inner/", headers=basic()).text == "inner"

    def test_of_an_app_in_between(self) -> None:
        inner = App(middleware=[authenticate(self.check())])
        inner.get("/")(lambda request: request.state.authentication.principal)
        between = App()
        between.provide("session", lambda: "between")
        between.mount("/inner", inner)
        app = App()
        app.mount("/between", between)
        with Client(app) as client:
            assert client.get("/between/inner/", headers=basic()).text == "between"

    def test_of_the_middleware_of_a_route(self) -> None:
        app = App()
        app.provide("session", lambda: "app")
        app.get("/", middleware=[authenticate(self.check())])(lambda request: request.state.authentication.principal)
        with Client(app) as client:
            assert client.get("/", headers=basic()).text == "app"

    def test_without_a_provider_the_start_fails(self) -> None:
        app = App(middleware=[authenticate(self.check())])
        with pytest.raises(HandlerError, match="RW216 Nothing provides 'session', which .*check at"):
            Client(app).__enter__()

    def test_without_a_provider_around_a_mounted_app(self) -> None:
        inner = App(middleware=[authenticate(self.check())])
        inner.get("/")(lambda request: "")
        app = App()
        app.mount("/inner", inner)
        with pytest.raises(HandlerError, match="RW216 Nothing provides 'session'"):
            Client(app).__enter__()

    def test_override(self) -> None:
        app = App(middleware=[authenticate(self.check())])
        app.get("/")(lambda request: request.state.authentication.principal)
        app.provide("session", lambda: "real")
        with Client(app) as client:
            assert client.get("/", headers=basic()).text == "real"
            with app.override("session", lambda: "fake"):
                assert client.get("/", headers=basic()).text == "fake"
            assert client.get("/", headers=basic()).text == "real"


def test_what_the_app_has_opened() -> None:
    def pool() -> Iterator[str]:
        yield "pool"

    app = App(middleware=[authenticate(APIKey("X-Key", check=lambda key: None), checking(pool, scope="app"))])
    app.get("/")(lambda request: request.state.authentication.principal.session)
    with Client(app) as client:
        assert client.get("/", headers=basic()).text == "pool"
        with app.override(pool, lambda: "fake"):
            assert client.get("/", headers=basic()).text == "fake"


def given(session: Annotated[str, Depends(lambda: "session")], request: Request) -> str:
    return f"{session} {request.path}"


Given = Annotated[str, Depends(given)]


class TestEverySchemeFunction:
    def served(self, scheme: Any) -> Client:
        app = App(middleware=[authenticate(scheme)])
        app.get("/")(lambda request: request.state.authentication.principal)
        return Client(app)

    def test_basic(self) -> None:
        class Users:
            def check(self, name: str, password: str, more: Given) -> str:
                return f"{name} {more}"

        assert self.served(BasicAuth(Users().check)).get("/", headers=basic()).text == "ada session /"

    def test_api_key(self) -> None:
        def check(key: str, more: Given, x_tenant: Annotated[str, Header()], strict: bool = True) -> str:
            return f"{key} {more} {x_tenant} {strict}"

        client = self.served(APIKey("X-Key", check=check))
        assert client.get("/", headers={"x-key": "k", "x-tenant": "t"}).text == "k session / t True"
        assert client.get("/", headers={"x-key": "k"}).status == 422

    def test_load_of_tokens(self) -> None:
        async def load(claims: dict[str, Any], more: Given) -> str:
            return f"{claims['sub']} {more}"

        token = TokenIssuer(SECRET, issuer=None, audience=None).issue("ada")
        client = self.served(BearerJWT(BearerJWTOptions(keys=SECRET, issuer=None, audience=None, load=load)))
        for _ in range(2):  # at the second request, the token was verified before
            assert client.get("/", headers={"authorization": f"Bearer {token}"}).text == "ada session /"

    def test_credentials(self) -> None:
        from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
        from twisted.cred.credentials import UsernamePassword

        def credentials(request: Request, more: Given) -> UsernamePassword:
            return UsernamePassword(more.encode(), b"right")

        users = InMemoryUsernamePasswordDatabaseDontUse(**{"session /": b"right"})
        assert self.served(CredAuth(users, credentials=credentials)).get("/").text == "session /"

    def test_digest(self) -> None:
        def find(name: str, more: Given) -> None:
            raise HTTPError(418, f"{name} {more}")

        app = App(middleware=[authenticate(DigestAuth(find))])
        client = Client(app)
        written = client.get("/").headers["www-authenticate"]
        nonce = written.partition('nonce="')[2].partition('"')[0]
        fields = f'username="ada", realm="app", nonce="{nonce}", uri="/", qop=auth, nc=00000001, cnonce="c"'
        answer = client.get(
            "/", headers={"authorization": f'Digest {fields}, algorithm=SHA-256, response="{"0" * 64}"'}
        )
        assert (answer.status, answer.json()["detail"]) == (418, "ada session /")


def test_the_description_has_the_inputs() -> None:
    def check(key: str, x_tenant: Annotated[str, Header(description="Your company.")]) -> str:
        return key

    app = App(middleware=[authenticate(APIKey("X-Key", check=check))])
    app.get("/")(lambda request: "")
    operation = described(app)["paths"]["/"]["get"]
    assert [(each["in"], each["name"]) for each in operation["parameters"]] == [("header", "x-tenant")]
    assert "422" in operation["responses"]


class TestMistakes:
    @pytest.mark.parametrize(
        ("check", "code", "what"),
        [
            (lambda name, password, other: None, "RW240", "which cannot be called with a name and a password: missing"),
            (lambda name: None, "RW240", "too many positional arguments"),
        ],
    )
    def test_parameters(self, check: Callable[..., Any], code: str, what: str) -> None:
        with pytest.raises(HandlerError, match=what) as error:
            BasicAuth(check)
        assert error.value.code == code

    def test_a_dependency_in_front(self) -> None:
        def check(more: Given, name: str, password: str) -> None: ...

        with pytest.raises(
            HandlerError, match="RW214 .*check at .*: more is in front of a parameter that the caller gives"
        ):
            BasicAuth(check)

    def test_the_body(self) -> None:
        def provider(body: Annotated[bytes, Body()]) -> None: ...

        with pytest.raises(HandlerError, match="RW218 .*check at .* needs the body of the request"):
            checking(provider)

    def test_a_marker_as_default(self) -> None:
        def check(name: str, password: str, more: str = Depends(given)) -> None: ...  # type: ignore[assignment]

        with pytest.raises(HandlerError, match="RW214 .*check at .*: more has Depends in the place of its default"):
            BasicAuth(check)


def test_middleware_that_calls_the_authentication_itself(sessions: Sessions) -> None:
    inside = authenticate(checking(sessions.generator))

    async def middleware(request: Request, next: Next) -> Any:
        return await inside(request, next)

    app = App(middleware=[middleware])
    app.get("/")(lambda request: str(request.state.authentication.principal.session))
    assert Client(app).get("/", headers=basic()).text == "1"
    assert sessions.closed == [""]


def test_two_schemes_share_a_session(sessions: Sessions, log: Log) -> None:
    def check(key: str, session: Annotated[int, Depends(sessions.generator)]) -> None:
        return None

    outer = authenticate(APIKey("X-Key", check=check), optional=True)
    app = App(middleware=[outer, authenticate(checking(sessions.generator))])
    app.get("/")(lambda request: str(request.state.authentication.principal.session))
    assert Client(app).get("/", headers=basic()).text == "1"
    assert log.text == ""
