"""Rate limits, as the guide shows them."""

from collections.abc import Iterator

import pytest

from rate_limits import app, store
from ropewalk.stores import MemoryRateLimits
from ropewalk.testing import Client

ADA, BOB = {"name": "ada", "password": "?"}, {"name": "bob", "password": "?"}


@pytest.fixture
def client() -> Iterator[Client]:
    """A client whose requests are counted from zero."""
    assert isinstance(store, MemoryRateLimits)
    store.clear()
    with Client(app) as client:
        yield client


def test_everywhere(client: Client) -> None:
    response = client.get("/")
    assert response.headers["ratelimit-policy"] == '"20-per-1";q=50;w=3, "daily";q=10000;w=86400'
    assert response.headers["ratelimit"].startswith('"20-per-1";r=49;t=1, "daily";r=9999;t=')


def test_health_checks_are_exempt(client: Client) -> None:
    assert "ratelimit" not in client.get("/health").headers


def test_attempts_to_log_in(client: Client) -> None:
    responses = [client.post("/login", json=ADA) for _ in range(3)]
    assert [each.status for each in responses] == [200, 200, 429]
    assert 0 < int(responses[2].headers["retry-after"]) <= 30
    assert '"account";q=10;w=3600' in responses[0].headers["ratelimit-policy"]
    assert client.post("/login", json={}).status == 422


def test_the_limit_ends(client: Client) -> None:
    assert [client.post("/login", json=BOB).status for _ in range(3)] == [200, 200, 429]
    client.advance(60)
    assert client.post("/login", json=BOB).status == 200


@pytest.mark.parametrize("path", ["/login", "/sign-in"])
def test_another_password_is_counted_with_the_first(client: Client, path: str) -> None:
    statuses = []
    for number in range(11):
        client.advance(30)  # the limit of the client is not reached
        attempt = {"name": "ada", "password": str(number)}
        sent = client.post(path, json=attempt) if path == "/login" else client.post(path, data=attempt)
        statuses.append(sent.status)
    assert statuses == [200] * 10 + [429]
    client.advance(30)
    other = {"name": "bob"}
    sent = client.post(path, json=other) if path == "/login" else client.post(path, data=other)
    assert sent.status == 200


def test_users(client: Client) -> None:
    for user in ("ada", "bob"):
        found = [client.get("/api/quote", headers={"x-demo-user": user}).status for _ in range(4)]
        assert found == [200, 200, 200, 429]
