"""The checks that apply to every served message, however it is sent."""

from tests.wire.books import Books
from tests.wire.connection import Connection, ReceivedResponse
from tests.wire.deliveries import Address, Cut, Pieces, delivered

LAST = b"GET /last HTTP/1.1\r\nHost: a\r\n\r\n"
"""The valid request that follows the messages."""


class Accepted:
    """Sends messages whole and in pieces, and returns the responses, which must be the same each time.

    A valid request follows the messages. Its response shows that the server knows where the messages end.
    """

    def __init__(self, address: Address, books: Books, cut: Cut) -> None:
        self._address = address
        self._books = books
        self._cut = cut

    def __call__(self, messages: bytes) -> list[ReceivedResponse]:
        deliveries: list[Pieces] = [[messages + LAST], *([*pieces, LAST] for pieces in self._cut(messages))]
        with delivered(self._address, deliveries, self._books) as connections:
            entry, *others = [_responses(connection) for connection in connections]
        for responses in others:
            assert [response.message() for response in responses] == [response.message() for response in entry]
        assert entry[-1].text == "last"
        return entry[:-1]


def _responses(connection: Connection) -> list[ReceivedResponse]:
    responses = [connection.response()]
    while responses[-1].field("connection") != "close":
        responses.append(connection.response())
    assert connection.end() == b""
    return responses
