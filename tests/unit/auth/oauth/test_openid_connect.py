"""Logins at an honest OpenID Connect provider."""

from secrets import token_hex
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from tests.unit.auth.oauth.conftest import SECRET, Site
from tests.unit.auth.oauth.provider import CLIENT, CLIENT_SECRET, Provider
from tests.unit.auth.tokens import ED448, ED25519, OTHER_RSA, P_256, P_384, public
from tests.unit.conftest import Log

from ropewalk.auth import TokenPrincipal, Tokens
from ropewalk.errors import HTTPError


def test_a_login_and_a_logout(site: Site, log: Log) -> None:
    assert site.user() == "None"
    done = site.log_in()
    assert (done.status, done.headers["location"]) == (303, "/")
    assert site.user() == "ada"
    assert site.browser.get("/rooms").text == "rooms"
    left = site.browser.post("/auth/logout")
    assert (left.status, left.headers["location"]) == (303, "/")
    assert site.user() == "None"
    assert log == []


def test_the_request_for_authorization(provider: Provider) -> None:
    site = Site(provider, authorization_parameters={"prompt": "select_account"})
    response = site.browser.get("/auth/login")
    query = parse_qs(urlsplit(response.headers["location"]).query)
    assert query["scope"] == ["openid profile email"]
    assert query["prompt"] == ["select_account"]
    assert len(query["state"][0]) == 32
    assert len(query["code_challenge"][0]) == 43
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert SECRET not in response.headers["set-cookie"]
    attributes = response.headers["set-cookie"].split("; ")[1:]
    assert attributes == ["Max-Age=600", "Path=/", "Secure", "HttpOnly", "SameSite=Lax"]
    assert response.headers["set-cookie"].startswith("__Host-login-pending=")


def test_the_cookie_of_a_login(site: Site) -> None:
    lines = site.log_in().headers.all("set-cookie")
    assert [line.partition("=")[0] for line in lines] == ["__Host-login-pending", "__Host-login"]
    assert "Max-Age=0" in lines[0]
    assert lines[1].split("; ")[2:] == ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"]
    assert int(lines[1].split("; ")[1].removeprefix("Max-Age=")) in range(28790, 28801)


def test_metadata_and_keys_are_fetched_once(site: Site, provider: Provider) -> None:
    for user in ("ada", "bob", "ada"):
        assert site.log_in(user=user).status == 303
        assert site.user() == user
    assert dict(provider.calls) == {"/.well-known/openid-configuration": 1, "/jwks": 1, "/token": 3}


def test_the_path_to_return_to(site: Site) -> None:
    assert site.log_in("/auth/login?next=/rooms%3Fbeds%3D2").headers["location"] == "/rooms?beds=2"


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\r\nx: y",
        "\t//evil.example",
        " //evil.example",
        "evil.example",
        "javascript:alert(1)",
        "",
        "/" + "a" * 512,
        "/" + "é" * 200,
        "/\x85/evil.example",
    ],
)
def test_paths_of_other_sites(site: Site, path: str) -> None:
    response = site.browser.get("/auth/login", params={"next": path})
    done = site.come_back(site.provider.log_in(response.headers["location"]))
    assert done.headers["location"] == "/"


def test_several_tabs(site: Site) -> None:
    """The last three logins of a browser can be completed, in any order; earlier logins cannot."""
    urls = [site.begin(f"/auth/login?next=/{number}") for number in range(4)]
    assert site.come_back(site.provider.log_in(urls[2])).headers["location"] == "/2"
    assert site.come_back(site.provider.log_in(urls[1])).headers["location"] == "/1"
    assert site.come_back(site.provider.log_in(urls[0])).status == 400
    assert site.come_back(site.provider.log_in(urls[3])).headers["location"] == "/3"


@pytest.mark.parametrize("path", ["/" + token_hex(255), "/" + token_hex(100)[:83] + chr(0x20AC) * 46])
def test_long_paths_fit_into_the_cookie(site: Site, path: str) -> None:
    urls = [site.browser.get("/auth/login", params={"next": path}).headers["location"] for _ in range(3)]
    assert site.come_back(site.provider.log_in(urls[0])).headers["location"] == quote(path)


