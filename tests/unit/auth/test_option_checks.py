"""Options of authentication schemes with wrong numbers, and other objects in their place."""

from collections.abc import Callable
from typing import Any

import pytest

from ropewalk.auth import (
    JWKS,
    BearerJWT,
    BearerJWTOptions,
    DigestAuth,
    DigestAuthOptions,
    OAuth2Login,
    OpenIDConnect,
    Passwords,
    PasswordsOptions,
    TokenIntrospection,
    TokenIntrospectionOptions,
)
from ropewalk.errors import HandlerError


def jwks(**options: Any) -> JWKS:
    return JWKS(url="https://login.example/keys", **options)


def jwt(**options: Any) -> BearerJWTOptions:
    return BearerJWTOptions(keys="k" * 32, issuer=None, audience=None, **options)


def introspection(**options: Any) -> TokenIntrospectionOptions:
    return TokenIntrospectionOptions(
        url="https://login.example/introspect", client_id="hotel", client_secret="s", audience=None, **options
    )


@pytest.mark.parametrize(
    ("make", "name", "wrong"),
    [
        *((jwks, name, 0) for name in ("refresh_interval", "longest_use", "timeout", "body_limit")),
        (jwks, "minimum_interval", -1),
        *((jwt, name, -1) for name in ("leeway", "token_limit", "remembered")),
        (jwt, "leeway", float("nan")),
        (jwt, "remembered", True),
        *((introspection, name, 0) for name in ("timeout", "token_limit", "body_limit")),
        *((introspection, name, "30") for name in ("keep_time", "leeway")),
        (DigestAuthOptions, "nonce_time", 0),
    ],
)
def test_a_wrong_number(make: Callable[..., Any], name: str, wrong: Any) -> None:
    with pytest.raises(
        HandlerError, match=rf"RW240 \w+ has the invalid value {name}={wrong!r} \(.*py:[0-9]+\)\. Give "
    ):
        make(**{name: wrong})


def test_what_0_switches_off() -> None:
    jwks(minimum_interval=0)
    jwt(leeway=0, remembered=0)
    introspection(keep_time=0, leeway=0)


@pytest.mark.parametrize("scheme", [BearerJWT, TokenIntrospection, OAuth2Login, OpenIDConnect, Passwords])
def test_options_of_another_kind(scheme: Any) -> None:
    wrong = rf"RW240 The options are \{{\}}, of type dict \(.*\)\. Give the options as {scheme.__name__}Options\("
    with pytest.raises(HandlerError, match=wrong):
        scheme({})


def test_options_of_digest_of_another_kind() -> None:
    with pytest.raises(HandlerError, match=r"RW240 The options are 5, of type int .*DigestAuthOptions\("):
        DigestAuth(lambda name: None, options=5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [*((name, 0) for name in ("time_cost", "parallelism", "most_running")), ("memory_cost", 7), ("most_waiting", -1)],
)
def test_a_wrong_cost_of_passwords(name: str, wrong: int) -> None:
    with pytest.raises(HandlerError, match=rf"RW240 PasswordsOptions has the invalid value {name}={wrong} "):
        PasswordsOptions(**{name: wrong})
