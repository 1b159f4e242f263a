"""The second client: an ordinary one that sends requests at a fixed rate and measures the time of each response.

The time of a response counts from the moment when its request was due, so that waiting for a late one hides nothing.
"""

import heapq
import os
import select
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from typing import Final

from benchmarks.attacks.target import FRIEND, HOST
from benchmarks.attacks.victim import TEXT

RATE: Final = 200
KEPT: Final = 8
FRESH_EVERY: Final = 10
"""One of this many requests uses a new connection."""
PATIENCE: Final = 5.0
"""Seconds after which a missing response counts as failed."""
REQUEST: Final = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
LAST_REQUEST: Final = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
BODY: Final = b"\r\n\r\n" + TEXT.encode()


@dataclass(slots=True)
class Outcome:
    """The results of the requests."""

    seconds: list[float] = field(default_factory=list)
    """The durations of successful requests."""
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return len(self.seconds) + self.failures.total()

    @property
    def failed(self) -> int:
        return self.failures.total()

    def percentile(self, share: float) -> float:
        """The longest duration in seconds of this share of the responses."""
        return sorted(self.seconds)[max(0, round(share * len(self.seconds)) - 1)] if self.seconds else float("inf")


@dataclass(slots=True)
class Exchange:
    """A connection and the request on it."""

    socket: socket.socket
    kept: bool
    due: float = 0.0
    answer: bytes = b""
    sent: bool = True


class SecondClient:
    """Sends requests while it is driven."""

    def __init__(self, port: int, *, rate: float = RATE, fresh: bool = True) -> None:
        self.port = port
        self.interval = 1 / rate
        self.fresh = fresh
        self.outcome = Outcome()
        self.idle: list[Exchange] = []
        self.busy: dict[int, Exchange] = {}
        self.waiting: list[float] = []
        """Due times of requests for which no kept connection was free."""
        for _ in range(KEPT):
            self.idle.append(self._connect(kept=True))

    def __enter__(self) -> "SecondClient":
        return self

    def __exit__(self, *_: object) -> None:
        for exchange in [*self.idle, *self.busy.values()]:
            exchange.socket.close()

    def run(self, stop: Pipe) -> Outcome:
        """Send requests until `stop` is readable, then wait for the responses that are due."""
        due, number = time.monotonic(), 0
        while not stop.poll(0):
            due += self.interval
            number += 1
            self._wait_until(due)
            if self.fresh and number % FRESH_EVERY == 0:
                self._ask_anew(due)
            else:
                heapq.heappush(self.waiting, due)
                self._ask()
        deadline = time.monotonic() + PATIENCE
        while (self.busy or self.waiting) and time.monotonic() < deadline:
            self._wait_until(time.monotonic() + 0.01)
        if unasked := len(self.waiting):
            self.outcome.failures["never asked: no kept connection was free"] = unasked
        return self.outcome

    def _wait_until(self, moment: float) -> None:
        """Read responses until this time, by select, whose timeout is finer than epoll's."""
        while (left := moment - time.monotonic()) > 0:
            unsent = [number for number, exchange in self.busy.items() if not exchange.sent]
            readable, writable, _ = select.select(list(self.busy), unsent, [], left)
            for number in writable:
                self._send(self.busy[number])
            for number in readable:
                if number in self.busy:
                    self._read(self.busy[number])
        self._lose_patience()

    def _ask(self) -> None:
        while self.waiting and self.idle:
            exchange = self.idle.pop(0)
            exchange.due, exchange.answer = heapq.heappop(self.waiting), b""
            self.busy[exchange.socket.fileno()] = exchange
            self._send(exchange)

    def _ask_anew(self, due: float) -> None:
        exchange = self._connect(kept=False)
        exchange.due = due
        self.busy[exchange.socket.fileno()] = exchange

    def _connect(self, *, kept: bool) -> Exchange:
        connection = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        connection.bind((FRIEND, 0))
        connection.connect_ex((HOST, self.port))
        return Exchange(connection, kept, sent=kept)

    def _send(self, exchange: Exchange) -> None:
        try:
            exchange.socket.send(REQUEST if exchange.kept else LAST_REQUEST)
            exchange.sent = True
        except BlockingIOError:
            exchange.sent = False
        except OSError as error:
            self._fail(exchange, type(error).__name__)

    def _read(self, exchange: Exchange) -> None:
        try:
            data = exchange.socket.recv(65536)
        except OSError as error:
            return self._fail(exchange, type(error).__name__)
        exchange.answer += data
        if exchange.answer.startswith(b"HTTP/1.1 200 ") and exchange.answer.endswith(BODY):
            self.outcome.seconds.append(time.monotonic() - exchange.due)
            self._done(exchange)
        elif not data:
            self._fail(exchange, exchange.answer[9:12].decode("latin-1") or "closed")
        return None

    def _done(self, exchange: Exchange) -> None:
        del self.busy[exchange.socket.fileno()]
        if exchange.kept:
            self.idle.append(exchange)
            self._ask()
        else:
            exchange.socket.close()

    def _fail(self, exchange: Exchange, why: str) -> None:
        self.outcome.failures[f"{why} on a {'kept' if exchange.kept else 'fresh'} connection"] += 1
        del self.busy[exchange.socket.fileno()]
        exchange.socket.close()
        if exchange.kept:
            self.idle.append(self._connect(kept=True))

    def _lose_patience(self) -> None:
        longest = time.monotonic() - PATIENCE
        for exchange in list(self._overdue(longest)):
            self._fail(exchange, "no answer")

    def _overdue(self, longest: float) -> Iterator[Exchange]:
        return (exchange for exchange in self.busy.values() if exchange.due < longest)


IP_BIND_ADDRESS_NO_PORT: Final = 24
"""An option of Linux, see ip(7). The socket module has no name for it before Python 3.12."""


def serve(pipe: Pipe, port: int, core: int | None, fresh: bool) -> None:
    """Run in a separate process: send requests until the pipe is readable, then send the results."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    come_first()
    with SecondClient(port, fresh=fresh) as client:
        pipe.send(client.run(pipe))


def come_first() -> None:
    """Run before the attackers on their common core, so that the server is measured, and not the wait for the core."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return  # The attackers have a lower priority (nice), which is nearly as good.
