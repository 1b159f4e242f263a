"""Payments with idempotency keys, as the guide shows them."""

from typing import Any

from idempotent_payments import PAYMENTS, app
from ropewalk.testing import Client, ClientResponse

client = Client(app)


def pay(amount: str, key: str | None, user: str = "ada") -> ClientResponse:
    headers: dict[str, Any] = {"authorization": f"Bearer {user}'s token"}
    if key is not None:
        headers["idempotency-key"] = f'"{key}"'
    return client.post("/payments", body=amount, headers=headers)


def test_a_payment_is_made_once() -> None:
    PAYMENTS.clear()
    first, second = pay("12", "a1"), pay("12", "a1")
    assert (first.status, first.json()) == (201, {"payment": 1, "amount": 12})
    assert (second.status, second.json(), second.headers["idempotent-replayed"]) == (201, first.json(), "true")
    assert pay("12", "a1", "bob").json() == {"payment": 2, "amount": 12}
    assert PAYMENTS == [("ada", 12), ("bob", 12)]


def test_refusals() -> None:
    pay("5", "b1")
    assert pay("6", "b1").status == 422
    assert pay("5", None).status == 400
    assert client.post("/payments", body="5", headers={"idempotency-key": "c"}).status == 401
