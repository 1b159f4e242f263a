"""The attacks: the clients, their habit, the limit that ends it, and the server's allowed resources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from benchmarks.attacks.habits import Habit, Parting
from ropewalk import Limits

LIMITS: Final = Limits()
STATE: Final = 8 * 1024
"""The memory of one connection: its state, and the request and frame of a running handler."""
ONE_READ: Final = 64 * 1024
"""The most bytes of one read of a socket."""
TURN: Final = 16 << 20
"""The memory that all connections share: the events of a turn, and the allocator's reserve."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A mode of slowhttptest, whose connections come and stay for some seconds."""

    mode: str
    path: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clock:
    """The limit that ends a slow connection."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Attack:
    name: str
    what: str
    connections: int
    """The number of connections at the same time; in a storm, the connects per second."""
    assault: Habit | Tool
    clock: Clock | None = None
    """The limit in seconds; None if attackers leave by themselves, or stay until the end of the attack."""
    held: int = 0
    """The bytes that may wait in a connection under the limits."""
    why: str = ""
    """A description of the attack."""
    seconds: float = 8.0
    """The duration in seconds; an upper bound if a timeout ends the attack."""
    rate: float = 2000.0
    """Connects per second."""
    limits: Mapping[str, float] = field(default_factory=dict)
    descriptors: int | None = None
    """The most files that the server may have open; None for as many as the system allows."""
    fresh: bool = True
    """Whether the second client also opens new connections, which the server must then accept."""

    def bound(self) -> int:
        """The number of bytes by which the server's memory may grow."""
        return self.connections * (STATE + self.held) + TURN


def head(line: str, *fields: str) -> bytes:
    return "\r\n".join([line, "Host: a", *fields, "", ""]).encode()


GIGABIT: Final = 125e6
"""Bytes per second: the capacity of one link of that kind."""

GET: Final = head("GET / HTTP/1.1")
GET_BIG: Final = head("GET /big HTTP/1.1")
GET_FILE: Final = head("GET /files/1m.bin HTTP/1.1")
GET_STREAM: Final = head("GET /stream HTTP/1.1")
UPLOAD: Final = head("POST /upload HTTP/1.1", "Content-Length: 1000000")
FORM: Final = head("POST /form HTTP/1.1", "Content-Length: 1000000")
CHUNKED: Final = head("POST /upload HTTP/1.1", "Transfer-Encoding: chunked")

HEAD_CLOCK: Final = Clock("head_timeout", LIMITS.head_timeout)
IDLE_CLOCK: Final = Clock("idle_timeout", LIMITS.idle_timeout)
STALL_CLOCK: Final = Clock("body_timeout", LIMITS.body_timeout)
RATE_CLOCK: Final = Clock("body_grace", LIMITS.body_grace)
WRITE_CLOCK: Final = Clock("write_timeout", LIMITS.write_timeout)

GROWN_HEAD: Final = 2 * LIMITS.head_size
"""A buffer that grows byte by byte may be twice as large as its contents."""
BODY: Final = LIMITS.read_buffer + ONE_READ
ANSWER: Final = LIMITS.write_buffer + ONE_READ

