"""The cache of the provider's responses about tokens has limits."""

import pytest

from ropewalk.auth.oauth import introspected_tokens
from ropewalk.auth.oauth.introspected_tokens import IntrospectedTokens

ACTIVE = {"active": True, "sub": "ada"}
INACTIVE = {"active": False}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introspected_tokens, "MOST_ACTIVE", 3)
    monkeypatch.setattr(introspected_tokens, "MOST_INACTIVE", 2)


def kept(tokens: IntrospectedTokens, now: float = 0) -> list[int]:
    return [number for number in range(10) if tokens.find(b"%d" % number, now) is not None]


@pytest.mark.usefixtures("few")
def test_the_oldest_is_dropped_first() -> None:
    tokens = IntrospectedTokens(30)
    for number in (0, 1, 2, 0, 3):  # 0 is fetched again
        tokens.add(b"%d" % number, ACTIVE, 0)
    assert kept(tokens) == [0, 2, 3]


@pytest.mark.usefixtures("few")
def test_invented_tokens_do_not_push_out_those_of_users() -> None:
    tokens = IntrospectedTokens(30)
    tokens.add(b"0", ACTIVE, 0)
    for number in range(1, 10):
        tokens.add(b"%d" % number, INACTIVE, 0)
    assert kept(tokens) == [0, 8, 9]
    assert tokens.find(b"9", 0) == INACTIVE


def test_what_has_ended_is_dropped() -> None:
    tokens = IntrospectedTokens(30)
    for number in range(5):
        tokens.add(b"%d" % number, ACTIVE, number)
    tokens.add(b"9", ACTIVE, 32)
    assert len(tokens) == 3
    assert kept(tokens, 33) == [4, 9]


def test_a_token_that_is_no_longer_active() -> None:
    tokens = IntrospectedTokens(30)
    tokens.add(b"0", ACTIVE, 0)
    tokens.add(b"0", INACTIVE, 0)
    assert (tokens.find(b"0", 0), len(tokens)) == (INACTIVE, 1)


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introspected_tokens, "MOST_BYTES", 1000)
    tokens = IntrospectedTokens(30)
    for number in range(10):
        tokens.add(b"%d" % number, {**ACTIVE, "more": "x" * 300}, 0)
    assert kept(tokens) == [8, 9]
    tokens.add(b"0", {**ACTIVE, "more": "x" * 2000}, 0)
    assert kept(tokens) == []
    tokens.add(b"0", ACTIVE, 0)
    assert kept(tokens) == [0]


def test_each_request_has_its_own_claims() -> None:
    tokens = IntrospectedTokens(30)
    tokens.add(b"0", {**ACTIVE, "aud": ["a"]}, 0)
    found = tokens.find(b"0", 0)
    assert found is not None
    found["aud"].append("b")
    assert tokens.find(b"0", 0) == {**ACTIVE, "aud": ["a"]}


def test_without_a_time_nothing_is_kept() -> None:
    tokens = IntrospectedTokens(0)
    tokens.add(b"0", ACTIVE, 0)
    assert len(tokens) == 0
