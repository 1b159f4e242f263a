"""The ways in which the same bytes can arrive."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import zip_longest

from tests.wire.books import Books
from tests.wire.connection import Connection

CUTS = 200
"""The most places at which a message is cut. A longer message is cut only at every second byte, or every third."""

Address = tuple[str, int]
Pieces = Sequence[bytes]
Cut = Callable[[bytes], list[Pieces]]


def uncut(_: bytes) -> list[Pieces]:
    return []


def in_bytes(data: bytes) -> list[Pieces]:
    """Byte by byte."""
    step = _step(data)
    return [[data[at : at + step] for at in range(0, len(data), step)]]


def in_every_way(data: bytes) -> list[Pieces]:
    """Return the single bytes, and two pieces for each place at which the data is cut."""
    return in_bytes(data) + [(data[:at], data[at:]) for at in range(1, len(data), _step(data))]


@contextmanager
def delivered(address: Address, deliveries: Sequence[Pieces], books: Books) -> Iterator[list[Connection]]:
    """Connections, one for each delivery, on which all pieces were sent.

    The first pieces are sent on all connections, then the second pieces, and so on. Before each round, the server has
    read the pieces of the last one. So each piece is read separately.
    """
    with ExitStack() as stack:
        connections = [stack.enter_context(Connection(address)) for _ in deliveries]
        books.settle()
        for pieces in zip_longest(*deliveries):
            for connection, piece in zip(connections, pieces, strict=True):
                if piece is not None:
                    connection.send(piece)
            books.settle()
        yield connections


def _step(data: bytes) -> int:
    return 1 + len(data) // CUTS