ATTACKS: Final = (
    Attack(
        "slow heads (slowhttptest -H)",
        "a field line every 2 s, and never an end",
        4000,
        Tool("-H", "/", ("-i", "2")),
        HEAD_CLOCK,
        GROWN_HEAD,
        "2 head_size",
        seconds=25,
    ),
    Attack(
        "slow bodies (slowhttptest -B)",
        "up to 32 bytes every 5 s",
        4000,
        Tool("-B", "/form", ("-i", "5", "-x", "32")),
        RATE_CLOCK,
        LIMITS.spool_size,
        "spool_size",
        seconds=25,
    ),
    Attack(
        "ranges (slowhttptest -R)",
        "heads that ask for 2,000 ranges of a file",
        4000,
        Tool("-R", "/files/1m.bin", ()),
        None,
        GROWN_HEAD + ANSWER,
        "2 head_size + write_buffer + a read",
        seconds=10,
    ),
    Attack(
        "slow reads (slowhttptest -X)",
        "a response of 1 MiB through a window of at most 512 bytes, 32 bytes every 5 s",
        4000,
        Tool("-X", "/big", ("-i", "5", "-n", "5", "-z", "32", "-w", "1", "-y", "512")),
        WRITE_CLOCK,
        ANSWER,
        "write_buffer + a read",
        seconds=45,
    ),
    Attack(
        "idle",
        "one request each, then nothing",
        10_000,
        Habit(first=GET),
        IDLE_CLOCK,
        seconds=95,
    ),
    Attack(
        "half-open heads",
        "31 KiB of a head at once, then a byte a second",
        4000,
        Habit(first=b"GET / HTTP/1.1\r\nHost: a\r\n" + (b"X: " + b"x" * 995 + b"\r\n") * 31, drip=b"x", interval=1),
        HEAD_CLOCK,
        GROWN_HEAD,
        "2 head_size",
        seconds=25,
    ),
    Attack(
        "silence",
        "a connection and not a byte",
        4000,
        Habit(),
        HEAD_CLOCK,
        seconds=25,
    ),
    Attack(
        "drips in bodies",
        "10 bytes of a body a second",
        4000,
        Habit(first=UPLOAD, drip=b"x" * 10),
        RATE_CLOCK,
        BODY,
        "read_buffer + a read",
        seconds=25,
    ),
    Attack(
        "stalls in bodies",
        "200 KiB of a body that a handler waits for, then nothing",
        1000,
        Habit(first=FORM + b"x" * 200 * 1024),
        STALL_CLOCK,
        LIMITS.spool_size + BODY,
        "spool_size + read_buffer + a read",
        seconds=50,
        rate=500,
    ),
    Attack(
        "rests in bodies",
        "50 KiB of a body within a moment, then 10 bytes every 2 s",
        1000,
        Habit(first=UPLOAD, then=b"x" * 50 * 1024, drip=b"x" * 10, interval=2),
        STALL_CLOCK,
        BODY,
        "read_buffer + a read",
        seconds=50,
    ),
    Attack(
        "drips in reads",
        "16 bytes a second of a response of 1 MiB, by the smallest window",
        4000,
        Habit(first=GET_STREAM, reads=16, window=1),
        WRITE_CLOCK,
        ANSWER,
        "write_buffer + a read",
        seconds=45,
    ),
    Attack(
        "pipelining",
        "requests without end, and no response read",
        500,
        Habit(flood=GET * 100, reads=0, window=1),
        WRITE_CLOCK,
        2 * (LIMITS.write_buffer + ONE_READ + LIMITS.head_size),
        "2 (write_buffer + a read + head_size)",
        seconds=50,
    ),
    Attack(
        "pipelining and reading",
        "requests without end, 100 Mbit/s of them",
        64,
        Habit(flood=GET * 100, pace=GIGABIT / 10),
        None,
        2 * (LIMITS.write_buffer + ONE_READ + LIMITS.head_size),
        "2 (write_buffer + a read + head_size)",
    ),
    Attack(
        "chunks of one byte",
        "bodies in chunks of one byte, 1 Gbit/s of them",
        64,
        Habit(first=CHUNKED, flood=b"1\r\nx\r\n" * 2000, pace=GIGABIT, comes_back=True),
        None,
        2 * BODY,
        "2 (read_buffer + a read)",
    ),
    Attack(
        "chunk extensions",
        "chunks with long extensions, to the limit and over it",
        64,
        Habit(first=CHUNKED, flood=b"1;" + b"e" * 1000 + b"\r\nx\r\n", pace=GIGABIT, comes_back=True),
        None,
        2 * BODY,
        "2 (read_buffer + a read)",
    ),
    Attack(
        "trailers",
        "trailer fields, to the limit and over it",
        64,
        Habit(first=CHUNKED + b"0\r\n", flood=b"T: " + b"t" * 200 + b"\r\n", pace=GIGABIT, comes_back=True),
        None,
        2 * BODY + 2 * LIMITS.trailer_size,
        "2 (read_buffer + a read + trailer_size)",
    ),
    Attack(
        "empty lines",
        "empty lines in place of requests",
        64,
        Habit(flood=b"\r\n" * 4000, pace=GIGABIT, comes_back=True),
        None,
        ONE_READ,
        "a read",
    ),
    Attack(
        "connect and reset",
        "connections that are reset at once",
        2000,
        Habit(parting=Parting.RST, comes_back=True),
    ),
    Attack(
        "connect and close",
        "connections that are closed at once",
        2000,
        Habit(parting=Parting.FIN, comes_back=True),
    ),
    Attack(
        "connect, ask and reset",
        "a request for 1 MiB on each, reset at once",
        2000,
        Habit(first=GET_BIG, parting=Parting.RST, comes_back=True),
        None,
        ANSWER,
        "write_buffer + a read",
    ),
    Attack(
        "more connections than the limit",
        "1,000 clients at a server that may have 512 descriptors",
        1000,
        Habit(first=GET, comes_back=True),
        limits={},
        descriptors=512,
        fresh=False,
    ),
    Attack(
        "no descriptors left",
        "the same, with the limit of connections out of reach",
        1000,
        Habit(first=GET, comes_back=True),
        limits={"connections": 10_000},
        descriptors=512,
        fresh=False,
    ),
    Attack(
        "a file for each reader",
        "300 clients that ask for a file and do not read it, at the same server",
        300,
        Habit(first=GET_FILE * 4, reads=0, window=1),
        WRITE_CLOCK,
        ANSWER,
        "write_buffer + a read",
        seconds=45,
        descriptors=512,
        fresh=False,
    ),
)
