"""Authentication, as the guide shows it."""

import time
from base64 import b64encode
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from authentication import PRINTER_KEY, SECRET, app
from ropewalk.testing import Client


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


def token(subject: str, **more: Any) -> dict[str, str]:
    claims = {
        "iss": "https://hotel.example",
        "aud": "hotel",
        "sub": subject,
        "exp": int(time.time()) + 300,
        "scope": "rooms:write",
        **more,
    }
    written = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
    return {"Authorization": f"Bearer {written}"}


KEY = {"X-API-Key": PRINTER_KEY}


def test_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD_OF_ADA", "s3cret")
    with Client(app) as client:
        assert client.get("/me", headers=basic("ada", "s3cret")).text == "ada"
        assert client.get("/me", headers=basic("ada", "wrong")).status == 401
        assert client.get("/me", headers=basic("eve", "s3cret")).status == 401


def test_tokens_and_keys() -> None:
    client = Client(app)
    assert client.get("/me", headers=token("bob")).text == "bob"
    assert client.get("/me", headers=KEY).text == "printer"
    assert client.get("/me", headers=token("eve")).status == 401
    assert client.get("/me", headers=token("ada", aud="bank")).status == 401


def test_scopes_and_roles() -> None:
    client = Client(app)
    assert client.post("/rooms", headers=token("ada")).text == "added"
    refused = [client.post("/rooms", headers=given).status for given in (token("bob"), token("ada", scope=""), KEY, {})]
    assert refused == [403, 403, 403, 401]
    assert client.get("/office/bookings", headers=token("ada")).json() == ["ada: 12"]
    assert client.get("/office/bookings", headers=KEY).status == 403


def test_all_challenges() -> None:
    found = Client(app).get("/me").headers["www-authenticate"]
    assert found.startswith('Basic realm="hotel", charset="UTF-8", Bearer realm="hotel", ApiKey realm="hotel"')
