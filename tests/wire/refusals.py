"""What every refused message has in common."""

from tests.wire.conftest import Connect
from tests.wire.connection import GET


def refused(connect: Connect, message: bytes) -> int:
    """The status with which a message is refused. Nothing behind it is served, and the connection ends in order."""
    connection = connect()
    connection.send(message + GET)
    answer = connection.answer()
    assert answer.field("connection") == "close"
    assert answer.text.startswith(f"{answer.status} ")
    assert connection.end() == b""
    return answer.status


def with_fields(*lines: bytes, start: bytes = b"POST /echo HTTP/1.1", host: bytes = b"Host: a") -> bytes:
    """A request of some field lines."""
    return b"\r\n".join((start, host, *lines, b"", b""))
