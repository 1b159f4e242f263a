"""A client that sends exactly the given bytes, and parses responses strictly by RFC 9112."""

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

SECONDS = 20.0
"""The timeout of a test: no response takes that long."""

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class ReceivedResponse:
    """A response, as it was received."""

    def __init__(self, head: bytes) -> None:
        status_line, *lines = head.decode("ascii").split("\r\n")
        found = re.fullmatch(r"HTTP/1\.1 ([1-5][0-9]{2}) [\x20-\x7e]*", status_line)
        assert found, status_line
        self.status = int(found[1])
        self.fields = [read_field(line) for line in lines]
        self.body = b""
        self.trailers: list[tuple[str, str]] = []

    def field(self, name: str) -> str | None:
        """The value of a field that may occur at most once."""
        values = [value for candidate, value in self.fields if candidate.lower() == name]
        assert len(values) < 2, self.fields
        return values[0] if values else None

    @property
    def text(self) -> str:
        return self.body.decode()

    def message(self) -> tuple[Any, ...]:
        """Everything except the Date."""
        fields = [field for field in self.fields if field[0].lower() != "date"]
        return self.status, fields, self.body, self.trailers


class Connection:
    """One TCP connection to a server."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()

    @property
    def port(self) -> int:
        """The client's port."""
        port: int = self.socket.getsockname()[1]
        return port

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, data: bytes) -> ReceivedResponse:
        """Send a request and read its response."""
        self.send(data)
        return self.response(head=data.startswith(b"HEAD "))

    def response(self, *, head: bool = False) -> ReceivedResponse:
        """Read the next response. `head`: whether the request was a HEAD, so that the response has no body."""
        response = ReceivedResponse(self._until(b"\r\n\r\n"))
        length, coding = response.field("content-length"), response.field("transfer-encoding")
        if head or response.status < 200 or response.status in (204, 304):
            return response
        if coding is not None:
            assert (coding, length) == ("chunked", None)
            response.body = b"".join(self._chunks())
            while line := self._until(b"\r\n"):
                response.trailers.append(read_field(line.decode("ascii")))
        elif length is not None:
            response.body = self._exactly(int(length))
        else:
            response.body = self.end()
        return response

    def end(self) -> bytes:
        """Read until the server closes. Raises ConnectionResetError for a reset."""
        while self._receive():
            pass
        return self._take(len(self._received))

    def remains(self) -> bytes:
        """Read until the server closes or resets the connection."""
        with suppress(ConnectionResetError):
            self.end()
        return self._take(len(self._received))

    def _chunks(self) -> Iterator[bytes]:
        while True:
            size = self._until(b"\r\n")
            assert re.fullmatch(rb"[0-9a-f]{1,8}", size), size
            if int(size, 16) == 0:
                return
            yield self._exactly(int(size, 16))
            assert self._exactly(2) == b"\r\n"

    def _until(self, mark: bytes) -> bytes:
        while (found := self._received.find(mark)) < 0:
            assert self._receive(), f"the connection ended after {self._received!r}"
        return self._take(found + len(mark))[:found]

    def _exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            assert self._receive(), f"the connection ended {size - len(self._received)} bytes too soon"
        return self._take(size)

    def _take(self, size: int) -> bytes:
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def _receive(self) -> bool:
        data = self.socket.recv(1 << 20)
        self._received += data
        return bool(data)


def read_field(line: str) -> tuple[str, str]:
    """Parse a field line, as strictly as a server must write it."""
    found = re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\x20-\x7e\t]*)", line)
    assert found, line
    return found[1], found[2]
