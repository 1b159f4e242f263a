"""Calls to services that stall, break off, or lie."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

from tests.unit.client.servers import OK, Connection, FullServer, Server
from tests.unit.client.steps import ONCE, SHORT, client, fails
from twisted.internet.defer import CancelledError

from ropewalk.client import (
    BadResponse,
    CallTimeout,
    ConnectionBroken,
    ConnectionFailed,
    InvalidCall,
    ResponseTooLarge,
    Timeouts,
)


async def no_connection() -> None:
    async with client(retries=ONCE) as http:
        await fails(ConnectionFailed, http.get("http://127.0.0.1:1/"))
        await fails(ConnectionFailed, http.get("http://no-such-host.invalid/"))


async def a_stall_while_connecting() -> None:
    with FullServer() as url:
        async with client(url, timeouts=Timeouts(connect=SHORT), retries=ONCE) as http:
            error = await fails(CallTimeout, http.get("/"), "connect")
            assert "timeouts.connect" in str(error)


async def a_stall_before_the_head() -> None:
    async with Server(lambda *_: None) as server:
        async with client(server.url, timeouts=Timeouts(read=SHORT)) as http:
            await fails(CallTimeout, http.get("/"), "read")
            await fails(CallTimeout, http.post("/", body=b"x"), "read")
        await server.all_left()


async def a_stall_in_the_body() -> None:
    async with Server(lambda connection, _: connection.write(OK[:-1])) as server:
        async with client(server.url, timeouts=Timeouts(read=SHORT)) as http:
            await fails(CallTimeout, http.get("/"), "read")
            async with await http.stream("GET", "/") as response:
                assert await response.read_part() == b"o"
                await fails(CallTimeout, response.read_part(), "read")
        await server.all_left()


async def a_stall_while_writing() -> None:
    stalled = Server(lambda *_: None, reads_nothing=True)
    async with stalled as server, client(server.url, timeouts=Timeouts(write=SHORT)) as http:
        await fails(CallTimeout, http.post("/", body=b"x" * 20_000_000), "write")


async def no_free_connection() -> None:
    stalled = Server(lambda *_: None)
    async with stalled as server, client(server.url, connections=1, timeouts=Timeouts(pool=SHORT)) as http:
        first = http.get("/")
        await fails(CallTimeout, http.get("/"), "pool")
        waiting = http.get("/", timeouts=Timeouts(read=SHORT))
        first.addErrback(lambda failure: failure.trap(CancelledError))
        first.cancel()
        await fails(CallTimeout, waiting, "read")  # the call has got a connection, because its error is about the read


async def a_slow_body() -> None:
    from twisted.internet import reactor

    def drip(connection: Connection, _: bytes) -> None:
        if connection in server.open:
            connection.write(b"x")
            timers.append(reactor.callLater(0.01, drip, connection, b""))

    timers: list[Any] = []

    def begin(connection: Connection, head: bytes) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        drip(connection, head)

    async with Server(begin) as server:
        async with client(server.url, timeouts=Timeouts(total=0.1)) as http:
            await fails(CallTimeout, http.get("/"), "total")
        await server.all_left()
        if timers and timers[-1].active():
            timers[-1].cancel()


def writing(data: bytes) -> Any:
    return lambda connection, _: connection.write(data)


def closing(data: bytes) -> Any:
    def respond(connection: Connection, _: bytes) -> None:
        connection.write(data)
        connection.close()

    return respond


async def broken_responses() -> None:
    for data in (
        b"",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nshort\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
        b"HTTP/1.1 200 OK\r\nX-\xe9: 1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX y: 1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 0 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 -200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    ):
        async with Server(closing(data)) as server, client(server.url, retries=ONCE) as http:
            error = await fails(ConnectionBroken, http.get("/?secret=1"))
            assert "secret" not in str(error), error
            assert error.url.endswith("/?secret=1")


async def an_endless_head() -> None:
    def begin(connection: Connection, _: bytes) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\n" + b"X-Field: 1\r\n" * 20_000)

    async with Server(begin) as server:
        async with client(server.url, retries=ONCE) as http:
            await fails(ConnectionBroken, http.get("/"))
        await server.all_left()


async def a_body_until_the_end_of_the_connection() -> None:
    async with Server(closing(b"HTTP/1.1 200 OK\r\n\r\nall of it")) as server, client(server.url) as http:
        assert (await http.get("/")).text == "all of it"


async def bytes_after_the_body() -> None:
    """A second response in the same segment must not become the response to the next request."""
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    async with Server(lambda connection, _: connection.write(OK + forged)) as server, client(server.url) as http:
        for _ in range(3):
            assert (await http.get("/")).text == "ok"


async def large_bodies() -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + b"x" * 1000 + b"\r\n"
    bomb = gzip.compress(bytes(50_000_000))
    zipped = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(bomb), bomb)
    for data in (long, chunked, zipped):
        async with Server(writing(data)) as server:
            async with client(server.url, body_limit=999) as http:
                await fails(ResponseTooLarge, http.get("/"))
            await server.all_left()


async def compressed_bodies() -> None:
    data = gzip.compress(b"one ") + gzip.compress(b"two")

    def respond(connection: Connection, head: bytes) -> None:
        body = {b"/": data, b"/cut": data[:-4], b"/not": b"not gzip"}[head.split()[1]]
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async with Server(respond) as server, client(server.url, retries=ONCE) as http:
        assert (await http.get("/")).text == "one two"
        await fails(ConnectionBroken, http.get("/cut"))
        await fails(BadResponse, http.get("/not"))


async def an_early_response() -> None:
    """If a service responds before it has read the whole request, the call returns this response, and no error."""
    early = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with Server(writing(early)) as server, client(server.url, timeouts=Timeouts(total=5)) as http:
        assert (await http.post("/", body=b"x" * 100_000)).status == 413


async def an_idle_connection_that_was_closed() -> None:
    """The next request has a new connection, even if the reactor has not seen the end of the old one."""
    async with Server(lambda connection, _: connection.write(OK)) as server, client(server.url, retries=ONCE) as http:
        for number in range(1, 4):
            assert (await http.post("/", body=b"")).body == b"ok"
            assert server.accepted == number
            for each in server.open:
                each.shut()


async def a_body_that_fails() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"one"
        raise LookupError("no more")

    async with Server(lambda *_: None) as server:
        async with client(server.url) as http:
            try:
                await http.post("/", body=body())
            except LookupError as error:
                assert str(error) == "no more"  # noqa: PT017 - this program runs without pytest
            else:
                raise AssertionError
        await server.all_left()


async def a_body_of_another_length() -> None:
    """If the body is longer or shorter than the Content-Length that the caller gives, the call fails with InvalidCall,
    and nothing more is sent on its connection."""
    async with Server(lambda *_: None) as server:
        for length, more_or_less in ((2, "more"), (4, "1 bytes less")):
            async with client(server.url, timeouts=Timeouts(total=5)) as http:
                call = http.post("/", body=iter([b"a", b"bc"]), headers={"content-length": f"{length}"})
                error = await fails(InvalidCall, call)
                assert more_or_less in str(error)
            await server.all_left()


SCENARIOS = [
    no_connection,
    a_stall_while_connecting,
    a_stall_before_the_head,
    a_stall_in_the_body,
    a_stall_while_writing,
    no_free_connection,
    a_slow_body,
    broken_responses,
    an_endless_head,
    a_body_until_the_end_of_the_connection,
    bytes_after_the_body,
    large_bodies,
    compressed_bodies,
    an_early_response,
    an_idle_connection_that_was_closed,
    a_body_that_fails,
    a_body_of_another_length,
]
