"""Secrets on error pages."""

import pytest

from ropewalk.dev.redaction import HIDDEN, is_secret, redacted, without_secrets
from ropewalk.logs import SECRETS


@pytest.mark.parametrize(
    "name",
    [*SECRETS, "auth", "basic_auth", "X-Auth", "key", "signing_key", "otp", "user_pin", "dsn", "private", "salt"],
)
def test_secret(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["max_tokens", "author", "keys", "spin", "monkey", "room", "keyword", "shipping"])
def test_not_secret(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("User(name='ada', password='x', age=3)", f"User(name='ada', password={HIDDEN}, age=3)"),
        ("{'api-key': 'x', 'a': 1}", f"{{'api-key': {HIDDEN}, 'a': 1}}"),
        ("Model(max_tokens=5, token=b'x')", f"Model(max_tokens=5, token={HIDDEN})"),
        ("error: password=x, 2", f"error: password={HIDDEN}, 2"),
        ("{'user': {'token': {'a': 1}}}", f"{{'user': {{'token': {HIDDEN} 1}}}}}}"),
        ("Pair(key='colour')", "Pair(key='colour')"),
        ("postgres://me:pass@host/db", f"postgres://me:{HIDDEN}@host/db"),
    ],
)
def test_a_repr(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_a_url() -> None:
    assert without_secrets("http://a/?%74oken=x&pin=1&a=2") == f"http://a/?%74oken={HIDDEN}&pin={HIDDEN}&a=2"
