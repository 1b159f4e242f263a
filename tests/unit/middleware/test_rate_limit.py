"""Rate limits."""

from collections.abc import Sequence
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.middleware.handlers import marking
from twisted.internet.defer import succeed

from ropewalk import App, Request, Resource, Response, TrustedProxies, wsgi
from ropewalk.errors import HandlerError
from ropewalk.middleware import Next, RateLimit, RateLimitOptions, rate_limit
from ropewalk.middleware.client_network import client_network
from ropewalk.stores import Bucket, MemoryRateLimits, StoreUnavailable, Taken
from ropewalk.testing import Client, ClientResponse

ONE = RateLimit(1, 60)


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Unavailable:
    """A store that cannot be reached."""

    async def take(self, buckets: Sequence[Bucket]) -> Taken:
        raise StoreUnavailable("The store is gone.")


def limited(*limits: RateLimit, **options: Any) -> Client:
    """A client of an app with limits. `/` says hello."""
    app = App(middleware=[rate_limit(RateLimitOptions(limits=limits, **options))])
    app.get("/")(lambda request: "hello")
    return Client(app, raise_errors=False)


def statuses(client: Client, times: int, **options: Any) -> list[int]:
    return [client.get("/", **options).status for _ in range(times)]


class TestResponses:
    def test_requests_over_the_limit_are_refused(self, log: Log) -> None:
        clock = Clock()
        client = limited(RateLimit(2, 60), store=MemoryRateLimits(clock=clock))
        assert statuses(client, 3) == [200, 200, 429]
        refused = client.get("/")
        assert refused.headers["retry-after"] == "30"
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json() == {
            "type": "about:blank",
            "title": "Too Many Requests",
            "status": 429,
            "detail": "Too many requests were sent.",
        }
        clock.now += 30
        assert statuses(client, 2) == [200, 429]
        assert log == []

    def test_header_fields(self) -> None:
        clock = Clock()
        client = limited(
            RateLimit(100, 60, burst=10, name="short"),
            RateLimit(2, 3600, name="long"),
            store=MemoryRateLimits(clock=clock),
        )
        first, _, refused = (client.get("/") for _ in range(3))
        assert first.headers["ratelimit-policy"] == '"short";q=10;w=6, "long";q=2;w=3600'
        assert first.headers["ratelimit"] == '"short";r=9;t=1, "long";r=1;t=1800'
        assert (refused.status, refused.headers["retry-after"]) == (429, "1800")
        assert refused.headers["ratelimit"] == '"short";r=8;t=1, "long";r=0;t=1800'
        assert refused.headers["ratelimit-policy"] == first.headers["ratelimit-policy"]

    def test_the_time_to_the_next_request_is_rounded_up(self) -> None:
        clock = Clock()
        client = limited(RateLimit(1, 10), store=MemoryRateLimits(clock=clock))
        client.get("/")
        clock.now += 0.5
        refused = client.get("/")
        assert (refused.headers["retry-after"], refused.headers["ratelimit"]) == ("10", '"1-per-10";r=0;t=10')
        clock.now += 9.4
        assert client.get("/").headers["retry-after"] == "1"
        clock.now += 0.1
        assert client.get("/").status == 200

    def test_without_header_fields(self) -> None:
        client = limited(ONE, header_fields=False)
        passed, refused = client.get("/"), client.get("/")
        assert "ratelimit" not in passed.headers
        assert "ratelimit-policy" not in refused.headers
        assert "retry-after" in refused.headers

    def test_fields_of_two_middlewares_are_one_list(self) -> None:
        app = App(
            middleware=[
                rate_limit(RateLimitOptions(limits=RateLimit(9, 60))),
                rate_limit(RateLimitOptions(limits=RateLimit(5, 60))),
            ]
        )
        app.get("/")(lambda request: "")
        assert Client(app).get("/").headers["ratelimit"] == '"5-per-60";r=4;t=12, "9-per-60";r=8;t=7'

    def test_an_error_handler_makes_the_response(self) -> None:
        app = App(middleware=[marking("outer"), rate_limit(RateLimitOptions(limits=ONE))])
        app.error(429)(lambda request, error: Response("Slower, please.", 429))
        app.get("/")(lambda request: "")
        client = Client(app)
        client.get("/")
        refused = client.get("/")
        assert (refused.text, refused.headers["x-marks"]) == ("Slower, please.", "outer")
        assert refused.headers["content-type"] == "text/plain; charset=utf-8"
        assert {"retry-after", "ratelimit"} <= set(refused.headers)

    def test_a_refused_request_takes_nothing(self) -> None:
        client = limited(ONE, RateLimit(3, 60, name="other"), store=MemoryRateLimits(clock=Clock()))
        found = [client.get("/").headers["ratelimit"].partition(", ")[2] for _ in range(3)]
        assert found == ['"other";r=2;t=20'] * 3

    def test_other_responses_count_too(self) -> None:
        client = limited(ONE)
        assert [client.get("/none").status for _ in range(2)] == [404, 429]


