"""Calls to services that follow the rules of HTTP."""

import asyncio
from asyncio import _get_running_loop as running_loop
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from tests.certificates import make_authority, make_files
from tests.unit.client.servers import OK, Connection, Server
from tests.unit.client.steps import ONCE, SHORT, Room, app, client, fails, served
from twisted.internet.defer import CancelledError, inlineCallbacks
from twisted.internet.task import deferLater

from ropewalk import App, Depends, Request
from ropewalk.client import (
    BadStatus,
    ClientClosed,
    ClientError,
    ConnectionBroken,
    ConnectionFailed,
    HTTPClient,
    InvalidCall,
    RedirectRefused,
    Retries,
)
from ropewalk.middleware import RequestIDOptions, current_request_id, request_id
from ropewalk.testing import AsyncClient


async def a_type() -> None:
    async with served(app) as url, client(url) as http:
        assert await http.get("/rooms/{id}", path={"id": 7}, type=Room) == Room(7)
        assert (await http.get("/rooms/7")).json() == {"id": 7}
        assert (await fails(BadStatus, http.get("/nothing", type=Room))).status == 404
        assert (await http.get("/nothing")).status == 404
        head = await http.head("/rooms/7")
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "8")


async def streams_both_ways() -> None:
    async def body() -> AsyncIterator[bytes]:
        from twisted.internet import reactor

        for number in range(5):
            await deferLater(reactor, 0, int)
            yield str(number).encode() * 100_000

    expected = b"".join(str(number).encode() * 100_000 for number in range(5))
    async with served(app) as url, client(url) as http:
        assert (await http.post("/echo", body=body())).body == expected
        async with await http.stream("POST", "/echo", body=expected) as response:
            assert b"".join([part async for part in response]) == expected
        async with await http.stream("POST", "/echo", body="one\r\ntwo\n\nfour") as response:
            assert [line async for line in response.lines()] == ["one", "two", "", "four"]


async def connections_are_reused() -> None:
    async with Server(lambda connection, _: connection.write(OK)) as server, client(server.url) as http:
        for _ in range(3):
            assert (await http.get("/")).text == "ok"
        async with await http.stream("GET", "/") as response:
            assert (await response.read()).text == "ok"
        await http.get("/")
        assert server.accepted == 1


async def every_kind_of_caller() -> None:
    async with served(app) as url, client(url) as http:

        @inlineCallbacks
        def old() -> Generator[Any, Any, Any]:
            result = yield http.get("/rooms/1", type=Room)
            return result

        assert await old() == Room(1)
        if running_loop() is not None:
            task = asyncio.ensure_future(_await(http.get("/rooms/2", type=Room)))
            assert await task == Room(2)


async def _await(waiter: Any) -> Any:
    return await waiter


async def https() -> None:
    with TemporaryDirectory() as name:
        authority, other = make_authority(), make_authority("Another authority")
        files = make_files(Path(name), authority=authority)
        for each, file in ((authority, "good.pem"), (other, "bad.pem")):
            Path(name, file).write_text(each.pem, encoding="ascii")
        async with Server(lambda connection, _: connection.write(OK), tls=files) as server:
            async with client(server.url, ca_file=Path(name, "good.pem")) as http:
                assert (await http.get("/")).text == "ok"
                assert (await http.get("/")).text == "ok"
                assert server.accepted == 1
                for connection in server.open:
                    connection.shut()
                assert (await http.post("/", body=b"")).text == "ok"
                assert server.accepted == 2
            async with client(server.url, ca_file=Path(name, "bad.pem"), retries=ONCE) as http:
                await fails(ConnectionFailed, http.get("/"))
            async with client(server.url, retries=ONCE) as http:
                await fails(ConnectionFailed, http.get("/"))
        assert len(server.heads) == 3


