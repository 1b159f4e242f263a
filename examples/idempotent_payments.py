"""Payments that a client may send again, but that are made only once.

curl -i -X POST -H 'Idempotency-Key: "a1"' -d 12 http://127.0.0.1:8080/payments
"""

import os

from ropewalk import App, HTTPError, Request, Response
from ropewalk.middleware import IdempotencyOptions, Next, idempotency
from ropewalk.stores import IdempotencyStore, MemoryIdempotency, RedisIdempotency, RedisServer, SQLiteIdempotency

USERS = {"Bearer ada's token": "ada", "Bearer bob's token": "bob"}


async def authenticate(request: Request, next: Next) -> Response:
    """Use your own middleware instead. Put it before `idempotency`, so that each user has separate keys."""
    user = USERS.get(request.header("authorization") or "")
    if user is None:
        raise HTTPError(401, headers=[("www-authenticate", "Bearer")])
    request.state.user = user
    return await next(request)


def make_store() -> IdempotencyStore:
    """Choose a store: Redis for several machines, a file for one machine, memory to try it."""
    if "REDIS_URL" in os.environ:
        return RedisIdempotency(RedisServer(os.environ["REDIS_URL"]))
    if "KEYS_FILE" in os.environ:
        return SQLiteIdempotency(os.environ["KEYS_FILE"])
    return MemoryIdempotency()


options = IdempotencyOptions(required=True, expires=48 * 3600, lease=60, store=make_store())
app = App(middleware=[authenticate, idempotency(options)])

PAYMENTS: list[tuple[str, int]] = []


@app.post("/payments", status=201)
async def pay(request: Request) -> dict[str, int]:
    amount = await request.text()
    if not amount.isdecimal():
        raise HTTPError(422, "The amount must be a number.")
    PAYMENTS.append((request.state.user, int(amount)))
    return {"payment": len(PAYMENTS), "amount": int(amount)}


if __name__ == "__main__":
    app.run(port=8080)
