"""Tokens that a service issues itself."""

import json
from base64 import urlsafe_b64decode
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.auth.tokens import ED448, ED25519, NOW, P_256, P_384, P_521, RSA, SECRET, bearer, pem, public

from ropewalk import App, Request
from ropewalk.auth import BearerJWT, BearerJWTOptions, TokenIssuer, TokenPrincipal, authenticate, principal_of, requires
from ropewalk.errors import HandlerError
from ropewalk.testing import Client


def issuer(key: Any = SECRET, algorithm: str | None = None, **options: Any) -> TokenIssuer:
    given: dict[str, Any] = {"issuer": "hotel", "audience": "guests", "clock": lambda: NOW}
    return TokenIssuer(key, algorithm, **(given | options))


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims = (json.loads(urlsafe_b64decode(each + "==")) for each in token.split(".")[:2])
    return header, claims


def client_for(keys: Any) -> Client:
    scheme = BearerJWT(BearerJWTOptions(keys=keys, issuer="hotel", audience="guests"), clock=lambda: NOW)
    app = App(middleware=[authenticate(scheme)])

    @app.get("/")
    def me(request: Request) -> dict[str, Any]:
        found = principal_of(request, TokenPrincipal)
        return {"subject": found.subject, "scopes": sorted(found.scopes), "roles": sorted(found.roles)}

    @app.get("/rooms")
    @requires("rooms:read")
    def rooms(request: Request) -> str:
        return "rooms"

    return Client(app)


def private(key: Any) -> bytes:
    found: bytes = key.as_pem(private=True)
    return found


@pytest.mark.parametrize(
    ("key", "algorithm", "verifier"),
    [
        (SECRET, "HS256", SECRET),
        (SECRET.encode(), "HS256", SECRET),
        (private(RSA), "RS256", pem(RSA)),
        (private(RSA).decode(), "RS256", pem(RSA)),
        (private(P_256), "ES256", pem(P_256)),
        (private(P_384), "ES384", pem(P_384)),
        (private(P_521), "ES512", pem(P_521)),
        (private(ED25519), "EdDSA", pem(ED25519)),
        (private(ED448), "EdDSA", pem(ED448)),
        *((key.as_dict(private=True), name, public(key)) for key, name in ((RSA, "RS256"), (ED25519, "EdDSA"))),
    ],
)
def test_the_key_decides_on_the_algorithm(key: Any, algorithm: str, verifier: Any) -> None:
    written = issuer(key).issue("ada", scopes=["rooms:read"], roles=["clerk"])
    assert parts(written)[0]["alg"] == algorithm
    response = client_for(verifier).get("/", headers=bearer(written))
    assert response.json() == {"subject": "ada", "scopes": ["rooms:read"], "roles": ["clerk"]}
    assert client_for("another secret of 32 bytes, or more").get("/", headers=bearer(written)).status == 401


def test_a_chosen_algorithm() -> None:
    assert issuer(SECRET, "HS512").algorithm == "HS512"
    written = issuer(private(RSA), "PS256").issue("ada")
    assert client_for(pem(RSA)).get("/", headers=bearer(written)).status == 200


def test_claims() -> None:
    signer = issuer(lifetime=timedelta(minutes=5))
    header, claims = parts(signer.issue("ada", hotel=3))
    identifier = claims.pop("jti")
    assert header == {"alg": "HS256", "typ": "JWT"}
    assert claims == {"iss": "hotel", "aud": "guests", "sub": "ada", "iat": NOW, "exp": NOW + 300, "hotel": 3}
    assert signer.expires_in == 300
    assert len(identifier) >= 22
    assert parts(signer.issue("ada"))[1]["jti"] != identifier


def test_no_issuer_and_several_audiences() -> None:
    claims = parts(issuer(issuer=None, audience=("guests", "clerks")).issue("ada"))[1]
    assert "iss" not in claims
    assert claims["aud"] == ["guests", "clerks"]
    assert "aud" not in parts(issuer(audience=None).issue("ada"))[1]


def test_the_key_id() -> None:
    key = RSA.as_dict(private=True) | {"kid": "2030-01", "use": "sig"}
    assert parts(issuer(key).issue("ada"))[0]["kid"] == "2030-01"


def test_scopes_are_words() -> None:
    claims = parts(issuer().issue("ada", scopes="rooms:write rooms:read", roles="clerk"))[1]
    assert (claims["scope"], claims["roles"]) == ("rooms:read rooms:write", ["clerk"])
    client = client_for(SECRET)
    assert client.get("/rooms", headers=bearer(issuer().issue("ada", scopes=()))).status == 403
    assert client.get("/rooms", headers=bearer(issuer().issue("ada", scopes=("rooms:read",)))).status == 200


def test_the_clock_of_the_test_client() -> None:
    signer = TokenIssuer(SECRET, issuer="hotel", audience="guests", lifetime=timedelta(minutes=5))
    app = App()

    @app.post("/tokens")
    def log_in(request: Request) -> str:
        return signer.issue("ada")

    scheme = BearerJWT(BearerJWTOptions(keys=SECRET, issuer="hotel", audience="guests"))

    @app.get("/me", middleware=[authenticate(scheme)])
    def me(request: Request) -> str:
        return "ada"

    client = Client(app)
    first = client.post("/tokens").text
    client.advance(400)
    second = client.post("/tokens").text
    assert [client.get("/me", headers=bearer(each)).status for each in (first, second)] == [401, 200]


@pytest.mark.parametrize(
    ("key", "algorithm", "why"),
    [
        ("short", None, "a secret needs at least 32 bytes"),
        (SECRET, "none", "has the algorithms"),
        (SECRET, "RS256", "it suits none of the allowed algorithms"),
        (SECRET[:32], "HS512", "it suits none of the allowed algorithms"),
        (pem(RSA), None, "it is a public key"),
        (private(RSA), "HS256", "it suits none of the allowed algorithms"),
        (public(RSA), None, "it is a public key"),
        (RSA.as_dict(private=True) | {"use": "enc"}, None, "it is not for signatures"),
        (RSA.as_dict(private=True) | {"key_ops": ["verify"]}, None, "it is not for signatures"),
        ((SECRET,), None, "it is neither str nor bytes nor a dict"),
    ],
)
def test_keys_that_cannot_sign(key: Any, algorithm: str | None, why: str) -> None:
    with pytest.raises(HandlerError, match=f"RW240 .*{why}"):
        issuer(key, algorithm)


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=-1), 3600, None])
def test_wrong_lifetimes(lifetime: Any) -> None:
    with pytest.raises(HandlerError, match="RW240 TokenIssuer has the invalid value lifetime="):
        issuer(lifetime=lifetime)


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": 1},
        {"subject": ""},
        {"subject": None},
        {"exp": 0},
        {"aud": "all"},
        {"jti": "1"},
        {"scope": "all"},
        {"scopes": ["rooms:read rooms:write"]},
        {"scopes": [""]},
        {"scopes": [1]},
        {"scopes": {"rooms:read": False}},
        {"roles": 1},
    ],
)
def test_what_issue_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(HandlerError, match="RW240 TokenIssuer got "):
        issuer().issue(**({"subject": "ada"} | wrong))
