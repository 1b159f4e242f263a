"""Attacking clients in a thread of the test, and a well-behaved client at the same time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from multiprocessing import Pipe
from types import TracebackType
from typing import Self

from benchmarks.attacks.crowd import Crowd
from benchmarks.attacks.habits import Habit
from benchmarks.attacks.target import HOST, Target
from benchmarks.attacks.victim import TEXT
from benchmarks.prepare import FILE_SIZES
from tests.problems import problem

SIZE = 100
RATE = 5000.0
SECONDS = 9.0
"""The timeout of a test. It is longer than any wait of these tests, and shorter than the engine's default
`head_timeout`, so that a default timeout cannot end a wait."""


@contextmanager
def crowd_of(habit: Habit, target: Target, size: int = SIZE) -> Iterator[Crowd]:
    """Run the crowd's attack within this context."""
    crowd = Crowd(target.port, habit, size, RATE)
    ours, theirs = Pipe()
    thread = threading.Thread(target=crowd.run, args=(theirs,))
    thread.start()
    try:
        yield crowd
    finally:
        ours.send(None)
        thread.join(SECONDS)
        ours.close()
        theirs.close()
    assert not thread.is_alive()


class Friend:
    """The second client, which behaves correctly."""

    def __init__(self, target: Target) -> None:
        self.port = target.port
        self.kept = HTTPConnection(HOST, self.port, timeout=SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kept.close()

    def asks(self, *, fresh: bool = True) -> None:
        """Send a request on the kept connection, and another one on a new connection unless `fresh` is False."""
        self.asks_on(self.kept)
        if fresh:
            with closing(HTTPConnection(HOST, self.port, timeout=SECONDS)) as connection:
                self.asks_on(connection)

    def asks_on(self, connection: HTTPConnection) -> None:
        connection.request("GET", "/")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, TEXT.encode())

    def asks_for_a_file(self) -> None:
        """Request a file on the kept connection. Without a free descriptor, the response is a 503 with Retry-After."""
        self.kept.request("GET", "/files/50k.bin")
        answer = self.kept.getresponse()
        told = (answer.status, len(answer.read()), answer.headers["retry-after"])
        assert told in ((200, FILE_SIZES["50k.bin"], None), (503, len(problem(503)), "1"))

    def asks_until(self, condition: Callable[[], bool], *, fresh: bool = True) -> None:
        """Send requests, and check the responses, until a condition holds."""
        wait_until(condition, meanwhile=lambda: self.asks(fresh=fresh))


def responds_again(target: Target) -> bool:
    """Whether the server responds to a request on a new connection."""
    with closing(HTTPConnection(HOST, target.port, timeout=SECONDS)) as connection:
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except ConnectionError:
            return False


def wait_until(condition: Callable[[], bool], *, meanwhile: Callable[[], None] = lambda: time.sleep(0.02)) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        meanwhile()
