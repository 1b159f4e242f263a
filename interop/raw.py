"""A client of WebSocket without a library (RFC 6455), for tests of misbehaviour."""

import socket
from typing import Final

KEY: Final = b"dGhlIHNhbXBsZSBub25jZQ=="


def handshake(path: str) -> bytes:
    """The request of the handshake (section 4.1)."""
    lines = [
        f"GET {path} HTTP/1.1".encode(),
        b"Host: a",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Key: " + KEY,
        b"Sec-WebSocket-Version: 13",
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def masked(payload: bytes, opcode: int = 1, *, final: bool = True) -> bytes:
    """A client's frame of up to 125 bytes, masked with zeros (section 5.2)."""
    return bytes([final << 7 | opcode, 0x80 | len(payload)]) + bytes(4) + payload


def read_head(client: socket.socket) -> bytes:
    """Read up to the empty line, and no byte more."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read(client, 1)
    return head


def read_frame(client: socket.socket) -> tuple[int, bytes]:
    """Read the opcode and the payload of a server's frame of up to 125 bytes."""
    first, length = read(client, 2)
    return first & 0x0F, read(client, length)


def read(client: socket.socket, length: int) -> bytes:
    """Read this many bytes. Raises EOFError."""
    data = b""
    while len(data) < length:
        piece = client.recv(length - len(data))
        if not piece:
            raise EOFError(f"the server ends it after {data!r}")
        data += piece
    return data
