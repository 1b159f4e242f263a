"""Keys of an issuer, which a test server on 127.0.0.1 sends."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.auth.tokens import (
    AUDIENCE,
    ED25519,
    ISSUER,
    NOW,
    OTHER_RSA,
    P_256,
    RSA,
    SECRET,
    Issuer,
    bearer,
    pem,
    public,
    secret_key,
    serving,
    token,
)
from tests.unit.conftest import Log

from ropewalk import App
from ropewalk.auth import JWKS, BearerJWT, BearerJWTOptions, authenticate
from ropewalk.auth.jwks import FetchedKeys
from ropewalk.errors import HandlerError
from ropewalk.testing import Client


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer(public(RSA, kid="1", use="sig"))
    with serving(issuer):
        yield issuer


class Service:
    """An app that takes the tokens of an issuer, and a clock for its keys."""

    def __init__(self, issuer: Issuer, **options: Any) -> None:
        self.now = 1000.0
        jwks = JWKS(url=issuer.url, **options)
        scheme = BearerJWT(BearerJWTOptions(keys=jwks, issuer=ISSUER, audience=AUDIENCE), clock=lambda: NOW)
        self.keys = scheme._fetched = FetchedKeys(jwks, None, lambda: self.now)
        app = App(middleware=[authenticate(scheme)])
        app.get("/")(lambda request: "in")
        self.client = Client(app)

    def status(self, key: Any, kid: str | None, algorithm: str = "RS256") -> int:
        written = token(key, algorithm, **({} if kid is None else {"kid": kid}))
        return int(self.client.get("/", headers=bearer(written)).status)


def test_fetched_once(issuer: Issuer, log: Log) -> None:
    service = Service(issuer)
    assert issuer.calls == 0
    assert [service.status(RSA, "1") for _ in range(3)] == [200] * 3
    assert service.status(RSA, None) == 200
    assert service.status(OTHER_RSA, "1") == 401
    assert issuer.calls == 1
    assert log == []


def test_an_unknown_key_id_fetches_again_but_not_too_often(issuer: Issuer) -> None:
    service = Service(issuer)
    assert service.status(RSA, "1") == 200
    assert [service.status(RSA, f"random-{number}") for number in range(5)] == [401] * 5
    assert issuer.calls == 1
    service.now += 30
    assert [service.status(RSA, f"random-{number}") for number in range(5)] == [401] * 5
    assert issuer.calls == 2


def test_rotated_keys(issuer: Issuer) -> None:
    service = Service(issuer)
    assert service.status(RSA, "1") == 200
    issuer.publish(public(RSA, kid="1"), public(OTHER_RSA, kid="2"), public(P_256, kid="3"))
    service.now += 30
    assert service.status(OTHER_RSA, "2") == 200
    assert service.status(P_256, "3", "ES256") == 200
    assert service.status(RSA, "1") == 200
    issuer.publish(public(OTHER_RSA, kid="2"))
    service.now += 30
    assert service.status(RSA, "4") == 401
    assert service.status(RSA, "1") == 401
    assert issuer.calls == 3


def test_old_keys_are_fetched_again_while_requests_go_on(issuer: Issuer) -> None:
    service = Service(issuer)
    assert service.status(RSA, "1") == 200
    issuer.publish(public(OTHER_RSA, kid="2"))
    service.now += 601
    assert service.status(RSA, "1") == 200  # with the old keys
    while service.keys._waiting is not None:
        service.client.get("/")
    assert service.status(RSA, "1") == 401
    assert service.status(OTHER_RSA, "2") == 200
    assert issuer.calls == 2


def test_stale_keys_while_the_issuer_is_down(issuer: Issuer, log: Log) -> None:
    service = Service(issuer, longest_use=3600)
    assert service.status(RSA, "1") == 200
    issuer.status = 500
    service.now += 1000
    assert service.status(RSA, "1") == 200
    assert service.status(OTHER_RSA, "2") == 401
    assert "RW243" in log.text
    assert "The status is 500." in log.text
    service.now += 3000
    assert service.status(RSA, "1") == 503
    issuer.status = 200
    assert service.status(RSA, "1") == 503  # the keys are not fetched again before the minimum interval is over
    service.now += 30
    assert service.status(RSA, "1") == 200


@pytest.mark.parametrize("body", [b"<html>", b'{"keys": []}', b'{"keys": 3}', b" " * 300_000])
def test_garbage_while_there_are_keys(issuer: Issuer, body: bytes, log: Log) -> None:
    """Known keys stay in use if a later fetch, because of an unknown key id or their age, returns garbage."""
    service = Service(issuer)
    assert service.status(RSA, "1") == 200
    issuer.body = body
    service.now += 30
    assert [service.status(OTHER_RSA, f"unknown-{number}") for number in range(20)] == [401] * 20
    assert issuer.calls == 2
    assert service.status(RSA, "1") == 200
    assert [event["log_level"].name for event in log] == ["warn"]
    issuer.publish(public(OTHER_RSA, kid="2"))
    service.now += 30
    assert service.status(OTHER_RSA, "2") == 200


def test_an_issuer_that_is_down_from_the_start(issuer: Issuer, log: Log) -> None:
    issuer.status = 404
    service = Service(issuer)
    response = service.client.get("/", headers=bearer(token(RSA, "RS256", kid="1")))
    assert (response.status, response.headers["retry-after"]) == (503, "30")
    assert [service.status(RSA, "1") for _ in range(3)] == [503] * 3
    assert issuer.calls == 1
    assert len(log) == 1


def test_a_refused_connection(log: Log) -> None:
    issuer = Issuer()
    with serving(issuer):
        pass
    assert Service(issuer).status(RSA, "1") == 503
    assert "ConnectionRefusedError" in log.text or "Connection refused" in log.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[" * 100_000,
        b"[]",
        b'{"keys": 3}',
        b'{"keys": []}',
        b'{"keys": [3, {"kty": "RSA", "n": 3, "e": "AQAB"}, {"kty": []}]}',
        b" " * 300_000,
        b"\xff\xfe",
    ],
)
def test_documents_that_are_no_keys(issuer: Issuer, body: bytes, log: Log) -> None:
    issuer.body = body
    assert Service(issuer).status(RSA, "1") == 503
    assert [event["log_level"].name for event in log] == ["warn"]
    assert "RW243" in log.text


def test_an_issuer_that_does_not_respond(issuer: Issuer, log: Log) -> None:
    issuer.go.clear()
    assert Service(issuer, timeout=0.05).status(RSA, "1") == 503
    issuer.go.set()


def test_redirects_are_not_followed(issuer: Issuer, log: Log) -> None:
    other = Issuer(public(RSA, kid="1"))
    with serving(other):
        issuer.status, issuer.headers = 302, {"Location": other.url}
        assert Service(issuer).status(RSA, "1") == 503
    assert other.calls == 0
    assert "The status is 302." in log.text


def test_keys_that_are_left_out(issuer: Issuer) -> None:
    """A published secret, keys for encryption, unknown types and short keys are left out. The other keys are used."""
    issuer.publish(
        {"kty": "oct", "k": secret_key().as_dict()["k"], "kid": "s"},
        {"kty": "AKP", "kid": "post-quantum", "alg": "ML-DSA-44", "pub": "AAAA"},
        public(OTHER_RSA, kid="e", use="enc"),
        public(P_256, kid="v", key_ops=["verify"]),
        public(ED25519, kid="d"),
    )
    service = Service(issuer)
    assert service.status(secret_key(), "s", "HS256") == 401
    assert service.status(pem(OTHER_RSA), "e", "HS256") == 401
    assert service.status(OTHER_RSA, "e") == 401
    assert service.status(P_256, "v", "ES256") == 200
    assert service.status(ED25519, "d", "EdDSA") == 200


def test_many_keys(issuer: Issuer) -> None:
    keys = [public(P_256, kid=str(number)) for number in range(60)]
    issuer.body = json.dumps({"keys": keys}).encode()
    service = Service(issuer)
    assert service.status(P_256, "49", "ES256") == 200
    assert service.status(P_256, "59", "ES256") == 401


@pytest.mark.parametrize(
    "url",
    ["http://issuer.example/keys", "file:///etc/passwd", "keys", "https://", "https://h:x/", "", None, "ftp://h/k"],
)
def test_urls_that_are_not_safe(url: Any) -> None:
    with pytest.raises(HandlerError, match="RW240"):
        JWKS(url=url)


def test_a_secret_is_no_url() -> None:
    assert BearerJWT(BearerJWTOptions(keys=SECRET, issuer=None, audience=None))._fetched is None
