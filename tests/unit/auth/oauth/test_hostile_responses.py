"""Responses from attackers, or from a provider with errors."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from tests.unit.auth.oauth.conftest import SECRET, Site, app_with
from tests.unit.auth.oauth.provider import CALLBACK, CLIENT, CLIENT_SECRET, Provider, providing
from tests.unit.auth.tokens import OTHER_RSA, P_256, RSA, part, pem, public, secret_key, token
from tests.unit.conftest import Log

from ropewalk.auth import OpenIDConnect, OpenIDConnectOptions, authenticate
from ropewalk.auth.oauth import pending_logins
from ropewalk.auth.oauth.signed_values import SignedValues
from ropewalk.errors import HandlerError
from ropewalk.testing import Client

Sign = Callable[[dict[str, Any]], str]


def state_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


def refused(site: Site, response: Any, status: int) -> None:
    """Check that the browser got this status, and is not logged in."""
    assert response.status == status
    assert response.headers["cache-control"] == "no-store"
    assert [line for line in response.headers.all("set-cookie") if line.startswith("__Host-login=")] == []
    assert site.user() == "None"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"iss": ["x"]},
        {"aud": "another-service"},
        {"aud": None},
        {"aud": []},
        {"aud": [CLIENT, "another-service"]},
        {"aud": [CLIENT, "another-service"], "azp": "another-service"},
        {"azp": "another-service"},
        {"azp": 3},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"iat": None},
        {"iat": 99999999999},
        {"nbf": 99999999999},
        {"sub": None},
        {"sub": ""},
        {"sub": 3},
        {"sub": "a" * 256},
        {"at_hash": "x" * 22},
        {"at_hash": 3},
        {"at_hash": ["x"]},
        {"amr": "password"},
        {"auth_time": "yesterday"},
    ],
    ids=repr,
)
def test_claims_of_an_id_token(site: Site, provider: Provider, change: dict[str, Any], log: Log) -> None:
    provider.claims = lambda claims: {**claims, **change}
    refused(site, site.log_in(), 502)
    assert [event["log_level"].name for event in log] == ["warn"]
    assert "RW245" in log.text


@pytest.mark.parametrize("aud", [CLIENT, [CLIENT], [CLIENT, "other"]])
def test_audiences_that_are_right(site: Site, provider: Provider, aud: Any) -> None:
    provider.claims = lambda claims: {**claims, "aud": aud, "azp": CLIENT}
    assert site.log_in().status == 303


@pytest.mark.parametrize("nonce", ["another", None, 3, ["x"], ""])
def test_the_nonce_of_another_login(site: Site, provider: Provider, nonce: Any, log: Log) -> None:
    provider.claims = lambda claims: {**claims, "nonce": nonce}
    refused(site, site.log_in(), 400)
    assert log == []


@pytest.mark.parametrize(
    "sign",
    [
        lambda claims: f"{part({'alg': 'none'})}.{part(claims)}.",
        lambda claims: f"{part({'alg': 'none', 'kid': '1'})}.{part(claims)}.{part(b'x')}",
        lambda claims: token(pem(RSA), "HS256", claims, kid="1"),
        lambda claims: token(secret_key(), "HS256", claims),
        lambda claims: token(CLIENT_SECRET.encode(), "HS256", claims),
        lambda claims: token(OTHER_RSA, "RS256", claims, kid="1"),
        lambda claims: token(OTHER_RSA, "RS256", claims, kid="unknown"),
        lambda claims: token(OTHER_RSA, "RS256", claims, jwk=public(OTHER_RSA)),
        lambda claims: token(OTHER_RSA, "RS256", claims, jku="https://evil.example/jwks"),
        lambda claims: token(P_256, "ES256", claims, kid="1"),
        lambda claims: token(RSA, "RS256", claims, kid="1", crit=["b64"], b64=False),
        lambda claims: token(RSA, "RS256", claims, kid="1", typ="at+jwt"),
        lambda claims: token(RSA, "RS256", claims, kid="1")[:-8] + "AAAAAAAA",
        lambda claims: token(RSA, "RS256", [claims], kid="1"),
        lambda claims: token(RSA, "RS256", {**claims, "x": "y" * 40000}, kid="1"),
        lambda _: "a.b.c",
        lambda _: "ü",
        lambda _: "",
        lambda _: 3,
        lambda _: None,
    ],
)
def test_signatures_of_an_id_token(site: Site, provider: Provider, sign: Any, log: Log) -> None:
    provider.sign = sign
    refused(site, site.log_in(), 502)
    assert "RW245" in log.text


def test_max_age(provider: Provider, log: Log) -> None:
    site = Site(provider, authorization_parameters={"max_age": "60"})
    for auth_time in (None, 1, int(site.now()) - 91):
        provider.claims = lambda claims, auth_time=auth_time: {**claims, "auth_time": auth_time}  # type: ignore[misc]
        refused(site, site.log_in(), 502)
    provider.claims = lambda claims: {**claims, "auth_time": claims["iat"] - 30}
    assert site.log_in().status == 303


def test_the_state_of_another_browser(site: Site) -> None:
    """An attacker's response does not log a victim in as the attacker."""
    attacker = site.new_browser()
    back = site.provider.log_in(site.begin(browser=attacker), "mallory")
    refused(site, site.come_back(back), 400)
    site.begin()
    refused(site, site.come_back(back), 400)
    assert "/token" not in site.provider.calls


