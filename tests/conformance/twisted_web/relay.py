"""A relay in front of the channel that puts a Host field into requests of HTTP/1.1 that have none.

Most of Twisted's tests were written without one, which RFC 9112, section 3.2, has a server refuse. Behind the relay
they show whether anything else is amiss, and so do those that want a refusal.
"""

from typing import Any

FIELD = b"Host: a\r\n"
"""Short, for the tests that count."""


class Relay:
    """Of one connection. The bytes may come in any pieces, and wait for no others but at the very end of a head."""

    def __init__(self) -> None:
        self._line = b""
        """As much as has come of the line that is under way."""
        self._in_head = False
        self._has_host = False

    def passed(self, data: bytes) -> bytes:
        """The same bytes, with the field where it was wanting."""
        return b"".join(self._pass(data[at : at + 1]) for at in range(len(data)))

    def _pass(self, byte: bytes) -> bytes:
        self._line += byte
        if self._in_head and self._line == b"\r":
            return b""
        held = self._line[:-1] if self._in_head and self._line[:-1] == b"\r" else b""
        if byte == b"\n":
            return self._end_line() + held + byte
        return held + byte

    def _end_line(self) -> bytes:
        """What is to be put before the end of this line."""
        line, self._line = self._line, b""
        if not self._in_head:
            self._in_head, self._has_host = line.endswith(b" HTTP/1.1\r\n"), False
        elif line == b"\r\n":
            self._in_head = False
            return b"" if self._has_host else FIELD
        elif line.lower().startswith(b"host:"):
            self._has_host = True
        return b""


def put_before(channel: Any) -> None:
    """Put a relay before every channel of this class."""
    received = channel.dataReceived

    def dataReceived(self: Any, data: bytes) -> None:
        relay = self.__dict__.setdefault("_relay", Relay())
        received(self, relay.passed(data))

    channel.dataReceived = dataReceived
    if hasattr(channel, "stays_twisted"):  # ours: this is for the test, and no override of a program's
        from ropewalk.dropin.connection.channel import OVERRIDES

        OVERRIDES._ours["dataReceived"] = dataReceived


def put_into(module: Any) -> None:
    """The same for the classes of tests that count the bytes of their requests."""
    for case in vars(module).values():
        if isinstance(case, type) and isinstance(vars(case).get("requests"), bytes):
            case.requests = Relay().passed(case.requests)  # type: ignore[attr-defined]
