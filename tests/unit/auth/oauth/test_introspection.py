"""Tokens that are checked with a request to the provider (RFC 7662)."""

from typing import Any

import pytest
from tests.unit.auth.oauth.provider import CLIENT, CLIENT_SECRET, Provider
from tests.unit.auth.tokens import AUDIENCE, NOW, bearer
from tests.unit.conftest import Log

from ropewalk import App
from ropewalk.auth import TokenIntrospection, TokenIntrospectionOptions, authenticate, requires
from ropewalk.errors import HandlerError
from ropewalk.testing import Client

CLAIMS = {"active": True, "sub": "ada", "aud": AUDIENCE, "exp": NOW + 300, "scope": "rooms:read"}


class Service:
    """A service, and the time of its clock."""

    def __init__(self, provider: Provider, **options: Any) -> None:
        self.now = float(NOW)
        defaults = {
            "url": f"{provider.issuer}/introspect",
            "client_id": CLIENT,
            "client_secret": CLIENT_SECRET,
            "audience": AUDIENCE,
            "timeout": 10,
        }
        self.scheme = TokenIntrospection(TokenIntrospectionOptions(**{**defaults, **options}), clock=lambda: self.now)
        app = App(middleware=[authenticate(self.scheme)])
        app.get("/")(lambda request: str(getattr(request.state.authentication.principal, "subject", "other")))
        app.get("/rooms")(requires("rooms:write")(lambda request: "rooms"))
        self.client = Client(app)

    def get(self, token: str, path: str = "/") -> Any:
        return self.client.get(path, headers=bearer(token))


@pytest.mark.parametrize("how", ["basic", "post"])
def test_tokens(provider: Provider, how: Any, log: Log) -> None:
    provider.active = {"t1": CLAIMS, "t2": {**CLAIMS, "scope": "rooms:write"}}
    service = Service(provider, client_authentication=how)
    assert service.get("t1").text == "ada"
    assert service.client.get("/").headers["www-authenticate"] == 'Bearer realm="app"'
    refused = service.get("unknown")
    assert refused.status == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert service.get("t1", "/rooms").status == 403
    assert service.get("t2", "/rooms").text == "rooms"
    assert log == []


def test_claims_are_kept_for_a_while(provider: Provider) -> None:
    provider.active = {"t1": CLAIMS}
    service = Service(provider)
    assert [service.get("t1").status for _ in range(3)] == [200] * 3
    assert [service.get("unknown").status for _ in range(3)] == [401] * 3
    assert provider.calls["/introspect"] == 2
    provider.active = {}
    assert service.get("t1").status == 200
    service.now += 30
    assert service.get("t1").status == 401
    never = Service(provider, keep_time=0)
    provider.active = {"t1": CLAIMS}
    assert never.get("t1").status == 200
    provider.active = {}
    assert never.get("t1").status == 401
    assert len(never.scheme._kept) == 0


def test_a_kept_token_expires(provider: Provider) -> None:
    provider.active = {"t1": {**CLAIMS, "exp": NOW + 10}}
    service = Service(provider, keep_time=300, leeway=0)
    assert service.get("t1").status == 200
    service.now += 10
    assert service.get("t1").status == 401


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"aud": "another-service"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"exp": NOW - 31},
        {"exp": "soon"},
        {"nbf": NOW + 60},
    ],
    ids=repr,
)
def test_claims(provider: Provider, change: dict[str, Any], log: Log) -> None:
    provider.active = {"t1": {**CLAIMS, "iss": provider.issuer, **change}}
    assert Service(provider, issuer=provider.issuer).get("t1").status == 401
    provider.active = {"t1": {**CLAIMS, "iss": provider.issuer}}
    assert Service(provider, issuer=provider.issuer).get("t1").status == 200
    assert log == []


@pytest.mark.parametrize(("token", "status"), [("", 400), ("a b", 401), ("ü", 401), ("a" * 4097, 401), ("{}", 401)])
def test_malformed_tokens(provider: Provider, token: str, status: int) -> None:
    assert Service(provider).get(token).status == status
    assert provider.calls.total() == 0


@pytest.mark.parametrize(
    ("response", "status"),
    [
        ((500, b""), 503),
        ((401, b'{"error": "invalid_client"}'), 502),
        ((200, b"<html>"), 502),
        ((200, b"[]"), 502),
        ((200, b"{}"), 502),
        ((200, b'{"active": "true"}'), 502),
        ((200, b" " * 70_000), 503),
    ],
)
def test_a_provider_that_does_not_work(provider: Provider, response: Any, status: int, log: Log) -> None:
    provider.raw["/introspect"] = response
    service = Service(provider)
    found = service.get("t1")
    assert (found.status, "retry-after" in found.headers) == (status, status == 503)
    assert [event["log_level"].name for event in log] == ["warn"]
    provider.raw.clear()
    provider.active = {"t1": CLAIMS}
    assert service.get("t1").status == 200


def test_load(provider: Provider) -> None:
    provider.active = {"t1": CLAIMS, "t2": {**CLAIMS, "sub": "eve"}}

    async def load(claims: dict[str, Any]) -> str | None:
        return claims.pop("sub") if claims["sub"] != "eve" else None

    service = Service(provider, load=load)
    assert [service.get("t1").text, service.get("t1").text] == ["other", "other"]
    assert service.get("t2").status == 401


def test_wrong_options() -> None:
    options: dict[str, Any] = {"client_id": "c", "client_secret": "hidden", "audience": None}
    for wrong in ({"url": "http://login.example/"}, {"url": "https://h/", "client_authentication": "none"}):
        with pytest.raises(HandlerError, match="RW240"):
            TokenIntrospectionOptions(**{**options, **wrong})
    assert "hidden" not in repr(TokenIntrospectionOptions(url="https://h/", **options))