def test_the_code_of_another_login_with_the_own_state(site: Site) -> None:
    """A code that was stolen, or made by an attacker, is useless in another login, because the provider binds each code
    to a secret of its own login (PKCE)."""
    attacker = site.new_browser()
    stolen = dict(parse_qsl(urlsplit(site.provider.log_in(site.begin(browser=attacker), "mallory")).query))
    own = state_of(site.begin())
    refused(site, site.come_back(site.provider.back(own, code=stolen["code"])), 400)


def test_a_state_is_used_once(site: Site) -> None:
    back = site.provider.log_in(site.begin())
    kept = site.browser.cookies["__Host-login-pending"]
    assert site.come_back(back).status == 303
    assert site.come_back(back).status == 400
    replayed = site.new_browser().get(back, headers={"Cookie": f"__Host-login-pending={kept}"})
    assert replayed.status == 400
    assert site.provider.calls["/token"] == 1


def test_a_failed_login_is_over_too(site: Site, provider: Provider, log: Log) -> None:
    provider.raw["/token"] = (500, b"")
    back = provider.log_in(site.begin())
    refused(site, site.come_back(back), 503)
    del provider.raw["/token"]
    refused(site, site.come_back(back), 400)


def test_completed_logins_are_remembered_within_a_bound(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_logins, "MOST_COMPLETED", 2)
    for _ in range(5):
        assert site.log_in().status == 303
    assert len(site.login._pending._completed) == 2
    site.ahead += 700
    assert site.log_in().status == 303
    assert len(site.login._pending._completed) == 1


def test_a_login_that_took_too_long(site: Site) -> None:
    back = site.provider.log_in(site.begin())
    headers = {"Cookie": f"__Host-login-pending={site.browser.cookies['__Host-login-pending']}"}
    site.ahead = 601
    assert site.browser.get(back, headers=headers).status == 400


@pytest.mark.parametrize(
    "query",
    [
        "",
        "state=",
        "code=1",
        "state=a&state=b&code=1",
        "state=a&code=1&code=2",
        "state=%FF&code=1",
        "state=%ED%A0%80&code=%00",
        "state=a&error=x&error=y",
        "state=" + "a" * 5000,
    ],
)
def test_malformed_responses(site: Site, query: str, log: Log) -> None:
    site.begin()
    assert site.come_back(f"/auth/callback?{query}").status == 400
    assert log == []


@pytest.mark.parametrize("code", ["", "%00", "%C3%BC", "a" * 5000])
def test_malformed_codes(site: Site, provider: Provider, code: str) -> None:
    state = state_of(site.begin())
    query = f"state={state}&iss={provider.issuer}&code={code}"
    assert site.come_back(f"/auth/callback?{query}").status == 400
    assert "/token" not in provider.calls


@pytest.mark.parametrize("cookie", ["", "x", "x.y", "W10.x", "e30.AAAA", "a" * 4000, "\xff"])
def test_cookies_that_are_not_ours(site: Site, cookie: str, log: Log) -> None:
    headers = {"Cookie": f"__Host-login-pending={cookie}; __Host-login={cookie}"}
    assert site.browser.get("/auth/callback?state=x&code=1", headers=headers).status == 400
    assert site.browser.get("/me", headers=headers).text == "None"
    assert site.browser.get("/auth/login", headers=headers).status == 302
    assert log == []


