"""A wrong option is reported with the line of the user's program that gives it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ropewalk import App, ASGIOptions, Depends, OpenAPI, Routes, WSGIOptions, asgi, wsgi
from ropewalk.auth import (
    APIKey,
    BasicAuth,
    BearerJWTOptions,
    DigestAuthOptions,
    TokenIntrospectionOptions,
    TokenIssuer,
    authenticate,
    requires,
)
from ropewalk.errors import OptionError, RopewalkError, calling_place
from ropewalk.middleware import (
    AllowedHostsOptions,
    BodyLimitOptions,
    CacheHeadersOptions,
    CORSOptions,
    IdempotencyOptions,
    MiddlewareResponse,
    RateLimit,
    RequestIDOptions,
    SecurityHeadersOptions,
    TimeoutOptions,
    cors,
)
from ropewalk.paging import CursorPages
from ropewalk.routing import get
from ropewalk.stores import MemoryIdempotency, MemoryRateLimits, RedisServer, SQLiteIdempotency

HERE = Path(__file__).name


WRONG: list[Callable[[], Any]] = [
    lambda: App(trailing_slash="never"),  # type: ignore[arg-type]
    lambda: App(error_format="xml"),  # type: ignore[arg-type]
    lambda: App(proxies="10.0.0.1"),  # type: ignore[arg-type]
    lambda: App(debug="yes"),  # type: ignore[arg-type]
    lambda: App().get("/", provide=5),  # type: ignore[arg-type]
    lambda: App().mount(5, App()),  # type: ignore[arg-type]
    lambda: App().mount("/", App(), hidden="yes"),  # type: ignore[arg-type]
    lambda: App().route("/", 5),  # type: ignore[arg-type]
    lambda: App(middleware="cors"),  # type: ignore[arg-type]
    lambda: App(openapi="Hotel"),  # type: ignore[arg-type]
    lambda: App(openapi=OpenAPI("Hotel", "1.0", ui="docs")),
    lambda: App().get("/", sumary=""),  # type: ignore[call-arg]
    lambda: App().get("/", name=5),  # type: ignore[arg-type]
    lambda: App().get("/", body_limit=-1),
    lambda: App().get("/", status=99),
    lambda: App().get("/", middleware=5),  # type: ignore[arg-type]
    lambda: App().get("/", provide={"user": 5}),
    lambda: App().provide("user", 5),  # type: ignore[arg-type]
    lambda: App().mount("/", App(), tag=[]),  # type: ignore[call-arg]
    lambda: App().mount("/", App(), middleware=5),  # type: ignore[arg-type]
    lambda: App().mount("/", wsgi(lambda environ, start: []), provide={"user": App}),
    lambda: get("/", body_limt=5),  # type: ignore[call-arg]
    lambda: type("Rooms", (Routes,), {"error_format": "xml"})(),
    lambda: Depends(5),  # type: ignore[arg-type]
    lambda: Depends(App, scope="session"),  # type: ignore[arg-type]
    lambda: wsgi(lambda environ, start: [], 10),  # type: ignore[arg-type]
    lambda: WSGIOptions(threads=0),
    lambda: asgi(asyncio.sleep, {}),  # type: ignore[arg-type]
    lambda: ASGIOptions(lifespan="of"),  # type: ignore[arg-type]
    lambda: ASGIOptions(body_limit=-1),
    lambda: AllowedHostsOptions(hosts=[]),
    lambda: BodyLimitOptions(body_limit=-1),
    lambda: CacheHeadersOptions(max_age=-1),
    lambda: CORSOptions(origins="*"),
    lambda: cors({"origins": "*"}),  # type: ignore[arg-type]
    lambda: IdempotencyOptions(expires=0),
    lambda: MiddlewareResponse(99),
    lambda: RateLimit(0, 60),
    lambda: RequestIDOptions(accept_from=["localhost"]),
    lambda: SecurityHeadersOptions(frames="all"),  # type: ignore[arg-type]
    lambda: TimeoutOptions(seconds=0),
    lambda: MemoryIdempotency(most_keys=0),
    lambda: MemoryRateLimits(most_keys=0),
    lambda: SQLiteIdempotency(":memory:"),
    lambda: RedisServer("http://localhost"),
    lambda: CursorPages(int, secret="short"),
    lambda: authenticate(),
    lambda: requires(5),  # type: ignore[arg-type]
    lambda: APIKey("X-Key", check=lambda key: key, where="body"),  # type: ignore[arg-type]
    lambda: BasicAuth(5),  # type: ignore[arg-type]
    lambda: BasicAuth(lambda name, password: name, realm="é"),
    lambda: BearerJWTOptions(keys="k" * 32, issuer=None, audience=None, leeway=-1),
    lambda: DigestAuthOptions(algorithms=("SHA-1",)),
    lambda: TokenIntrospectionOptions(url="http://a", client_id="a", client_secret="b", issuer=None, audience=None),
    lambda: TokenIssuer("short", issuer=None, audience=None),
]


@pytest.mark.parametrize("make", WRONG, ids=range(len(WRONG)))
def test_the_line_of_the_option(make: Any) -> None:
    with pytest.raises(RopewalkError) as caught:
        make()
    assert f"{HERE}:{make.__code__.co_firstlineno}" in caught.value.message
    assert caught.value.remedy


def test_it_stands_in_front_of_the_full_stop() -> None:
    assert OptionError("RW271", "It is 5.", "Give 6.").message == f"It is 5 ({calling_place()})."
