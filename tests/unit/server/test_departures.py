"""Clients that leave while nothing is read from their connections."""

import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from ropewalk.server.departures import INTERVAL, Departures


class Connection:
    """The server's side of a connection, which is not read."""

    def __init__(self) -> None:
        self.left = 0
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = socket.create_connection(listener.getsockname())
            self.socket, _ = listener.accept()

    def fileno(self) -> int:
        return self.socket.fileno()

    def client_left(self) -> None:
        self.left += 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def departures(clock: Clock) -> Departures:
    return Departures(clock)


@pytest.fixture
def connection() -> Iterator[Connection]:
    made = Connection()
    yield made
    made.client.close()
    made.socket.close()


def close(connection: Connection) -> None:
    connection.client.close()


def reset(connection: Connection) -> None:
    connection.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.client.close()


def end_input(connection: Connection) -> None:
    connection.client.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("leave", [close, reset, end_input])
@pytest.mark.parametrize("unread", [b"", b"x" * 100])
def test_a_client_that_leaves(
    leave: Any, unread: bytes, connection: Connection, departures: Departures, clock: Clock
) -> None:
    departures.watch(connection, connection, half_close=False)
    connection.client.sendall(unread)
    clock.advance(INTERVAL)
    assert connection.left == 0
    leave(connection)
    clock.advance(INTERVAL)
    assert connection.left == 1
    assert len(departures) == 0
    assert clock.getDelayedCalls() == []


def test_the_end_of_the_input_is_allowed(connection: Connection, departures: Departures, clock: Clock) -> None:
    departures.watch(connection, connection, half_close=True)
    end_input(connection)
    clock.advance(INTERVAL)
    assert connection.left == 0
    reset(connection)
    clock.advance(INTERVAL)
    assert connection.left == 1


def test_a_connection_that_is_read_again(connection: Connection, departures: Departures, clock: Clock) -> None:
    departures.watch(connection, connection, half_close=False)
    departures.forget(connection)
    departures.forget(connection)
    assert clock.getDelayedCalls() == []
    close(connection)
    clock.advance(INTERVAL)
    assert connection.left == 0


def test_one_check_for_all(departures: Departures, clock: Clock) -> None:
    connections = [Connection() for _ in range(3)]
    for each in connections:
        departures.watch(each, each, half_close=False)
    assert len(clock.getDelayedCalls()) == 1
    for each in connections[1:]:
        close(each)
    clock.advance(INTERVAL)
    assert [each.left for each in connections] == [0, 1, 1]
    assert len(departures) == 1
    departures.after_fork_in_child()
    assert len(departures) == 0
    assert clock.getDelayedCalls() == []
    for each in connections:
        each.client.close()
        each.socket.close()


def test_a_connection_that_ends_another(departures: Departures, clock: Clock) -> None:
    """A handler that is cancelled because its client has left may close other connections that have ended, too."""

    class Ending(Connection):
        others: list[Connection] = []

        def client_left(self) -> None:
            super().client_left()
            for each in self.others:
                departures.forget(each)

    connections = Ending.others = [Ending(), Ending()]
    for each in connections:
        departures.watch(each, each, half_close=False)
        close(each)
    clock.advance(INTERVAL)
    assert sum(each.left for each in connections) == 1
    assert clock.getDelayedCalls() == []
    for each in connections:
        each.socket.close()


def test_a_transport_without_a_descriptor(departures: Departures, connection: Connection, clock: Clock) -> None:
    departures.watch(connection, StringTransport(), half_close=False)
    assert clock.getDelayedCalls() == []
