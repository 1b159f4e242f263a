"""Each idempotency key belongs to one client, and no other client gets the response that is stored for it."""

from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.middleware.idempotent_service import KEY, Service
from twisted.internet.defer import succeed

from ropewalk import App, Request, Response, TrustedProxies
from ropewalk.errors import HandlerError
from ropewalk.middleware import IdempotencyOptions, Next, idempotency
from ropewalk.middleware.sender import digest
from ropewalk.stores import MemoryIdempotency
from ropewalk.testing import Client


class TestScopes:
    @pytest.mark.parametrize("name", ["authorization", "cookie", "x_api_key"])
    def test_credentials(self, name: str) -> None:
        service = Service(lambda request: f"secret of {service.calls}")
        assert service.post(**{name: "ada=1"}).text == "secret of 1"
        assert service.post(**{name: "bob=1"}).text == "secret of 2"
        assert service.post().text == "secret of 3"
        assert service.post(**{name: "ada=1"}).text == "secret of 1"

    def test_values_are_not_mixed_up(self) -> None:
        assert digest("ab", "c") != digest("a", "bc") != digest("abc")

    def test_credentials_are_not_mixed_up(self) -> None:
        service = Service()
        service.post(authorization="a", cookie="b")
        service.post(authorization="ab")
        service.post(cookie="ab")
        service.post(authorization="b", cookie="a")
        assert service.calls == 4

    def test_the_user(self) -> None:
        async def authenticate(request: Request, next: Next) -> Response:
            request.state.user = request.header("x-user")
            return await next(request)

        service = Service(lambda request: f"secret of {service.calls}")
        service.app.middlewares.insert(0, authenticate)
        assert service.post(x_user="ada", cookie="a").text == "secret of 1"
        assert service.post(x_user="bob", cookie="a").text == "secret of 2"
        assert service.post(x_user="ada", cookie="b").text == "secret of 1"

    def test_a_function(self, log: Log) -> None:
        service = Service(sender=lambda request: succeed(request.header("x-tenant")))
        service.post(x_tenant="a")
        service.post(x_tenant="b")
        service.post(x_tenant="a", authorization="other")
        assert service.calls == 2
        assert service.post().status == 500
        assert "RW236" in log.text

    def test_hosts(self) -> None:
        service = Service()
        service.post(host="a.example")
        service.post(host="b.example")
        assert service.calls == 2


class TestOwners:
    """One client can keep only a limited number of responses in the store. Invented credentials do not raise this
    limit."""

    @pytest.mark.parametrize("policy", ["open", "closed"])
    def test_an_address(self, policy: Any) -> None:
        store = MemoryIdempotency(most_keys=100, share=0.05)
        app = App(
            middleware=[idempotency(IdempotencyOptions(store=store, on_store_failure=policy))],
            proxies=TrustedProxies("127.0.0.1", headers="x-forwarded"),
        )
        app.post("/")(lambda request: "done")
        client = Client(app)

        def post(number: int, address: str) -> int:
            headers = {
                "idempotency-key": f"key-{number}",
                "authorization": f"Bearer {number}",
                "x-forwarded-for": address,
            }
            return client.post("/", headers=headers).status

        assert [post(number, "192.0.2.1") for number in range(7)] == [200] * 5 + [429] * 2
        assert [post(number, f"2001:db8::{number}") for number in range(10, 17)] == [200] * 5 + [429] * 2
        assert post(20, "192.0.2.2") == 200
        assert post(1, "192.0.2.3") == 200  # a repetition of the first request, from another address
        assert len(store) == 11

    def test_a_user(self) -> None:
        store = MemoryIdempotency(most_keys=100, share=0.01)

        async def authenticate(request: Request, next: Next) -> Response:
            request.state.user = request.header("x-user")
            return await next(request)

        app = App(middleware=[authenticate, idempotency(IdempotencyOptions(store=store))])
        app.post("/")(lambda request: "done")
        client = Client(app)
        sent = [
            client.post("/", headers={"idempotency-key": key, "x-user": user}).status
            for user in ("ada", "bob")
            for key in ("1", "2", "1")
        ]
        assert sent == [200, 429, 200] * 2

    def test_a_sender(self) -> None:
        store = MemoryIdempotency(most_keys=100, share=0.01)
        options = IdempotencyOptions(store=store, sender=lambda request: request.header("x-tenant") or "")
        app = App(middleware=[idempotency(options)])
        app.post("/")(lambda request: "done")
        client = Client(app)
        sent = [
            client.post("/", headers={"idempotency-key": key, "x-tenant": tenant}).status
            for key in "12"
            for tenant in "ab"
        ]
        assert sent == [200, 200, 429, 429]


class TestUsersWhoBecomeKnownInside:
    """A user may become known only inside of this middleware, if the order is wrong. A response for this user is still
    not sent to another user."""

    @pytest.mark.parametrize("user", ["header", object()])
    def test_by_a_middleware(self, user: Any, log: Log) -> None:
        calls = []

        async def authenticate(request: Request, next: Next) -> Response:
            request.state.user = request.header("x-user") if user == "header" else user
            return await next(request)

        app = App(middleware=[idempotency(), authenticate])

        @app.post("/")
        def handler(request: Request) -> str:
            calls.append(request.header("x-user"))
            return f"the secret of {calls[-1]}"

        client = Client(app, raise_errors=False)
        first = client.post("/", headers=KEY | {"x-user": "ada"})
        assert (first.status, first.text) == (200, "the secret of ada")
        second = client.post("/", headers=KEY | {"x-user": "eve"})
        assert (second.status, "secret" in second.text) == (409, False)
        assert calls == ["ada"]
        assert len(log) == 1
        assert ("RW238" if user == "header" else "RW236") in log.text

    def test_the_test_client_raises_it(self, log: Log) -> None:
        app = App(middleware=[idempotency()])

        @app.post("/")
        def sign_in(request: Request) -> str:
            request.state.user = "ada"
            return "welcome"

        with pytest.raises(HandlerError, match="RW238"):
            Client(app).post("/", headers=KEY)
        assert Client(app).post("/").text == "welcome"