async def an_app_scoped_client() -> None:
    opened: list[HTTPClient] = []

    async def rooms() -> AsyncIterator[HTTPClient]:
        async with client(url) as http:
            opened.append(http)
            yield http

    front = App()

    @front.get("/")
    async def handler(http: Annotated[HTTPClient, Depends(rooms, scope="app")]) -> Room:
        return await http.get("/rooms/4", type=Room)

    async with served(app) as url:
        async with AsyncClient(front) as caller:
            assert (await caller.get("/")).json() == {"id": 4}
            assert (await caller.get("/")).json() == {"id": 4}
        assert len(opened) == 1


async def retries() -> None:
    async with Server(lambda connection, _: flaky(connection)) as server:

        def flaky(connection: Connection) -> None:
            if len(server.heads) % 3:
                connection.close()
            else:
                connection.write(OK)

        async with client(server.url, retries=Retries(first_delay=0.001)) as http:
            assert (await http.get("/")).text == "ok"
            assert len(server.heads) == 3
            await fails(ConnectionBroken, http.post("/"))
            assert len(server.heads) == 4
            assert (await http.post("/", headers={"idempotency-key": "1"})).text == "ok"


async def retry_after() -> None:
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n"
    after = b"0"

    def respond(connection: Connection, _: bytes) -> None:
        connection.write(OK if len(server.heads) % 2 == 0 else busy % after)

    async with Server(respond) as server, client(server.url, retries=Retries(first_delay=0.001)) as http:
        assert (await http.get("/")).text == "ok"
        assert len(server.heads) == 2
        after = b"100"
        assert (await http.get("/")).status == 503
        assert len(server.heads) == 3


async def redirects() -> None:
    async with Server(lambda connection, _: connection.write(OK)) as other:

        def respond(connection: Connection, head: bytes) -> None:
            path = head.split()[1].decode()
            there = {"/same": "/end", "/other": f"{other.url}/end", "/loop": "/loop", "/file": "file:///etc/passwd"}
            if path in there:
                connection.write(f"HTTP/1.1 302 Found\r\nLocation: {there[path]}\r\nContent-Length: 0\r\n\r\n".encode())
            else:
                connection.write(OK)

        async with Server(respond) as server:
            async with client(server.url, auth="secret", headers={"x-api-key": "secret"}) as http:
                assert (await http.get("/same")).status == 302
                assert (await http.get("/same", redirects=3)).text == "ok"
                await fails(RedirectRefused, http.get("/other", redirects=3))
                await fails(RedirectRefused, http.get("/loop", redirects=3))
                await fails(RedirectRefused, http.get("/file", redirects=3))
                assert other.heads == []
            options: Any = {"auth": "secret", "headers": {"x-api-key": "secret", "cookie": "secret=1"}}
            async with client(server.url, **options, cross_origin_redirects=True, redirects=3) as http:
                response = await http.post("/other", json={"secret": 1})
                assert response.url == f"{other.url}/end"
        [head] = other.heads
        assert b"secret" not in head, head
        assert head.startswith(b"GET ")


async def cookies() -> None:
    response = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nContent-Length: 0\r\n\r\n"
    async with Server(lambda connection, _: connection.write(response)) as server:
        for keeps in (False, True):
            async with client(server.url, cookies=keeps) as http:
                await http.get("/")
                await http.get("/")
            assert (b"a=1" in server.heads[-1]) == keeps


async def targets_are_sent_unchanged() -> None:
    async with Server(lambda connection, _: connection.write(OK)) as server, client(f"{server.url}/v1") as http:
        await http.get("/a%2Fb;c=1?x=%20&y=é")
        await http.get("/{name}", path={"name": "../é?#"}, query={"a": ["1", "2"], "b": None, "c": True})
        lines = [head.split(b"\r\n")[0] for head in server.heads]
        assert lines == [
            b"GET /v1/a%2Fb;c=1?x=%20&y=%C3%A9 HTTP/1.1",
            b"GET /v1/..%2F%C3%A9%3F%23?a=1&a=2&c=true HTTP/1.1",
        ]
        for wrong in ("/../secret", "/%2e%2E/secret", "//other.example/", "https://other.example/", "/a\r\nb: c"):
            try:
                await http.get(wrong)
            except InvalidCall:
                continue
            raise AssertionError(wrong)


