"""A secret in the wrong place is not shown by the message about it."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.conftest import Log

from ropewalk import App
from ropewalk.auth import (
    APIKey,
    BasicAuth,
    BearerJWTOptions,
    CredAuth,
    DigestAuth,
    OAuth2,
    authenticate,
)
from ropewalk.errors import HandlerError
from ropewalk.testing import Client

SECRET: Any = "TOPSECRET" * 4
OPTIONS: Any = BearerJWTOptions(keys=SECRET, issuer="a", audience="b")

WRONG: list[Callable[[], object]] = [
    lambda: authenticate(OPTIONS),
    lambda: authenticate(SECRET),
    lambda: APIKey("X-Key", check=SECRET),
    lambda: BasicAuth(SECRET),
    lambda: CredAuth(SECRET),
    lambda: CredAuth(OPTIONS),
    lambda: OAuth2(SECRET, "https://login.example/"),
    lambda: OAuth2(OPTIONS, "https://login.example/"),
]


@pytest.mark.parametrize("mistake", WRONG)
def test_only_the_type_is_shown(mistake: Callable[[], object]) -> None:
    with pytest.raises(HandlerError, match="RW240 .* a value of type (str|ropewalk)") as caught:
        mistake()
    assert "TOPSECRET" not in str(caught.value)


def test_the_remedy_for_options_without_their_scheme() -> None:
    with pytest.raises(HandlerError, match=r"authenticate\(BearerJWT\(BearerJWTOptions\(\.\.\.\)\)\)"):
        authenticate(OPTIONS)


def test_a_password_in_place_of_a_user(log: Log) -> None:
    app = App(middleware=[authenticate(DigestAuth(lambda name: SECRET))])
    app.get("/")(lambda request: "")
    challenge = Client(app, raise_errors=False).get("/").headers["www-authenticate"]
    nonce = challenge.partition('nonce="')[2].partition('"')[0]
    digest = (
        f'Digest username="a", realm="app", nonce="{nonce}", uri="/", response="{"0" * 64}", algorithm=SHA-256,'
        ' qop=auth, nc=00000001, cnonce="a"'
    )
    response = Client(app, raise_errors=False).get("/", headers={"authorization": digest})
    assert response.status == 500
    assert "RW242" in log.text
    assert "TOPSECRET" not in log.text
