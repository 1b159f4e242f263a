"""The identity of a request's user, for limits and idempotency keys per user."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from ropewalk.errors import HandlerError
from ropewalk.middleware.sender import user_of


def request_of(**state: Any) -> Any:
    return SimpleNamespace(state=SimpleNamespace(**state))


def authenticated(principal: Any, **state: Any) -> Any:
    return request_of(authentication=SimpleNamespace(principal=principal), **state)


@pytest.mark.parametrize(
    ("request_", "identity"),
    [
        (request_of(), None),
        (request_of(user="ada"), "ada"),
        (request_of(user=7), "7"),
        (request_of(user=SimpleNamespace(id=7)), "7"),
        (authenticated(None), None),
        (authenticated("ada"), "ada"),
        (authenticated(b"ada"), "ada"),
        (authenticated(SimpleNamespace(id="ada")), "types.SimpleNamespace ['ada', None]"),
        (authenticated(SimpleNamespace(subject="ada")), "types.SimpleNamespace ['ada', None]"),
        (authenticated(SimpleNamespace(subject="a", claims={"iss": "b"})), "types.SimpleNamespace ['a', 'b']"),
        (authenticated(SimpleNamespace(id=UUID(int=7))), f"types.SimpleNamespace ['{UUID(int=7)}', None]"),
        (request_of(user=SimpleNamespace(id=UUID(int=7))), str(UUID(int=7))),
        (authenticated(SimpleNamespace(name="ada")), None),
        (authenticated(SimpleNamespace(subject="")), None),
        (authenticated("ada", user="bob"), "bob"),
    ],
)
def test_the_identity(request_: Any, identity: str | None) -> None:
    assert user_of(request_) == identity


@pytest.mark.parametrize("user", [True, 1.5, object(), SimpleNamespace(id=None)])
def test_a_user_without_one(user: Any) -> None:
    with pytest.raises(HandlerError, match="RW236"):
        user_of(request_of(user=user))