class TestKeys:
    def test_a_function(self) -> None:
        client = limited(RateLimit(1, 60, key=lambda request: request.header("x-api-key")))
        assert statuses(client, 2, headers={"x-api-key": "a"}) == [200, 429]
        assert statuses(client, 1, headers={"x-api-key": "b"}) == [200]
        unlimited = client.get("/")
        assert (unlimited.status, "ratelimit" in unlimited.headers) == (200, False)

    @pytest.mark.parametrize("kind", ["coroutine", "Deferred"])
    def test_a_function_may_be_async(self, kind: str) -> None:
        async def key(request: Request) -> str:
            return str(request.header("x-api-key"))

        client = limited(RateLimit(1, 60, key=key if kind == "coroutine" else lambda request: succeed("all")))
        assert statuses(client, 2, headers={"x-api-key": "a"}) == [200, 429]

    def test_a_function_that_returns_no_text(self, log: Log) -> None:
        client = limited(RateLimit(1, 60, key=lambda request: 5))
        assert client.get("/").status == 500
        assert "<lambda> at tests/unit/middleware/test_rate_limit.py:" in log.text
        assert "returned 5 as a key" in log.text

    def test_the_user(self) -> None:
        async def authenticate(request: Request, next: Next) -> Response:
            request.state.user = request.header("x-user")
            return await next(request)

        app = App(middleware=[authenticate, rate_limit(RateLimitOptions(limits=RateLimit(1, 60, key="user")))])
        app.get("/")(lambda request: "")
        client = Client(app)
        assert statuses(client, 2, headers={"x-user": "ada"}) == [200, 429]
        assert statuses(client, 2, headers={"x-user": "bob"}) == [200, 429]
        assert statuses(client, 2) == [200, 429]  # by address

    def test_a_user_whose_name_is_an_address_shares_nothing_with_it(self) -> None:
        keys: list[str] = []

        class Noting:
            async def take(self, buckets: Sequence[Bucket]) -> Taken:
                keys.extend(each.key for each in buckets)
                return Taken(True, tuple(1.0 for _ in buckets))

        client = limited(
            RateLimit(1, 60, "user", name="a"),
            RateLimit(1, 60, name="b"),
            RateLimit(1, 60, lambda request: "127.0.0.1", name="c"),
            user=lambda request: "127.0.0.1",
            store=Noting(),
        )
        client.get("/")
        assert len(set(keys)) == 3
        assert {len(key) for key in keys} == {32}

    @pytest.mark.parametrize("user", [7, "7", type("User", (), {"id": 7})()])
    def test_kinds_of_users(self, user: Any) -> None:
        async def authenticate(request: Request, next: Next) -> Response:
            request.state.user = user
            return await next(request)

        app = App(middleware=[authenticate, rate_limit(RateLimitOptions(limits=RateLimit(1, 60, key="user")))])
        app.get("/")(lambda request: "")
        assert statuses(Client(app), 2) == [200, 429]

    @pytest.mark.parametrize("user", [object(), True, 1.5, type("User", (), {"id": None})()])
    def test_a_user_without_an_id(self, user: Any, log: Log) -> None:
        async def authenticate(request: Request, next: Next) -> Response:
            request.state.user = user
            return await next(request)

        app = App(middleware=[authenticate, rate_limit(RateLimitOptions(limits=RateLimit(1, 60, key="user")))])
        app.get("/")(lambda request: "")
        assert Client(app, raise_errors=False).get("/").status == 500
        assert "RW236" in log.text

    @pytest.mark.parametrize(
        ("client", "network"),
        [
            (("192.0.2.1", 5000), "192.0.2.1"),
            (("2001:db8::1", 5000), "2001:db8::/64"),
            (("2001:db8:0:0:ffff::1", 5000), "2001:db8::/64"),
            (("2001:db8:0:1::1", 5000), "2001:db8:0:1::/64"),
            (("fe80::1%eth0", 5000), "fe80::/64"),
            (("::ffff:192.0.2.1", 5000), "192.0.2.1"),
            (("not:an:address", 5000), "not:an:address"),
            ("/run/app.sock", "unknown"),
            (None, "unknown"),
        ],
    )
    def test_the_network_of_a_client(self, client: Any, network: str) -> None:
        class Sent:
            def __init__(self) -> None:
                self.client = client

        sent: Any = Sent()
        assert client_network(sent, 64) == network

    def test_the_length_of_the_prefix(self) -> None:
        class Sent:
            client = ("2001:db8:1:2:3::1", 5000)

        sent: Any = Sent()
        assert client_network(sent, 48) == "2001:db8:1::/48"
        assert client_network(sent, 128) == "2001:db8:1:2:3::1/128"

    def test_exemptions(self) -> None:
        async def exempt(request: Request) -> bool:
            return request.path == "/health"

        app = App(middleware=[rate_limit(RateLimitOptions(limits=ONE, exempt=exempt))])
        app.get("/health")(lambda request: "")
        app.get("/")(lambda request: "")
        client = Client(app)
        assert [client.get("/health").status for _ in range(3)] == [200] * 3
        assert "ratelimit" not in client.get("/health").headers
        assert statuses(client, 2) == [200, 429]