@pytest.mark.parametrize(
    "value", [[], {}, 3, None, "x", [3], {"claims": 3}, {"claims": {}, "scopes": [], "expires": "x"}]
)
def test_cookies_of_another_form(site: Site, value: Any) -> None:
    """The signature is valid, but the content has another form, as in cookies of another version of the application."""
    options = site.login.options
    for purpose, name in (("pending", "__Host-login-pending"), ("login", "__Host-login")):
        signed = SignedValues(SECRET, "login", options.issuer, options.client_id, purpose).write(value)
        headers = {"Cookie": f"{name}={signed}"}
        assert site.browser.get("/auth/callback?state=x&code=1", headers=headers).status == 400
        assert site.browser.get("/me", headers=headers).text == "None"


def test_a_cookie_of_one_purpose_is_not_one_of_another(provider: Provider, site: Site) -> None:
    site.log_in()
    login = site.browser.cookies["__Host-login"]
    assert site.browser.get("/me", headers={"Cookie": f"__Host-login={login}"}).text == "ada"
    assert site.browser.get("/me", headers={"Cookie": f"__Host-login={login[:-1]}"}).text == "None"
    other_client = Site(provider, client_id="admin")
    assert other_client.browser.get("/me", headers={"Cookie": f"__Host-login={login}"}).text == "None"
    moved = Site(provider, issuer=provider.issuer + "/tenant")
    assert moved.browser.get("/me", headers={"Cookie": f"__Host-login={login}"}).text == "None"


def test_a_response_of_another_provider(site: Site, provider: Provider) -> None:
    """Mix-up (RFC 9207): the code of an honest provider must not be sent to an attacker's token endpoint."""
    for issuer in ("https://evil.example", provider.issuer + "/", ""):
        state = state_of(site.begin())
        query = urlencode({"state": state, "code": "x", "iss": issuer})
        refused(site, site.come_back(f"/auth/callback?{query}"), 400)
    refused(site, site.come_back(f"/auth/callback?state={state_of(site.begin())}&code=x"), 400)
    assert "/token" not in provider.calls


def test_a_provider_that_does_not_name_itself(provider: Provider) -> None:
    provider.names_issuer = False
    assert Site(provider).log_in().status == 303
    site = Site(provider)
    query = urlencode({"state": state_of(site.begin()), "code": "x", "iss": "https://evil.example"})
    refused(site, site.come_back(f"/auth/callback?{query}"), 400)


def test_two_providers_of_one_site(provider: Provider) -> None:
    other = Provider()
    with providing(other):
        shared: dict[str, Any] = {"client_id": CLIENT, "client_secret": CLIENT_SECRET, "secret": SECRET, "timeout": 10}
        first = OpenIDConnect(OpenIDConnectOptions(issuer=provider.issuer, redirect_uri=CALLBACK, **shared))
        uri = "https://hotel.example/other/callback"
        second = OpenIDConnect(OpenIDConnectOptions(issuer=other.issuer, redirect_uri=uri, **shared), name="other")
        app = app_with(first)
        app.mount("/other", second.routes)
        app.middleware(authenticate(first, second, optional=True))
        browser = Client(app, base_url="https://hotel.example")
        state = state_of(browser.get("/other/login").headers["location"])
        assert browser.get(provider.back(state, code="x")).status == 400
        assert "/token" not in provider.calls + other.calls
        state = state_of(browser.get("/auth/login").headers["location"])
        assert browser.get(provider.back(state, code="x").replace("/auth", "/other")).status == 400


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("access_denied", 403),
        ("login_required", 403),
        ("temporarily_unavailable", 503),
        ("server_error", 502),
        ("invalid_scope", 502),
        ("\x00<script>", 502),
        ("", 502),
    ],
)
def test_errors_of_the_provider(site: Site, provider: Provider, error: str, status: int, log: Log) -> None:
    state = state_of(site.begin())
    back = provider.back(state, error=error, error_description="<b>call 555-1234</b>")
    response = site.browser.get(back, headers={"Accept": "text/html"})
    refused(site, response, status)
    assert "555" not in response.text
    assert "<script>" not in response.text
    assert ("invalid_scope" in response.text) == (error == "invalid_scope")
    assert log == []


