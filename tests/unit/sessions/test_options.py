"""The options of sessions."""

import sys
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.sessions.conftest import SECRET

from ropewalk.errors import HandlerError
from ropewalk.sessions import CSRFOptions, SessionsOptions, csrf, sessions
from ropewalk.stores import MemorySessions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "RW231 .*neither a secret nor a store"),
        ({"secret": "short"}, "RW231 .*too short"),
        ({"secret": SECRET, "keys": [SECRET]}, "RW231 .*both"),
        ({"secret": SECRET, "store": MemorySessions()}, "RW231 .*a store needs no secret"),
        ({"keys": SECRET}, "RW230 .*single secret"),
        ({"keys": [SECRET, 5]}, "RW230 .*str or bytes"),
        ({"secret": SECRET, "idle": 0}, "RW230 .*idle"),
        ({"secret": SECRET, "absolute": "1"}, "RW230 .*absolute"),
        ({"secret": SECRET, "idle": 100, "absolute": 99}, "RW231 .*absolute is less than idle"),
        ({"secret": SECRET, "cookie": "a b"}, "RW230 .*cookie"),
        ({"secret": SECRET, "cookie": "__Host-a"}, "RW230 .*prefix"),
        ({"secret": SECRET, "same_site": "none"}, "RW230 .*same_site"),
        ({"secret": SECRET, "preload": 1}, "RW230 .*preload"),
        ({"secret": SECRET, "size_limit": 0}, "RW230 .*size_limit"),
        ({"secret": SECRET, "on_store_failure": "ajar"}, "RW230 .*on_store_failure"),
        ({"secret": SECRET, "csrf": False}, "RW230 .*None to switch the protection off"),
    ],
)
def test_wrong_ones(options: dict[str, Any], message: str) -> None:
    with pytest.raises(HandlerError, match=message) as raised:
        SessionsOptions(**options)
    assert SECRET not in str(raised.value)


def test_secrets_are_not_shown() -> None:
    assert SECRET not in repr(SessionsOptions(secret=SECRET))


@pytest.mark.parametrize("make", [sessions, csrf])
def test_another_argument(make: Any) -> None:
    with pytest.raises(HandlerError, match="RW232"):
        make({"secret": SECRET})


def test_the_options_of_csrf_may_be_left_out() -> None:
    assert callable(csrf())
    assert CSRFOptions().header == "x-csrf-token"


def test_without_itsdangerous(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "itsdangerous", None)
    with pytest.raises(HandlerError, match=r"RW255 .*itsdangerous.*ropewalk\[sessions\]"):
        sessions(SessionsOptions(secret=SECRET))
    assert callable(sessions(SessionsOptions(store=MemorySessions())))


def test_a_changed_copy() -> None:
    options = replace(SessionsOptions(secret="s" * 32), idle=60)
    assert (options.idle, options.signing_keys) == (60, ("s" * 32,))