@pytest.mark.parametrize(
    ("key", "algorithm"), [(P_256, "ES256"), (P_384, "ES384"), (OTHER_RSA, "PS256"), (ED25519, "EdDSA")]
)
def test_algorithms(site: Site, provider: Provider, key: Any, algorithm: str) -> None:
    provider.published = [public(key, kid="k")]
    provider.key, provider.algorithm, provider.key_id = key, algorithm, "k"
    provider.claims = lambda claims: {name: value for name, value in claims.items() if name != "at_hash"}
    assert site.log_in().status == 303


def test_rotated_keys(site: Site, provider: Provider) -> None:
    assert site.log_in().status == 303
    assert site.login._id_tokens._keys is not None
    provider.published = [public(OTHER_RSA, kid="new")]
    provider.key, provider.key_id = OTHER_RSA, "new"
    # The new key is not fetched yet, because keys were fetched just before.
    assert site.log_in(user="bob").status == 502
    assert provider.calls["/jwks"] == 1
    keys = site.login._id_tokens._keys
    keys._clock = lambda clock=keys._clock: clock() + 30  # type: ignore[misc]
    assert site.log_in(user="bob").status == 303
    assert site.user() == "bob"
    assert provider.calls["/jwks"] == 2


def test_a_public_client(provider: Provider) -> None:
    provider.public_client = True
    assert Site(provider, client_secret=None).log_in().status == 303


