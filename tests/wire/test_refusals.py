"""The checks of the other tests fail if something is wrong."""

import re
from pathlib import Path

import pytest
from tests.wire.agreement import Accepted
from tests.wire.books import WITNESS, Books
from tests.wire.connection import GET, Connection
from tests.wire.deliveries import in_bytes, in_every_way
from tests.wire.refusals import Refused, with_fields


class TestBooks:
    def test_a_witness_is_counted_whether_or_not_its_response_is_read(
        self, connection: Connection, books: Books
    ) -> None:
        books.entry()
        connection.send(GET + WITNESS)
        books.settle()
        entry = books.entry()
        assert (entry.requests, entry.refused, entry.witnessed, entry.log) == (2, 0, 1, [])

    def test_a_refusal_is_reported(self, connection: Connection, books: Books) -> None:
        books.entry()
        connection.send(with_fields(b"X : y"))
        assert connection.response().status == 400
        entry = books.entry()
        assert (entry.requests, entry.refused, entry.witnessed, len(entry.log)) == (0, 1, 0, 1)

    def test_they_start_again_each_time(self, connection: Connection, books: Books) -> None:
        assert connection.ask(WITNESS).status == 204
        books.entry()
        entry = books.entry()
        assert (entry.requests, entry.refused, entry.witnessed, entry.log) == (0, 0, 0, [])


class TestDeliveries:
    def test_every_cut(self) -> None:
        assert in_bytes(b"abc") == [[b"a", b"b", b"c"]]
        assert in_every_way(b"abc") == [[b"a", b"b", b"c"], (b"a", b"bc"), (b"ab", b"c")]

    @pytest.mark.parametrize("size", [1, 199, 200, 5000])
    def test_nothing_is_lost_and_not_too_much_is_cut(self, size: int) -> None:
        data = (bytes(range(250)) * 20)[:size]
        cuts = in_every_way(data)
        assert all(b"".join(pieces) == data for pieces in cuts)
        assert len(cuts) <= 200
        assert len(cuts[0]) <= 200


class TestRefused:
    @pytest.mark.parametrize(
        "message",
        [
            GET,
            b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /last HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        ],
    )
    def test_what_is_served_is_not_refused(self, refused: Refused, message: bytes) -> None:
        with pytest.raises(AssertionError):
            refused(message)
        with pytest.raises(AssertionError):
            refused(message, heads=1)

    def test_a_refusal_after_the_head_is_different(self, refused: Refused) -> None:
        message = with_fields(b"Content-Length: 100001")
        assert refused(message, heads=1) == 413
        with pytest.raises(AssertionError):
            refused(message)

    def test_many_have_one_status(self, refused: Refused) -> None:
        with pytest.raises(AssertionError):
            refused.all([b"GET / HTTP/3.0\r\n\r\n", b"GET / HTTP/3\r\n\r\n"])


class TestAccepted:
    def test_what_is_refused_is_not_accepted(self, accepted: Accepted) -> None:
        with pytest.raises(AssertionError):
            accepted(with_fields(b"X : y"))

    def test_nor_is_what_has_no_end(self, accepted: Accepted) -> None:
        with pytest.raises(AssertionError):
            accepted(with_fields(b"Content-Length: 1"))


def test_the_table_of_the_read_me_names_tests_that_exist() -> None:
    here = Path(__file__).parent
    named = set(re.findall(r"`(Test\w+)`", (here / "README.md").read_text()))
    there = {
        name for path in here.glob("test_*.py") for name in re.findall(r"^class (\w+)", path.read_text(), re.MULTILINE)
    }
    assert len(named) > 30
    assert named - there == set()
