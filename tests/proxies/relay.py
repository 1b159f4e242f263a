"""Forwards bytes between a proxy and its server, in both directions, and records them."""

import asyncio
import contextlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.proxies.counting import SERIAL, STAMP

_STAMP = re.compile(rb"\r\n" + STAMP.encode() + rb": *([^\r\n]+)\r\n", re.IGNORECASE)
_ANSWER = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")
_SERIAL = re.compile(rb"(?:^|\r\n)" + SERIAL.encode() + rb": *([0-9]+)\r\n", re.IGNORECASE)


def stamps(data: bytes) -> list[str]:
    """The stamps that a proxy has set on the requests that it forwarded, in order."""
    return [stamp.decode() for stamp in _STAMP.findall(data)]


def responses(data: bytes) -> list[tuple[int, int | None]]:
    """The status and number of each final response in a stream. The number is None if the engine itself responded."""
    found = []
    for response in _ANSWER.finditer(data):
        serial = _SERIAL.search(response[2])
        found.append((int(response[1]), int(serial[1]) if serial else None))
    return found


@dataclass
class Upstream:
    """One connection of the proxy."""

    asked: bytearray = field(default_factory=bytearray)
    returned: bytearray = field(default_factory=bytearray)
    over: bool = False

    def so_far(self) -> tuple[int, int]:
        """How many bytes were forwarded in both directions."""
        return len(self.asked), len(self.returned)


class Relay:
    """A relay to a server, on a free port of 127.0.0.1, in its own thread."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.upstreams: list[Upstream] = []
        self.port = 0
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._listens = threading.Event()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        self._listens.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        async with asyncio.TaskGroup() as connections:

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                tasks.append(connections.create_task(self._serve(reader, writer)))

            tasks: list[asyncio.Task[None]] = []
            listening = await asyncio.start_server(accept, "127.0.0.1", 0)
            self.port = listening.sockets[0].getsockname()[1]
            self._listens.set()
            await self._over.wait()
            listening.close()
            for task in tasks:
                task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = Upstream()
        self.upstreams.append(upstream)
        there, back = await asyncio.open_connection(*self._server)
        ways = (_pass_on(reader, back, upstream.asked), _pass_on(there, writer, upstream.returned))
        try:
            await asyncio.gather(*ways)
        finally:
            upstream.over = True
            with _ignored():
                writer.transport.abort()
            with _ignored():
                back.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, memory: bytearray) -> None:
    with _ignored():
        while data := await reader.read(1 << 16):
            memory += data
            writer.write(data)
            await writer.drain()
    with _ignored():
        writer.write_eof()


@contextmanager
def _ignored() -> Iterator[None]:
    """A connection that is reset ends like any other."""
    with contextlib.suppress(OSError):
        yield