@pytest.mark.parametrize("how", ["basic", "post", None])
def test_authentication_of_the_client(provider: Provider, how: Any) -> None:
    provider.metadata = lambda document: {**document, "token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert Site(provider, client_authentication=how).log_in().status == 303
    form, fields = next((form, fields) for path, form, fields in provider.received if path == "/token")
    assert ("authorization" in fields) == (how == "basic")
    assert form.get("client_secret") == (None if how == "basic" else [CLIENT_SECRET])


def test_the_claims_that_are_kept(provider: Provider) -> None:
    provider.user = {"email": "ada@hotel.example", "secret": "x", "roles": ["clerk"], "department": "sales"}
    site = Site(provider, claims=("email", "department"), scopes=("openid", "rooms:write"))
    seen = []

    @site.app.get("/principal")
    def principal(request: Any) -> None:
        seen.append(request.state.authentication.identity)

    site.log_in()
    site.browser.get("/principal")
    claims = {
        "iss": provider.issuer,
        "sub": "ada",
        "email": "ada@hotel.example",
        "department": "sales",
        "roles": ["clerk"],
    }
    scopes = frozenset({"openid", "rooms:write"})
    assert seen[0].principal == TokenPrincipal("ada", claims, scopes, frozenset({"clerk"}))
    assert (seen[0].scopes, seen[0].roles) == (scopes, frozenset({"clerk"}))
    assert site.browser.post("/rooms").text == "added"


def test_scopes_that_the_provider_did_not_grant(provider: Provider) -> None:
    provider.tokens = lambda tokens: {**tokens, "scope": "openid"}
    site = Site(provider, scopes=("openid", "rooms:write"))
    site.log_in()
    assert site.browser.post("/rooms").status == 403


def test_load_and_on_login(provider: Provider) -> None:
    calls: list[Any] = []

    async def load(claims: dict[str, Any]) -> str | None:
        return None if claims["sub"] == "eve" else f"user {claims['email']}"

    async def on_login(principal: str, tokens: Tokens) -> None:
        if provider.access_tokens[tokens.access_token] == "mallory":
            raise HTTPError(403, "Banned.", {"x-why": "banned"})
        calls.append((principal, tokens))

    site = Site(provider, load=load, on_login=on_login)
    assert site.log_in().status == 303
    assert site.user() == "user ada@hotel.example"
    principal, tokens = calls[0]
    assert principal == "user ada@hotel.example"
    assert (tokens.expires_in, tokens.refresh_token) == (300, "r-1")
    for secret in (tokens.access_token, tokens.refresh_token, tokens.id_token):
        assert str(secret) not in repr(tokens)
    for user in ("eve", "mallory"):
        other = site.new_browser()
        assert site.log_in(user=user, browser=other).status == 403
        assert site.user(other) == "None"
    assert len(calls) == 1


def test_a_user_who_is_none_any_more(provider: Provider) -> None:
    users = {"ada": "Ada"}
    site = Site(provider, load=lambda claims: users.get(claims["sub"]))
    site.log_in()
    assert site.user() == "Ada"
    users.clear()
    assert site.user() == "None"


def test_claims_of_the_userinfo_endpoint(provider: Provider) -> None:
    provider.claims = lambda claims: {**claims, "email": None, "name": None}
    site = Site(provider, userinfo=True, load=lambda claims: claims["email"])
    assert site.log_in().status == 303
    assert site.user() == "ada@hotel.example"


def test_a_login_expires(site: Site) -> None:
    site.log_in()
    cookie = site.browser.cookies["__Host-login"]
    site.ahead = 28700
    assert site.browser.get("/me", headers={"Cookie": f"__Host-login={cookie}"}).text == "ada"
    site.ahead = 28801
    assert site.browser.get("/me", headers={"Cookie": f"__Host-login={cookie}"}).text == "None"


def test_an_expired_login_can_be_renewed(site: Site) -> None:
    headers = {"Cookie": "__Host-login=garbage"}
    assert site.browser.get("/auth/login", headers=headers).status == 302
    assert site.browser.get("/rooms", headers=headers).status == 401


def test_the_logout_of_the_provider(provider: Provider) -> None:
    site = Site(provider, end_session=True, after_logout="/bye")
    site.log_in()
    url = urlsplit(site.browser.post("/auth/logout").headers["location"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{provider.issuer}/logout"
    assert parse_qs(url.query) == {"client_id": [CLIENT], "post_logout_redirect_uri": ["https://hotel.example/bye"]}
    assert site.browser.post("/auth/logout").headers["location"] == "/bye"


def test_a_form_of_another_site_logs_no_one_out(site: Site) -> None:
    """Browsers do not send the cookie with such a form (SameSite=Lax), and the response deletes no cookie then."""
    site.log_in()
    response = site.new_browser().post("/auth/logout")
    assert (response.status, response.headers.all("set-cookie")) == (303, [])
    assert site.browser.get("/auth/logout").status == 405
    assert site.user() == "ada"


def test_browsers_are_sent_to_the_login(site: Site) -> None:
    page = site.browser.get("/rooms?beds=2", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (page.status, page.headers["location"]) == (302, "/auth/login?next=/rooms%3Fbeds%3D2")
    done = site.log_in(page.headers["location"])
    assert done.headers["location"] == "/rooms?beds=2"
    assert site.browser.get(done.headers["location"], headers={"Accept": "text/html"}).text == "rooms"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "application/json"},
        {"Accept": "text/html", "Sec-Fetch-Mode": "cors"},
        {"Accept": "text/html", "HX-Request": "true"},
        {"Accept": "text/html", "Authorization": "Bearer x"},
    ],
)
def test_scripts_get_401(site: Site, headers: dict[str, str]) -> None:
    response = site.browser.get("/rooms", headers=headers)
    assert response.status == 401
    assert response.headers["www-authenticate"] == 'Cookie realm="app", form-action="/auth/login"'


def test_posts_are_not_redirected(site: Site) -> None:
    assert site.browser.post("/rooms", headers={"Accept": "text/html"}).status == 401


def test_head_uses_up_no_code(site: Site) -> None:
    back = site.provider.log_in(site.begin())
    assert site.browser.head(back).status == 405
    assert site.browser.options("/auth/callback").status == 204
    assert site.come_back(back).status == 303
    assert site.browser.head("/auth/login").status == 302


def test_replaced_secrets(provider: Provider) -> None:
    old, new = "o" * 32, "n" * 32
    site = Site(provider, secret=old)
    site.log_in()
    headers = {"Cookie": f"__Host-login={site.browser.cookies['__Host-login']}"}
    assert Site(provider, secret=(new, old)).browser.get("/me", headers=headers).text == "ada"
    assert Site(provider, secret=new).browser.get("/me", headers=headers).text == "None"
    replaced = Site(provider, secret=(new, old))
    replaced.log_in()
    headers = {"Cookie": f"__Host-login={replaced.browser.cookies['__Host-login']}"}
    assert Site(provider, secret=new).browser.get("/me", headers=headers).text == "ada"


def test_ed448_has_no_hash_for_at_hash(site: Site, provider: Provider) -> None:
    provider.published = [public(ED448, kid="k")]
    provider.key, provider.algorithm, provider.key_id = ED448, "Ed448", "k"
    provider.claims = lambda claims: {name: value for name, value in claims.items() if name != "at_hash"}
    assert site.log_in().status == 303
