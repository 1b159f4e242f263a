"""Rate limits, as the guide shows them."""

from rate_limits import app
from ropewalk.testing import Client

client = Client(app)


def test_everywhere() -> None:
    response = client.get("/")
    assert response.headers["ratelimit-policy"] == '"20-per-1";q=50;w=3, "daily";q=10000;w=86400'
    assert response.headers["ratelimit"].startswith('"20-per-1";r=49;t=1, "daily";r=9999;t=')


def test_health_checks_are_exempt() -> None:
    assert "ratelimit" not in client.get("/health").headers


def test_attempts_to_log_in() -> None:
    responses = [client.post("/login", body="ada") for _ in range(3)]
    assert [each.status for each in responses] == [200, 200, 429]
    assert 0 < int(responses[2].headers["retry-after"]) <= 30
    assert '"account";q=10;w=3600' in responses[0].headers["ratelimit-policy"]


def test_the_limit_ends() -> None:
    assert client.post("/login", body="bob").status == 429
    client.advance(60)
    assert client.post("/login", body="bob").status == 200


def test_users() -> None:
    for user in ("ada", "bob"):
        found = [client.get("/api/quote", headers={"x-demo-user": user}).status for _ in range(4)]
        assert found == [200, 200, 200, 429]
