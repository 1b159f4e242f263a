"""Logins at a provider of OAuth 2.0 without OpenID Connect."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit.auth.oauth.conftest import SECRET, app_with
from tests.unit.auth.oauth.provider import CALLBACK, CLIENT, CLIENT_SECRET, Provider
from tests.unit.conftest import Log

from ropewalk.auth import OAuth2Login, OAuth2LoginOptions, Tokens
from ropewalk.testing import Client


def browser_for(provider: Provider, **options: Any) -> Client:
    defaults = {
        "client_id": CLIENT,
        "client_secret": CLIENT_SECRET,
        "redirect_uri": CALLBACK,
        "secret": SECRET,
        "authorization_url": f"{provider.issuer}/authorize?tenant=1",
        "token_url": f"{provider.issuer}/token",
        "timeout": 10,
    }
    login = OAuth2Login(OAuth2LoginOptions(**{**defaults, **options}))
    return Client(app_with(login), base_url="https://hotel.example")


def log_in(browser: Client, provider: Provider, user: str = "ada") -> Any:
    url = browser.get("/auth/login").headers["location"]
    return browser.get(provider.log_in(url, user))


def test_a_user_by_url(provider: Provider, log: Log) -> None:
    seen: list[Any] = []
    options = {"userinfo_url": f"{provider.issuer}/userinfo", "subject_claim": "id", "scopes": ("read:user",)}
    browser = browser_for(provider, on_login=lambda principal, tokens: seen.append((principal, tokens)), **options)
    url = browser.get("/auth/login").headers["location"]
    query = parse_qs(urlsplit(url).query)
    assert query["tenant"] == ["1"]
    assert query["scope"] == ["read:user"]
    assert query["code_challenge_method"] == ["S256"]
    assert "nonce" not in query
    assert browser.get(provider.log_in(url)).status == 303
    assert browser.get("/me").text == "7"
    principal, tokens = seen[0]
    assert principal.claims == {"sub": "7", "iss": provider.issuer, "email": "ada@hotel.example", "name": "Ada"}
    assert tokens.scopes == {"read:user"}
    assert tokens.id_token is None
    assert set(provider.calls) == {"/token", "/userinfo"}
    assert log == []


def test_a_user_by_function(provider: Provider) -> None:
    async def find_user(tokens: Tokens) -> dict[str, Any] | None:
        name = provider.access_tokens[tokens.access_token]
        return None if name == "eve" else {"sub": name}

    browser = browser_for(provider, find_user=find_user)
    assert log_in(browser, provider, "eve").status == 403
    assert browser.get("/me").text == "None"
    assert log_in(browser, provider).status == 303
    assert browser.get("/me").text == "ada"


@pytest.mark.parametrize("user", [{}, {"sub": None}, {"sub": True}, {"sub": ""}, {"sub": ["x"]}])
def test_users_without_a_subject(provider: Provider, user: dict[str, Any], log: Log) -> None:
    browser = browser_for(provider, find_user=lambda tokens: user)
    assert log_in(browser, provider).status == 502
    assert browser.get("/me").text == "None"


def test_the_issuer_of_the_response(provider: Provider) -> None:
    options: dict[str, Any] = {"find_user": lambda tokens: {"sub": "ada"}}
    assert log_in(browser_for(provider, issuer=provider.issuer, **options), provider).status == 303
    assert log_in(browser_for(provider, issuer="https://other.example", **options), provider).status == 400


def test_pkce_protects_the_code(provider: Provider) -> None:
    browser = browser_for(provider, find_user=lambda tokens: {"sub": "ada"})
    attacker = browser_for(provider, find_user=lambda tokens: {"sub": "ada"})
    stolen = parse_qs(urlsplit(provider.log_in(attacker.get("/auth/login").headers["location"])).query)["code"][0]
    state = parse_qs(urlsplit(browser.get("/auth/login").headers["location"]).query)["state"][0]
    assert browser.get(provider.back(state, code=stolen)).status == 400


@pytest.mark.parametrize("access_token", ["a\r\nx: y", "a b", "\u00fc", "\u20ac", "\x00", ""])
def test_tokens_that_no_field_can_carry(provider: Provider, access_token: str, log: Log) -> None:
    provider.tokens = lambda tokens: {**tokens, "access_token": access_token}
    browser = browser_for(provider, userinfo_url=f"{provider.issuer}/userinfo")
    assert log_in(browser, provider).status == 502
    assert "/userinfo" not in provider.calls
    assert [event["log_level"].name for event in log] == ["warn"]
