"""The checks that apply to every refused message, however it is sent."""

import re
from collections.abc import Iterator, Sequence

from tests.wire.books import WITNESS, Books
from tests.wire.connection import GET, Connection
from tests.wire.deliveries import Address, Cut, Pieces, delivered, in_bytes, uncut

TEXT = "text/plain; charset=utf-8"
PROBLEM = "application/problem+json"
"""The media type of a refusal by the app, which has accepted the head: the body is too large or malformed."""

SHORT = 200
"""The most bytes in the body of a refusal."""


class Refused:
    """Sends a message in every way, and returns the status with which it is refused.

    The message is sent alone, before a valid request, after a valid request, and in pieces between two valid requests.
    Each time the server must respond to the request before the message, send the same short refusal, and close. It
    must not parse the bytes after the message, must count and log the refusal once, and must log nothing else.
    """

    def __init__(self, address: Address, books: Books, cut: Cut) -> None:
        self._address = address
        self._books = books
        self._cut = cut

    def __call__(self, message: bytes, *, heads: int = 0) -> int:
        """`heads`: how many heads of the message are valid; 1 if the body is refused."""
        return self._send([message], heads, self._cut)

    def all(self, messages: Sequence[bytes], *, heads: int = 0) -> int:
        """The same for many messages, which must have the same status. They are not divided at each byte."""
        cut = uncut if self._cut is uncut else in_bytes
        statuses = {self._send(some, heads, cut) for some in batched(messages)}
        assert len(statuses) == 1, statuses
        return statuses.pop()

    def _send(self, messages: Sequence[bytes], heads: int, cut: Cut) -> int:
        first: list[Pieces] = [[data] for message in messages for data in (message, message + WITNESS)]
        second: list[Pieces] = [[GET + message] for message in messages]
        second += [[GET, *pieces, WITNESS] for message in messages for pieces in cut(message)]
        self._books.entry()
        with delivered(self._address, first + second, self._books) as connections:
            for connection in connections[len(first) :]:
                assert connection.response().text == "Hello, World!"
            refusals = {self._read(connection, heads) for connection in connections}
            ports = sorted(connection.port for connection in connections)
        entry = self._books.entry()
        assert (entry.requests, entry.witnessed) == (heads * len(connections) + len(second), 0)
        assert entry.refused == len(connections)
        statuses = {status for status, _ in refusals}
        assert len(refusals) <= len(messages), refusals
        assert len(statuses) == 1, refusals
        status = statuses.pop()
        lines = [re.fullmatch(rf"debug RW510 127\.0\.0\.1:(\d+): {status} [\x20-\x7e]+", line) for line in entry.log]
        assert sorted(int(line[1]) if line else 0 for line in lines) == ports, entry.log
        return status

    def _read(self, connection: Connection, heads: int) -> tuple[int, str]:
        response = connection.response()
        assert response.field("connection") == "close"
        assert response.field("content-type") in ((TEXT, PROBLEM) if heads else (TEXT,))
        assert 0 < len(response.body) <= SHORT
        assert connection.end() == b""
        return response.status, response.text


def batched(messages: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Batches of messages, to limit the number of descriptors."""
    return (messages[at : at + 50] for at in range(0, len(messages), 50))


def with_fields(*lines: bytes, start: bytes = b"POST /echo HTTP/1.1", host: bytes = b"Host: a") -> bytes:
    """A request with these field lines."""
    return b"\r\n".join((start, host, *lines, b"", b""))
