"""Options of authentication schemes with senseless numbers."""

from collections.abc import Callable
from typing import Any

import pytest

from ropewalk.auth import JWKS, BearerJWTOptions, DigestAuthOptions, TokenIntrospectionOptions
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
    with pytest.raises(HandlerError, match=rf"RW240 \w+ has {name}={wrong!r} \(.*py:[0-9]+\)\. Give "):
        make(**{name: wrong})


def test_what_0_switches_off() -> None:
    jwks(minimum_interval=0)
    jwt(leeway=0, remembered=0)
    introspection(keep_time=0, leeway=0)
