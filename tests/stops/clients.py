"""Strict clients: a connection that ends without a response is a failed request.

They keep their connections or open one for each request, pause between requests and before the first byte, send in
small pieces, upload and pipeline. So a stop finds connections in every state.
"""

import asyncio
import random
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from tests.stops.service import PART, PARTS

HOST = "127.0.0.1"

MOST_SECONDS = 20
"""The timeout of a response. It is longer than any response takes, and shorter than a drain may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of client."""

    name: str
    clients: int
    """How many clients of this kind there are."""
    path: str
    kept: bool
    """Whether the client keeps its connection until the server closes it."""
    thought: float = 0.0
    """The longest pause, in seconds: after the connect and after a response."""
    pieces: int = 1
    """The number of pieces in which the client sends a request."""
    pause: float = 0.0
    """Seconds between the pieces."""
    body: int = 0
    """The size of the body, in bytes."""
    chunked: bool = False
    pipelined: int = 1
    """How many requests the client sends together."""

    def request(self, number: int, last: bool) -> bytes:
        """The bytes of a request. The last one on its connection has `Connection: close`."""
        lines = [f"{'POST' if self.body else 'GET'} {self.path}/{number} HTTP/1.1", "Host: localhost"]
        if last:
            lines.append("Connection: close")
        body = bytes(self.body)
        if self.chunked:
            lines.append("Transfer-Encoding: chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (self.body, body)
        elif self.body:
            lines.append(f"Content-Length: {self.body}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    def right(self, number: int, body: bytes) -> bool:
        """Whether this is the complete response to that request."""
        before = {"/streamed": PART * PARTS, "/upload": b"%d " % self.body, "/whole": b"%d " % self.body}
        return body == before.get(self.path, b"") + b"%d" % number


KINDS = (
    Kind(name="kept", clients=6, path="/plain", kept=True),
    Kind(name="kept, thinking a little", clients=12, path="/plain", kept=True, thought=0.02),
    Kind(name="kept, thinking long", clients=48, path="/plain", kept=True, thought=0.6),
    Kind(name="kept, pipelining", clients=4, path="/plain", kept=True, thought=0.05, pipelined=4),
    Kind(name="kept, head in pieces", clients=8, path="/plain", kept=True, thought=0.1, pieces=4, pause=0.05),
    Kind(name="kept, posting", clients=8, path="/whole", kept=True, thought=0.1, body=3_000, pieces=3, pause=0.05),
    Kind(name="fresh", clients=6, path="/plain", kept=False),
    Kind(name="fresh, hesitating", clients=24, path="/plain", kept=False, thought=0.6),
    Kind(name="fresh, head in pieces", clients=8, path="/plain", kept=False, pieces=4, pause=0.1),
    Kind(name="sleeping handler", clients=16, path="/sleeping", kept=True, thought=0.1),
    Kind(name="Deferred handler", clients=8, path="/deferred", kept=False, thought=0.1),
    Kind(name="streamed answer", clients=8, path="/streamed", kept=True, thought=0.1),
    Kind(name="upload", clients=8, path="/upload", kept=True, body=300_000, pieces=6, pause=0.1),
    Kind(name="chunked upload", clients=4, path="/upload", kept=False, body=90_000, chunked=True, pieces=6, pause=0.1),
)


@dataclass(slots=True)
class Tally:
    """The results of the requests."""

    responded: dict[int, int] = field(default_factory=dict)
    """The statuses of complete responses, by the number of the request."""
    failures: list[str] = field(default_factory=list)
    """Requests that got no complete response, and connections that ended before a request that the client was about to
    send."""
    refused: int = 0
    """Connections that the server refused. They are expected when no server listens any more."""
    declined: int = 0
    """Pipelined requests that were not served, because the response to an earlier one closed the connection. Servers
    may do this."""
    by_kind: Counter[str] = field(default_factory=Counter)
    """Responses to each kind of client."""


class Load:
    """All clients, until they are stopped or connections are refused."""

    def __init__(self, port: int, *, kinds: Sequence[Kind] = KINDS, seed: int = 0) -> None:
        self.port = port
        self.tally = Tally()
        self.over = asyncio.Event()
        self.numbers: Iterator[int] = count(1)
        self._dice = random.Random(seed)
        self._clients = [_Client(self, kind, self._dice.random()) for kind in kinds for _ in range(kind.clients)]

    async def run(self) -> None:
        """Return when every client has its last response."""
        async with asyncio.TaskGroup() as group:
            for client in self._clients:
                group.create_task(client.run())


class _Client:
    def __init__(self, load: Load, kind: Kind, seed: float) -> None:
        self._load = load
        self._kind = kind
        self._dice = random.Random(seed)
        self._asked: list[int] = []
        """Requests without a response yet."""

    async def run(self) -> None:
        load = self._load
        while not load.over.is_set():
            try:
                reader, writer = await asyncio.open_connection(HOST, load.port)
            except ConnectionRefusedError:
                load.tally.refused += 1
                return
            except OSError as error:
                load.tally.failures.append(f"{self._kind.name}, connecting: {error!r}")
                continue
            self._asked = []
            try:
                async with asyncio.timeout(MOST_SECONDS):
                    await self._converse(reader, writer)
            except (OSError, EOFError, _Wrong) as error:
                load.tally.failures.append(f"{self._kind.name}, requests {self._asked}: {error!r}")
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

    async def _converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Exchange requests and responses on one connection, until one of them is the last."""
        going = True
        while going and not self._load.over.is_set():
            await self._think()
            self._asked = [next(self._load.numbers) for _ in range(self._kind.pipelined)]
            await self._send(writer)
            while self._asked and going:
                going = await self._receive(reader)
        self._load.tally.declined += len(self._asked)
        if not going and await reader.read(1):
            raise _Wrong("bytes after the last answer")

    async def _think(self) -> None:
        if self._kind.thought:
            await asyncio.sleep(self._dice.uniform(0, self._kind.thought))

    async def _send(self, writer: StreamWriter) -> None:
        kind = self._kind
        data = b"".join(kind.request(number, last=not kind.kept) for number in self._asked)
        size = -(-len(data) // kind.pieces)
        for start in range(0, len(data), size):
            if start:
                await asyncio.sleep(kind.pause)
            writer.write(data[start : start + size])
            await writer.drain()

    async def _receive(self, reader: StreamReader) -> bool:
        """Read the next response. Returns whether the connection may be reused."""
        number, tally = self._asked[0], self._load.tally
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").lower()
        status = int(head.split(" ", 2)[1])
        body = await _read_body(reader, head)
        if status != 200 or not self._kind.right(number, body):
            raise _Wrong(f"status {status}, {len(body)} bytes: {body[-100:]!r}")
        del self._asked[0]
        tally.responded[number] = status
        tally.by_kind[self._kind.name] += 1
        return "\r\nconnection: close\r\n" not in head


class _Wrong(Exception):
    """Raised if a response belongs to another request."""


async def _read_body(reader: StreamReader, head: str) -> bytes:
    if "\r\ntransfer-encoding: chunked\r\n" in head:
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return body
    length = head.partition("\r\ncontent-length: ")[2].partition("\r\n")[0]
    return await reader.readexactly(int(length))