class TestStores:
    def test_open(self, log: Log) -> None:
        client = limited(ONE, store=Unavailable())
        passed = client.get("/")
        assert (passed.status, "ratelimit" in passed.headers) == (200, False)
        assert log == []  # the middleware logs nothing for each request; the store logs its failure once

    def test_closed(self, log: Log) -> None:
        client = limited(ONE, store=Unavailable(), on_store_failure="closed")
        refused = client.get("/")
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["detail"] == "The rate of requests cannot be checked at the moment."
        assert log == []

    @pytest.mark.parametrize(("namespace", "status"), [("default", 429), ("other", 200)])
    def test_namespaces_separate_middlewares(self, namespace: str, status: int) -> None:
        store = MemoryRateLimits()
        first, second = limited(ONE, store=store), limited(ONE, store=store, namespace=namespace)
        assert first.get("/").status == 200
        assert second.get("/").status == status


class TestPlaces:
    """The places where the middleware may be, and what it may surround."""

    def test_a_mounted_app(self) -> None:
        inner, app = App(middleware=[rate_limit(RateLimitOptions(limits=ONE))]), App()
        inner.get("/")(lambda request: "")
        app.get("/")(lambda request: "")
        app.mount("/inner", inner)
        client = Client(app)
        assert [client.get("/inner/").status for _ in range(2)] == [200, 429]
        assert statuses(client, 3) == [200] * 3

    def test_kinds_of_handlers(self) -> None:
        class Hello(Resource):
            def render_GET(self, request: Request) -> str:
                return "resource"

        def application(environ: Any, start_response: Any) -> list[bytes]:
            start_response("200 OK", [("content-type", "text/plain")])
            return [b"wsgi"]

        async def coroutine(request: Request) -> str:
            return "coroutine"

        app = App(middleware=[rate_limit(RateLimitOptions(limits=RateLimit(99, 60)))])
        app.get("/deferred")(lambda request: succeed("deferred"))
        app.get("/coroutine")(coroutine)
        app.get("/stream")(lambda request: iter(["str", "eam"]))
        app.mount("/resource", Hello())
        app.mount("/wsgi", wsgi(application))
        client = Client(app)

        def get(name: str) -> ClientResponse:
            return client.get(f"/{name}")

        for name in ("deferred", "coroutine", "stream", "resource", "wsgi"):
            assert (get(name).text, get(name).headers["ratelimit-policy"]) == (name, '"99-per-60";q=99;w=60')


