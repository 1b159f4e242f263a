"""What a server has on record about the messages that it was sent, told over a connection of its own."""

import json
from dataclasses import dataclass

from tests.wire.connection import GET, Connection

BOOKS = b"GET /books HTTP/1.1\r\nHost: a\r\n\r\n"

WITNESS = b"GET /witness HTTP/1.1\r\nHost: a\r\n\r\n"
"""A good request that leaves a trace where it is served, whether or not its answer is seen."""


@dataclass(frozen=True)
class Entry:
    """What happened between two readings."""

    requests: int
    """Heads that the engine took in."""
    refused: int
    """Messages that it counts as refused."""
    witnessed: int
    """Requests of `WITNESS` that reached their handler."""
    log: list[str]
    """Lines of refusals, and whatever is a warning or worse, each behind its level."""


class Books:
    """The record of one server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._settled = 0
        self._told = self._read()

    def settle(self) -> None:
        """Have what other connections were sent before this taken in.

        The engine goes by the order in which bytes came to its sockets. A reactor that reads for it does so mostly.
        """
        assert self._connection.ask(GET).status == 200
        self._settled += 1

    def entry(self) -> Entry:
        """What happened since the last one, without what the books themselves brought about."""
        last, self._told = self._told, self._read()
        settled, self._settled = self._settled, 0
        return Entry(
            requests=self._told.requests - last.requests - settled - 1,
            refused=self._told.refused - last.refused,
            witnessed=self._told.witnessed - last.witnessed,
            log=self._told.log,
        )

    def _read(self) -> Entry:
        return Entry(**json.loads(self._connection.ask(BOOKS).body))
