"""At the level debug, the log has the reason why credentials are refused. The client does not get the reason."""

from typing import Any

import pytest
from tests.unit.auth.conftest import basic, check_key, check_user
from tests.unit.auth.tokens import AUDIENCE, ISSUER, NOW, OTHER_RSA, RSA, SECRET, bearer, public, secret_key, token
from tests.unit.conftest import Log

from ropewalk import App
from ropewalk.auth import APIKey, BasicAuth, BearerJWT, BearerJWTOptions, DigestAuth, Scheme, authenticate
from ropewalk.testing import Client


def refusal(scheme: Scheme, headers: dict[str, str], debug_log: Log, status: int = 401) -> str:
    """The reason in the log for a refusal of these headers."""
    response = Client(App(middleware=[authenticate(scheme)])).get("/rooms", headers=headers)
    assert response.status == status
    (event,) = (each for each in debug_log if "refused the credentials" in str(each.get("log_format")))
    assert event["why"] not in response.text
    assert f"GET /rooms: the scheme {scheme.name} refused the credentials: {event['why']}." in debug_log.text
    return str(event["why"])


def scheme(keys: Any = None, **options: Any) -> BearerJWT:
    given = {"keys": RSA_KEY if keys is None else keys, "issuer": ISSUER, "audience": AUDIENCE, **options}
    return BearerJWT(BearerJWTOptions(**given), clock=lambda: NOW)


RSA_KEY = public(RSA, kid="first")


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": "hotels"}, "its audience (aud) is 'hotels', not 'hotel'"),
        ({"aud": None}, "its audience (aud) is None, not 'hotel'"),
        ({"iss": "http://evil"}, "its issuer (iss) is 'http://evil', not 'https://issuer.example'"),
        ({"exp": NOW - 300}, "it expired 300 s ago (exp)"),
        ({"exp": None}, "it lacks the claim exp, which is required"),
        ({"nbf": NOW + 300}, "its claim nbf is 300 s in the future"),
        ({"iat": NOW + 300}, "its claim iat is 300 s in the future"),
        ({"exp": "soon"}, "its claim exp is 'soon', which is not a time"),
        ([1], "its header or its claims are not a JSON object"),
    ],
)
def test_claims(claims: Any, why: str, debug_log: Log) -> None:
    assert refusal(scheme(), bearer(token(RSA, "RS256", claims)), debug_log) == why


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (token(OTHER_RSA, "RS256"), "its signature does not fit the keys"),
        (token(RSA, "RS256", kid="other"), "no key has its alg 'RS256' and its kid 'other'"),
        (token(secret_key(), "HS256"), "no key has its alg 'HS256' and its kid None"),
        (token(RSA, "RS256", typ="at+jwt"), "its typ is 'at+jwt', and token_types is ('jwt',)"),
        (token(RSA, "RS256", crit=["b64"]), "its header has crit, or an alg or kid that is not text"),
        ("opaque", "it does not consist of three parts in base64url"),
        ("x" * 10_000, "it has 10000 bytes, and token_limit is 8192"),
    ],
)
def test_tokens(written: str, why: str, debug_log: Log) -> None:
    assert refusal(scheme(token_types=("jwt",)), bearer(written), debug_log) == why


def test_a_user_that_load_does_not_find(debug_log: Log) -> None:
    why = "`load` has returned None for its claims"
    assert refusal(scheme(load=lambda claims: None), bearer(token(RSA, "RS256")), debug_log) == why


@pytest.mark.parametrize(
    ("scheme", "headers", "status", "why"),
    [
        (BasicAuth(check_user), basic("ada", "SECRET"), 401, "`check` has returned None for the name and the password"),
        (BasicAuth(check_user), {"Authorization": "Basic %"}, 401, "they are not a name, a colon and a password"),
        (APIKey("x-key", check=check_key), {"x-key": "SECRET"}, 401, "`check` has returned None for the key, or"),
        (DigestAuth(lambda name: None), {"Authorization": "Digest a"}, 400, "they are not a list of fields"),
        (DigestAuth(lambda name: None), {"Authorization": "Digest realm=a"}, 400, "they lack one of realm, nonce,"),
        (scheme(SECRET), {"Authorization": "Bearer"}, 400, "there is no token after `Bearer`"),
    ],
)
def test_other_schemes(scheme: Scheme, headers: dict[str, str], status: int, why: str, debug_log: Log) -> None:
    assert refusal(scheme, headers, debug_log, status).startswith(why)
    assert "SECRET" not in debug_log.text
