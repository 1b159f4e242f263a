"""The checks that apply to every served message, however it is sent."""

from tests.wire.books import Books
from tests.wire.connection import Answer, Connection
from tests.wire.deliveries import Address, Cut, Pieces, delivered

LAST = b"GET /last HTTP/1.1\r\nHost: a\r\n\r\n"
"""A valid request with `Connection: close`."""


class Answered:
    """Sends messages whole and in pieces, and returns the responses, which must be the same each time.

    A valid request follows them. Its response shows that the server knows where the messages end.
    """

    def __init__(self, address: Address, books: Books, cut: Cut) -> None:
        self._address = address
        self._books = books
        self._cut = cut

    def __call__(self, messages: bytes) -> list[Answer]:
        deliveries: list[Pieces] = [[messages + LAST], *([*pieces, LAST] for pieces in self._cut(messages))]
        with delivered(self._address, deliveries, self._books) as connections:
            told, *others = [_answers(connection) for connection in connections]
        for answers in others:
            assert [answer.message() for answer in answers] == [answer.message() for answer in told]
        assert told[-1].text == "last"
        return told[:-1]


def _answers(connection: Connection) -> list[Answer]:
    answers = [connection.answer()]
    while answers[-1].field("connection") != "close":
        answers.append(connection.answer())
    assert connection.end() == b""
    return answers