class TestOptions:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: RateLimit(0, 60),
            lambda: RateLimit(True, 60),
            lambda: RateLimit(1.5, 60),  # type: ignore[arg-type]
            lambda: RateLimit(1, 0),
            lambda: RateLimit(1, float("nan")),
            lambda: RateLimit(1, float("inf")),
            lambda: RateLimit(1, 60, burst=0),
            lambda: RateLimit(1, 60, key="address"),  # type: ignore[arg-type]
            lambda: RateLimit(1, 60, name='a"b'),
            lambda: RateLimitOptions(limits=()),
            lambda: RateLimitOptions(limits=[5]),  # type: ignore[list-item]
            lambda: RateLimitOptions(limits=5),  # type: ignore[arg-type]
            lambda: RateLimitOptions(limits=ONE, on_store_failure="wait"),  # type: ignore[arg-type]
            lambda: RateLimitOptions(limits=ONE, namespace="a b"),
            lambda: RateLimitOptions(limits=ONE, ipv6_prefix=0),
            lambda: RateLimitOptions(limits=ONE, ipv6_prefix=129),
            lambda: RateLimitOptions(limits=ONE, exempt="10.0.0.1"),  # type: ignore[arg-type]
            lambda: RateLimitOptions(limits=ONE, user="ada"),  # type: ignore[arg-type]
            lambda: RateLimitOptions(limits=ONE, header_fields="no"),  # type: ignore[arg-type]
        ],
    )
    def test_wrong_values(self, make: Any) -> None:
        with pytest.raises(HandlerError, match="RW230 RateLimit(Options)?: "):
            make()

    def test_two_limits_of_one_name(self) -> None:
        with pytest.raises(
            HandlerError, match="RW231 RateLimitOptions: two limits have the same name: 1-per-60, 1-per-60"
        ):
            RateLimitOptions(limits=[ONE, ONE])

    def test_a_wrong_call(self) -> None:
        with pytest.raises(HandlerError, match=r"RW232 .*RateLimitOptions\(\.\.\.\)"):
            rate_limit(ONE)  # type: ignore[arg-type]

    def test_names_are_made_of_the_numbers(self) -> None:
        assert [RateLimit(5, 1).name, RateLimit(5, 0.5).name, RateLimit(10, 1e8).name] == [
            "5-per-1",
            "5-per-0.5",
            "10-per-1e08",
        ]


def test_the_client_that_a_trusted_proxy_names_counts() -> None:
    app = App(
        middleware=[rate_limit(RateLimitOptions(limits=ONE))],
        proxies=TrustedProxies("127.0.0.1", headers="x-forwarded"),
    )
    app.get("/")(lambda request: "")
    client = Client(app)
    found = [client.get("/", headers={"x-forwarded-for": host}).status for host in ("192.0.2.1", "192.0.2.2") * 2]
    assert found == [200, 200, 429, 429]
