"""The ways in which the same bytes can arrive."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from itertools import zip_longest

from tests.wire.books import Books
from tests.wire.connection import Connection

CUTS = 200
"""What is longer than so many bytes is cut at every second byte, or third, and so on."""

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
    """Byte by byte, and once at each place."""
    return in_bytes(data) + [(data[:at], data[at:]) for at in range(1, len(data), _step(data))]


@contextmanager
def delivered(
    address: Address, deliveries: Sequence[Pieces], books: Books, *, lingers: bool = True
) -> Iterator[list[Connection]]:
    """Connections, one for each delivery, on which all pieces were sent.

    All of them get their first piece, then all that have one their second: so the server reads each piece by itself, at
    the cost of one question for each round. One that does not linger after its last word may refuse further pieces.
    """
    with ExitStack() as stack:
        connections = [stack.enter_context(Connection(address)) for _ in deliveries]
        books.settle()
        for pieces in zip_longest(*deliveries):
            for connection, piece in zip(connections, pieces, strict=True):
                if piece is not None:
                    with unless(lingers):
                        connection.send(piece)
            books.settle()
        yield connections


def unless(lingers: bool) -> AbstractContextManager[None]:
    """Puts up with a reset, unless the server takes its time to close."""
    return nullcontext() if lingers else suppress(BrokenPipeError, ConnectionResetError)


def _step(data: bytes) -> int:
    return 1 + len(data) // CUTS
