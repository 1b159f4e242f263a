"""A relay in front of the channel that adds a Host field to HTTP/1.1 requests without one.

Most of Twisted's tests send no Host, and a server must refuse such requests (RFC 9112, section 3.2). With the relay,
the tests show whether anything else is wrong. Tests that expect a refusal work in the same way.
"""

from typing import Any

FIELD = b"Host: a\r\n"
"""The field is short, for tests that count bytes."""


class Relay:
    """The relay of one connection. Bytes may arrive in any pieces. They are held back only at the end of a head."""

    def __init__(self) -> None:
        self._line = b""
        """The received part of the current line."""
        self._in_head = False
        self._has_host = False

    def passed(self, data: bytes) -> bytes:
        """The same bytes, with the field added where it was missing."""
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
        """Return the bytes to insert before the end of this line."""
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
    if hasattr(channel, "stays_twisted"):  # our channel, which must not treat the relay as an override
        from ropewalk.dropin.connection.channel import OVERRIDES

        OVERRIDES._ours["dataReceived"] = dataReceived


def put_into(module: Any) -> None:
    """Add the field to the requests of test classes that count the bytes of their requests."""
    for case in vars(module).values():
        if isinstance(case, type) and isinstance(vars(case).get("requests"), bytes):
            case.requests = Relay().passed(case.requests)  # type: ignore[attr-defined]
