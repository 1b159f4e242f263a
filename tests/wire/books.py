"""The counts and log lines of a server for the messages that it received, read over a separate connection."""

import json
from dataclasses import dataclass

from tests.wire.connection import GET, Connection

BOOKS = b"GET /books HTTP/1.1\r\nHost: a\r\n\r\n"

WITNESS = b"GET /witness HTTP/1.1\r\nHost: a\r\n\r\n"
"""A valid request that is counted when it is served, whether or not its response is read."""


@dataclass(frozen=True)
class Entry:
    """The counts and log lines between two readings."""

    requests: int
    """Heads that the engine accepted."""
    refused: int
    """Messages that it counts as refused."""
    witnessed: int
    """Requests of `WITNESS` that reached their handler."""
    log: list[str]
    """Refusals, warnings and errors in the log, each after its level."""


class Books:
    """Reads the counts and the log of one server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._settled = 0
        self._told = self._read()

    def settle(self) -> None:
        """Wait until the server has read the bytes that other connections have sent before this call.

        The engine reads sockets in the order in which bytes arrive. If a reactor reads the sockets, it usually does so
        in the same order.
        """
        assert self._connection.ask(GET).status == 200
        self._settled += 1

    def entry(self) -> Entry:
        """Return the counts and log lines since the last entry, without the requests of this class itself."""
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