async def ids_are_passed_on() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with served(app) as url, client(url) as http:
        front = App(middleware=[request_id(RequestIDOptions(accept_from=["*"]))])

        @front.get("/")
        async def handler(request: Request) -> Any:
            found = (await http.get("/ids")).json()
            return {**found, "own": current_request_id()}

        @front.get("/plain")
        def plain(request: Request) -> Any:
            return http.get("/rooms/5", type=Room)

        async with served(front) as front_url, client(front_url) as caller:
            given = {"x-request-id": "abc", "traceparent": trace}
            assert (await caller.get("/", headers=given)).json() == {"id": "abc", "trace": trace, "own": "abc"}
            found = (await caller.get("/")).json()
            assert found["id"] == found["own"]
            assert found["trace"] is None
            assert await caller.get("/plain", type=Room) == Room(5)


async def an_app_in_process() -> None:
    async with HTTPClient(app=app) as http:
        assert await http.get("/rooms/3", type=Room) == Room(3)
        async with await http.stream("POST", "/echo", body=[b"a", b"b"]) as response:
            assert (await response.read()).body == b"ab"
        assert (await http.get("/nothing")).status == 404


async def bodies_for_an_app_in_process() -> None:
    async with HTTPClient(app=app) as http:
        given = {"content-length": "3"}
        assert (await http.post("/echo", body=iter([b"a", b"bc"]), headers=given)).text == "abc"
        assert (await http.post("/echo", body=[b"a", "bc"])).text == "abc"
        for wrong in (b"ab", b"abcd"):
            await fails(InvalidCall, http.post("/echo", body=iter([wrong]), headers=given))
        parts: Any = [5]
        await fails(InvalidCall, http.post("/echo", body=parts))


async def cancelling_closes_the_connection() -> None:
    from twisted.internet import reactor

    async with Server(lambda *_: None) as server, client(server.url) as http:
        waiter = http.get("/")
        reactor.callLater(SHORT, waiter.cancel)
        try:
            await waiter
        except (CancelledError, asyncio.CancelledError):
            await server.all_left()
        else:
            raise AssertionError


async def closing_ends_calls() -> None:
    async with Server(lambda connection, _: connection.write(OK[:-1])) as server:
        http = client(server.url)
        streamed = await http.stream("GET", "/")
        waiter = http.get("/")
        await http.close()
        await fails(ClientClosed, waiter)
        await fails(ClientError, streamed.read())
        await server.all_left()
        assert not http._running
        assert not http._sender.streams


async def a_close_that_is_cancelled() -> None:
    """If the wait for `close` is cancelled, the connection is closed nevertheless."""
    async with Server(lambda connection, _: connection.write(OK[:-1])) as server, client(server.url) as http:
        stream = await http.stream("GET", "/")
        stream.close().addErrback(lambda failure: failure.trap(CancelledError)).cancel()
        await server.all_left()


async def closing_ends_a_read() -> None:
    async with Server(lambda connection, _: connection.write(OK[:-1])) as server:
        http = client(server.url)
        streamed = await http.stream("GET", "/")
        assert await streamed.read_part() == b"o"
        reading = streamed.read_part()
        await http.close()
        await fails(ClientError, reading)
        await server.all_left()


async def cancelling_a_read() -> None:
    async with Server(lambda connection, _: connection.write(OK[:-1])) as server, client(server.url) as http:
        async with await http.stream("GET", "/") as streamed:
            assert await streamed.read_part() == b"o"
            reading = streamed.read_part()
            reading.addErrback(lambda failure: failure.trap(CancelledError))
            reading.cancel()
            await reading
        await server.all_left()


SCENARIOS = [
    a_type,
    streams_both_ways,
    connections_are_reused,
    every_kind_of_caller,
    https,
    an_app_scoped_client,
    retries,
    retry_after,
    redirects,
    cookies,
    targets_are_sent_unchanged,
    ids_are_passed_on,
    an_app_in_process,
    bodies_for_an_app_in_process,
    cancelling_closes_the_connection,
    closing_ends_calls,
    a_close_that_is_cancelled,
    closing_ends_a_read,
    cancelling_a_read,
]
