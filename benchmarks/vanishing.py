"""Clients that vanish: in the middle of a head, a body, a wait or a response, with a FIN or with a reset."""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from benchmarks.peers.contract import HOST

SECONDS: Final = 10
RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of zero: closing sends RST (socket(7))."""


@dataclass(frozen=True, slots=True)
class Vanishing:
    """What a client does before it disconnects."""

    sends: bytes
    reads: int = 0
    """How many bytes of the response it waits for."""
    resets: bool = False


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def post(path: str, length: int, sent: int) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\n\r\n".encode() + bytes(sent)


WAYS: Final = tuple(
    Vanishing(sends, reads, resets)
    for resets in (False, True)
    for sends, reads in (
        (b"", 0),
        (get("/plaintext")[:20], 0),
        (get("/plaintext"), 0),
        (get("/plaintext") + get("/plaintext")[:20], 20),
        (post("/echo", 1_000, 100), 0),
        (post("/upload", 1_000_000, 50_000), 0),
        (b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + bytes(100), 0),
        (get("/sleep"), 0),
        (get("/download"), 100),
        (get("/files/1m.bin"), 100),
    )
)


def vanish(port: int, count: int) -> int:
    """Connect and disconnect this many clients, in sequence.

    Returns how many have vanished. Raises OSError if one cannot connect.
    """
    ways: Iterator[Vanishing] = cycle(WAYS)
    for _ in range(count):
        _visit(port, next(ways))
    return count


def _visit(port: int, way: Vanishing) -> None:
    with socket.create_connection((HOST, port), timeout=SECONDS) as client:
        client.sendall(way.sends)
        if way.reads:
            client.recv(way.reads)
        if way.resets:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        else:
            client.shutdown(socket.SHUT_WR)
