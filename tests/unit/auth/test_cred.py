"""Checkers and portals of twisted.cred."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.auth.conftest import basic
from tests.unit.conftest import Log
from twisted.cred.checkers import FilePasswordDB, ICredentialsChecker, InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import ICredentials, IUsernamePassword
from twisted.cred.error import LoginDenied, UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import fail, succeed
from zope.interface import Interface, implementer

from ropewalk import App, Request
from ropewalk.auth import Challenge, CredAuth, authenticate, requires
from ropewalk.errors import HandlerError
from ropewalk.testing import Client


class IGuest(Interface):
    """The avatar of a guest."""


class IToken(ICredentials):
    """Credentials that the application defines."""


@implementer(IGuest)
class Guest:
    roles = ("guest",)

    def __init__(self, name: str) -> None:
        self.name = name


@implementer(IToken)
class Token:
    def __init__(self, text: str) -> None:
        self.text = text


@implementer(ICredentialsChecker)
class TokenChecker:
    credentialInterfaces = (IToken,)

    def requestAvatarId(self, credentials: Any) -> Any:
        return succeed("token-user") if credentials.text == "t1" else fail(UnauthorizedLogin())


@implementer(IRealm)
class Realm:
    def __init__(self) -> None:
        self.events: list[str] = []

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> tuple[Any, Any, Callable[[], None]]:
        name = avatarId.decode()
        if name == "banned":
            raise LoginDenied
        self.events.append(f"login {name}")
        return IGuest, Guest(name), lambda: self.events.append(f"logout {name}")


def users() -> Any:
    checker = InMemoryUsernamePasswordDatabaseDontUse()
    checker.addUser(b"ada", b"s3cret")
    checker.addUser(b"banned", b"s3cret")
    checker.addUser("zoë".encode(), b"x")
    return checker


def client_for(scheme: CredAuth) -> Client:
    app = App(middleware=[authenticate(scheme)])

    @app.get("/")
    def me(request: Request) -> str:
        principal = request.state.authentication.principal
        return principal.decode() if isinstance(principal, bytes) else str(getattr(principal, "name", principal))

    app.get("/guests")(requires(role="guest")(lambda request: "guests"))
    return Client(app, raise_errors=False)


def test_a_checker(log: Log) -> None:
    client = client_for(CredAuth(users()))
    assert client.get("/", headers=basic("ada", "s3cret")).text == "ada"
    assert client.get("/", headers=basic("zoë", "x")).text == "zoë"
    for headers in ({}, basic("ada", "no"), basic("eve", "s3cret"), {"Authorization": "Basic !"}):
        refused = client.get("/", headers=headers)
        assert (refused.status, refused.headers["www-authenticate"]) == (401, 'Basic realm="app", charset="UTF-8"')
    assert log == []


def test_a_file_of_passwords(tmp_path: Any) -> None:
    file = tmp_path / "passwords"
    file.write_text("ada:s3cret\n")
    client = client_for(CredAuth(FilePasswordDB(str(file))))
    assert client.get("/", headers=basic("ada", "s3cret")).text == "ada"
    assert client.get("/", headers=basic("ada", "no")).status == 401


def test_a_portal_with_its_logout(log: Log) -> None:
    realm = Realm()
    client = client_for(CredAuth(Portal(realm, [users()]), interfaces=(IGuest,)))
    assert client.get("/", headers=basic("ada", "s3cret")).text == "ada"
    assert realm.events == ["login ada", "logout ada"]
    assert client.get("/guests", headers=basic("ada", "s3cret")).text == "guests"
    assert client.get("/", headers=basic("ada", "no")).status == 401
    assert client.get("/", headers=basic("banned", "s3cret")).status == 401
    assert realm.events == ["login ada", "logout ada"] * 2
    assert log == []


def test_other_credentials_and_several_checkers() -> None:
    def credentials(request: Request) -> Token | None:
        text = request.header("x-token")
        return None if text is None else Token(text)

    scheme = CredAuth(
        users(),
        TokenChecker(),
        credentials=credentials,
        challenge=Challenge("Token"),
        description={"type": "http", "scheme": "token"},
    )
    client = client_for(scheme)
    assert client.get("/", headers={"X-Token": "t1"}).text == "token-user"
    refused = client.get("/", headers={"X-Token": "t2"})
    assert (refused.status, refused.headers["www-authenticate"]) == (401, "Token")
    assert scheme.openapi() == {"type": "http", "scheme": "token"}


def test_an_error_of_a_checker_is_logged(log: Log) -> None:
    @implementer(ICredentialsChecker)
    class Broken:
        credentialInterfaces = (IUsernamePassword,)

        def requestAvatarId(self, credentials: Any) -> Any:
            raise RuntimeError("no database")

    assert client_for(CredAuth(Broken())).get("/", headers=basic("ada", "s3cret")).status == 500
    assert "no database" in log.text


@pytest.mark.parametrize("given", [(), (print,), (Portal(Realm(), []),), (Portal(Realm(), []), TokenChecker())])
def test_wrong_arguments(given: Any) -> None:
    with pytest.raises(HandlerError, match="RW240"):
        CredAuth(*given)
