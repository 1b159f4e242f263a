"""Options of logins that cannot work, or are not safe."""

from typing import Any

import pytest

from ropewalk.auth import MissingPackage, OAuth2Login, OAuth2LoginOptions, OpenIDConnect, OpenIDConnectOptions
from ropewalk.errors import HandlerError, optional_packages

OPENID: dict[str, Any] = {
    "client_id": "hotel",
    "redirect_uri": "https://hotel.example/auth/callback",
    "secret": "x" * 32,
    "issuer": "https://login.example",
}
OAUTH: dict[str, Any] = {
    "client_id": "hotel",
    "redirect_uri": "https://hotel.example/auth/callback",
    "secret": b"x" * 32,
    "authorization_url": "https://login.example/authorize",
    "token_url": "https://login.example/token",
    "userinfo_url": "https://login.example/user",
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": ""},
        {"client_id": None},
        {"client_id": "hötel"},
        {"redirect_uri": "http://hotel.example/auth/callback"},
        {"redirect_uri": "/auth/callback"},
        {"redirect_uri": "https://hotel.example/"},
        {"redirect_uri": "https://hotel.example"},
        {"redirect_uri": "https://hotel.example/auth/login"},
        {"redirect_uri": "https://hotel.example/auth/callback?x=1"},
        {"redirect_uri": "https://hotel.example/auth/callback#x"},
        {"redirect_uri": None},
        {"secret": "short"},
        {"secret": ()},
        {"secret": None},
        {"secret": ("x" * 32, "short")},
        {"client_authentication": "jwt"},
        {"client_authentication": "basic"},
        {"authorization_parameters": {"state": "x"}},
        {"authorization_parameters": {"code_challenge_method": "plain"}},
        {"authorization_parameters": {"max_age": "soon"}},
        {"after_login": "https://evil.example"},
        {"after_logout": "//evil.example"},
        {"after_login": None},
        {"login_time": 0},
        {"login_time": float("nan")},
        {"pending_time": -1},
        {"timeout": "5"},
    ],
    ids=repr,
)
def test_shared_options(wrong: dict[str, Any]) -> None:
    for kind, options in ((OpenIDConnectOptions, OPENID), (OAuth2LoginOptions, OAUTH)):
        with pytest.raises(HandlerError, match="RW240"):
            kind(**{**options, **wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://login.example"},
        {"issuer": "login.example"},
        {"issuer": "https://login.example?x"},
        {"issuer": None},
        {"scopes": ("profile",)},
    ],
    ids=repr,
)
def test_options_of_openid_connect(wrong: dict[str, Any]) -> None:
    with pytest.raises(HandlerError, match="RW240"):
        OpenIDConnectOptions(**{**OPENID, **wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"authorization_url": "http://login.example/"},
        {"token_url": None},
        {"userinfo_url": "ftp://login.example/"},
        {"userinfo_url": None},
        {"find_user": print},
    ],
    ids=repr,
)
def test_options_of_oauth2(wrong: dict[str, Any]) -> None:
    with pytest.raises(HandlerError, match="RW240"):
        OAuth2LoginOptions(**{**OAUTH, **wrong})


def test_secrets_are_not_shown() -> None:
    assert "x" * 32 not in repr(OpenIDConnectOptions(**OPENID))
    assert "pass" not in repr(OAuth2LoginOptions(**{**OAUTH, "client_secret": "pass"}))


@pytest.mark.parametrize("name", ["", "a b", "a=b", 'x"'])
def test_names_that_no_cookie_can_have(name: str) -> None:
    with pytest.raises(HandlerError, match="RW240"):
        OpenIDConnect(OpenIDConnectOptions(**OPENID), name=name)


def test_http_on_this_machine() -> None:
    login = OAuth2Login(OAuth2LoginOptions(**{**OAUTH, "redirect_uri": "http://localhost:8080/auth/callback"}))
    assert login.openapi() == {"type": "apiKey", "in": "cookie", "name": "login"}
    login = OAuth2Login(OAuth2LoginOptions(**OAUTH), name="github")
    assert login.openapi() == {"type": "apiKey", "in": "cookie", "name": "__Host-github"}


def test_a_package_that_authlib_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str) -> Any:
        raise ModuleNotFoundError("No module named 'cryptography.hazmat'", name="cryptography.hazmat")

    monkeypatch.setattr(optional_packages, "import_module", missing)
    with pytest.raises(MissingPackage, match=r"needs Authlib, .* No module named 'cryptography\.hazmat'"):
        OpenIDConnect(OpenIDConnectOptions(**OPENID))


def test_authlib_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str) -> Any:
        raise ImportError(module)

    monkeypatch.setattr(optional_packages, "import_module", missing)
    with pytest.raises(MissingPackage, match=r"RW244 .*Authlib.*ropewalk\[oauth\]"):
        OpenIDConnect(OpenIDConnectOptions(**OPENID))