@pytest.mark.parametrize(
    ("response", "status"),
    [
        ((500, b""), 503),
        ((429, b"slow down"), 503),
        ((400, b'{"error": "invalid_grant"}'), 400),
        ((401, b'{"error": "invalid_client"}'), 502),
        ((400, b"<html>"), 502),
        ((400, b'["invalid_grant"]'), 502),
        ((400, b'{"error": {"x": 1}}'), 502),
        ((302, b""), 502),
        ((200, b"<html>"), 502),
        ((200, b"[]"), 502),
        ((200, b"{}"), 502),
        ((200, b'{"access_token": "a"}'), 502),
        ((200, b'{"access_token": "a", "token_type": "mac"}'), 502),
        ((200, b'{"access_token": 3, "token_type": "Bearer"}'), 502),
        ((200, b'{"access_token": "a\\r\\nx: y", "token_type": "Bearer"}'), 502),
        ((200, b'{"access_token": "a", "token_type": "Bearer"}'), 502),
        ((200, b"[" * 100_000), 502),
        ((200, b" " * 300_000), 503),
    ],
)
def test_token_endpoints(site: Site, provider: Provider, response: Any, status: int, log: Log) -> None:
    provider.raw["/token"] = response
    done = site.log_in()
    refused(site, done, status)
    assert ("retry-after" in done.headers) == (status == 503)
    assert [event["log_level"].name for event in log] == ["warn"] * (status != 400)
    assert CLIENT_SECRET not in log.text


@pytest.mark.parametrize(
    "response",
    [
        (500, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b" " * 300_000),
        (302, b""),
        (200, b"[" * 100_000),
    ],
)
def test_descriptions_of_a_provider(site: Site, provider: Provider, response: Any, log: Log) -> None:
    provider.raw["/.well-known/openid-configuration"] = response
    for _ in range(3):
        refused_login = site.browser.get("/auth/login")
        assert (refused_login.status, refused_login.headers["retry-after"]) == (503, "10")
    assert provider.calls.total() == 1
    assert [event["log_level"].name for event in log] == ["warn"]


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"authorization_endpoint": "http://login.example/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": "http://169.254.169.254/"},
        {"token_endpoint": None},
        {"jwks_uri": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": 3},
    ],
)
def test_descriptions_that_are_not_safe(site: Site, provider: Provider, change: Any, log: Log) -> None:
    provider.metadata = lambda document: {**document, **change}
    assert site.browser.get("/auth/login").status == 503
    assert "RW245" in log.text


def test_a_provider_that_is_silent(provider: Provider, log: Log) -> None:
    site = Site(provider, timeout=0.05)
    provider.go.clear()
    assert site.browser.get("/auth/login").status == 503


def test_a_token_endpoint_that_is_silent(provider: Provider, log: Log) -> None:
    site = Site(provider)
    back = provider.log_in(site.begin())
    slow = Site(provider, timeout=0.05)
    slow.login._discovered = site.login._discovered
    headers = {"Cookie": f"__Host-login-pending={site.browser.cookies['__Host-login-pending']}"}
    provider.go.clear()
    response = slow.browser.get(back, headers=headers)
    assert (response.status, response.headers["retry-after"]) == (503, "10")


def test_keys_that_cannot_be_fetched(site: Site, provider: Provider, log: Log) -> None:
    provider.raw["/jwks"] = (500, b"")
    refused(site, site.log_in(), 503)
    assert "RW243" in log.text


@pytest.mark.parametrize("response", [(200, b'{"sub": "eve"}'), (200, b"{}"), (200, b"[]"), (401, b""), (200, b"x")])
def test_userinfo_of_another_user(provider: Provider, response: Any, log: Log) -> None:
    site = Site(provider, userinfo=True)
    provider.raw["/userinfo"] = response
    refused(site, site.log_in(), 502)


def test_claims_that_do_not_fit_into_a_cookie(provider: Provider, log: Log) -> None:
    provider.user = {"name": "".join(map(chr, range(0x100, 0x900)))}
    site = Site(provider)
    with pytest.raises(HandlerError, match="RW247"):
        site.log_in()
    assert "RW247" in log.text
