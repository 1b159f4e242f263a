"""Tokens that were verified before: which checks are repeated, and which are not."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.auth.tokens import (
    AUDIENCE,
    ISSUER,
    NOW,
    OTHER_RSA,
    RSA,
    SECRET,
    Issuer,
    bearer,
    public,
    secret_key,
    serving,
    token,
)

from ropewalk import App, Request
from ropewalk.auth import JWKS, BearerJWT, BearerJWTOptions, TokenPrincipal, authenticate, principal_of
from ropewalk.auth.jwks import FetchedKeys
from ropewalk.auth.jwt_keys import Key
from ropewalk.errors import HandlerError
from ropewalk.testing import Client


class Service:
    """An app with a clock. Its handler changes the claims that it gets."""

    def __init__(self, keys: Any = SECRET, **options: Any) -> None:
        self.now = float(NOW)
        given = {"issuer": ISSUER, "audience": AUDIENCE, **options}
        self.scheme = BearerJWT(BearerJWTOptions(keys=keys, **given), clock=lambda: self.now)
        app = App(middleware=[authenticate(self.scheme)])
        self.seen: list[dict[str, Any]] = []

        @app.get("/")
        def me(request: Request) -> str:
            principal = principal_of(request, object)
            if isinstance(principal, TokenPrincipal):
                self.seen.append(dict(principal.claims))
                principal.claims["sub"] = "eve"
                principal.claims["aud"] = []
            return "in"

        self.client = Client(app)

    def statuses(self, *tokens: str) -> list[int]:
        return [int(self.client.get("/", headers=bearer(each)).status) for each in tokens]

    @property
    def remembered(self) -> int:
        return len(self.scheme._verified)


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The signed parts whose signature was verified."""
    found: list[bytes] = []
    verify = Key.verifies

    def verifies(key: Key, algorithm: str, signed: bytes, signature: bytes) -> bool:
        found.append(signed)
        return verify(key, algorithm, signed, signature)

    monkeypatch.setattr(Key, "verifies", verifies)
    return found


def hs256(**claims: Any) -> str:
    return token(secret_key(), "HS256", claims)


def test_a_signature_is_verified_once(verified: list[bytes]) -> None:
    service = Service()
    assert service.statuses(*[hs256()] * 3, *[hs256(sub="bob")] * 2) == [200] * 5
    assert len(verified) == 2
    assert service.remembered == 2


def test_none_is_remembered_if_that_is_wanted(verified: list[bytes]) -> None:
    service = Service(remembered=0)
    assert service.statuses(*[hs256()] * 3) == [200] * 3
    assert len(verified) == 3
    assert service.remembered == 0


def test_the_oldest_goes_first(verified: list[bytes]) -> None:
    service = Service(remembered=2)
    one, two, three = (hs256(jti=each) for each in "123")
    assert service.statuses(one, two, three, two, three) == [200] * 5
    assert (len(verified), service.remembered) == (3, 2)
    assert service.statuses(one) == [200]
    assert (len(verified), service.remembered) == (4, 2)


def test_other_bytes_are_another_token(verified: list[bytes]) -> None:
    service = Service()
    good = hs256()
    signed, _, signature = good.rpartition(".")
    other = f"{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    forged = f"{hs256(sub='root').rpartition('.')[0]}.{signature}"
    wrong = [f"{signed}.{other}", forged, f"{good}A", f"{signed}.", good[:-4]]
    assert service.statuses(good, *wrong, good) == [200, *[401] * 5, 200]
    assert service.remembered == 1


def test_refused_tokens_are_not_remembered() -> None:
    service = Service()
    refused = [hs256(exp=NOW - 60), hs256(nbf=NOW + 60), hs256(aud="bank"), hs256(iss="evil"), hs256(exp=None)]
    assert service.statuses(*refused, "a.b.c", token(secret_key("x" * 64), "HS256")) == [401] * 7
    assert service.remembered == 0


