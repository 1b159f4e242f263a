"""Messages between the supervisor of `ropewalk dev` and its workers: lines of JSON over a pair of sockets.

| from | message | meaning |
|---|---|---|
| supervisor | `preload` | import these modules of Ropewalk, because the next program will probably use them |
| supervisor | `go` | load the program, and serve it |
| supervisor | `refresh` | tell the browsers that a page or a style sheet has changed |
| supervisor | `where` | reply with the line of code that the main thread runs |
| supervisor | `drain` | stop accepting, finish the running requests, and exit |
| worker | `waiting` | the worker has imported Ropewalk, and waits for `go` |
| worker | `ready` | the worker accepts requests |
| worker | `failed` | the program does not start; the worker exits |
| worker | `place` | the reply to `where` |

A closed socket means that the other process has ended.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

Message = dict[str, Any]
"""A message. Its key `kind` has the name in the column "message" of the table above. The other keys depend on the
kind."""

_READ: Final = 1 << 16


class MessageSocket:
    """One end of the pair of sockets."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""

    def fileno(self) -> int:
        """The descriptor, for a selector."""
        return self._connection.fileno()

    def send(self, kind: str, **values: Any) -> None:
        """Send a message. Does nothing if the other process has ended."""
        with suppress(OSError):
            self._connection.sendall(json.dumps({"kind": kind, **values}).encode() + b"\n")

    def receive(self, *, wait: bool = True) -> list[Message] | None:
        """Wait for bytes, and return the messages that are complete. None if the other process has ended.

        Without `wait`, return an empty list if no bytes have arrived.
        """
        try:
            read = self._connection.recv(_READ, 0 if wait else socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except OSError:
            read = b""
        if not read:
            return None
        *lines, self._received = (self._received + read).split(b"\n")
        return [json.loads(line) for line in lines]

    def __iter__(self) -> Iterator[Message]:
        """Wait for messages until the other process ends."""
        while (messages := self.receive()) is not None:
            yield from messages

    def close(self) -> None:
        """Close this end."""
        self._connection.close()