def test_the_times_are_checked_each_time() -> None:
    service = Service()
    expiring, beginning = hs256(exp=NOW + 300), hs256(nbf=NOW, exp=NOW + 1000)
    assert service.statuses(expiring, beginning) == [200, 200]
    service.now = NOW + 329
    assert service.statuses(expiring, beginning) == [200, 200]
    service.now = NOW + 330
    response = service.client.get("/", headers=bearer(expiring))
    assert response.status == 401
    assert "The token has expired" in response.headers["www-authenticate"]
    assert response.json()["detail"] == "The token has expired."
    assert service.statuses(beginning) == [200]
    service.now = NOW - 31  # the clock was set back
    assert service.statuses(expiring, beginning) == [200, 401]


def test_the_claims_are_those_of_the_token_each_time() -> None:
    service = Service()
    assert service.statuses(*[hs256()] * 3) == [200] * 3
    assert [each["sub"] for each in service.seen] == ["ada"] * 3
    assert [each["aud"] for each in service.seen] == [AUDIENCE] * 3


def test_scopes_and_roles_are_remembered() -> None:
    scheme = BearerJWT(BearerJWTOptions(keys=SECRET, issuer=ISSUER, audience=AUDIENCE), clock=lambda: NOW)
    app = App(middleware=[authenticate(scheme)])

    @app.get("/")
    def me(request: Request) -> list[list[str]]:
        principal = principal_of(request, TokenPrincipal)
        return [sorted(principal.scopes), sorted(principal.roles)]

    written = hs256(scope="rooms:read rooms:write", roles=["clerk"])
    found = [Client(app).get("/", headers=bearer(written)).json() for _ in range(2)]
    assert found == [[["rooms:read", "rooms:write"], ["clerk"]]] * 2


def test_a_principal_is_loaded_each_time(verified: list[bytes]) -> None:
    allowed = {"ada"}

    def load(claims: dict[str, Any]) -> str | None:
        subject = str(claims.pop("sub"))
        return subject if subject in allowed else None

    service = Service(load=load)
    assert service.statuses(hs256(), hs256()) == [200, 200]
    allowed.clear()
    assert service.statuses(hs256()) == [401]
    assert len(verified) == 1


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer(public(RSA, kid="1"))
    with serving(issuer):
        yield issuer


def test_new_keys_have_every_token_verified_again(issuer: Issuer, verified: list[bytes]) -> None:
    jwks = JWKS(url=issuer.url)
    service = Service(jwks)
    clock = [1000.0]
    service.scheme._fetched = FetchedKeys(jwks, None, lambda: clock[0])
    one, two = token(RSA, "RS256", kid="1"), token(OTHER_RSA, "RS256", kid="2")
    assert service.statuses(one, one) == [200, 200]
    assert len(verified) == 1
    issuer.publish(public(RSA, kid="1"), public(OTHER_RSA, kid="2"))
    clock[0] += 30
    assert service.statuses(two, one, one, two) == [200] * 4
    assert len(verified) == 3
    issuer.publish(public(OTHER_RSA, kid="2"))
    clock[0] += 30
    assert service.statuses(token(RSA, "RS256", kid="3"), one, two) == [401, 401, 200]
    assert service.remembered == 1
    assert issuer.calls == 3


def test_remembered_tokens_are_refused_without_usable_keys(issuer: Issuer) -> None:
    jwks = JWKS(url=issuer.url, longest_use=3600)
    service = Service(jwks)
    clock = [1000.0]
    service.scheme._fetched = FetchedKeys(jwks, None, lambda: clock[0])
    one = token(RSA, "RS256", kid="1")
    assert service.statuses(one, one) == [200, 200]
    issuer.status = 500
    clock[0] += 4000
    assert service.statuses(one) == [503]


@pytest.mark.parametrize("wrong", [-1, 1.5, True, None, "many"])
def test_wrong_numbers(wrong: Any) -> None:
    with pytest.raises(HandlerError, match="RW240"):
        Service(remembered=wrong)
