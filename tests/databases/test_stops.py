"""A stop of the server while a request waits for the database."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
from tests.postgres_process import Database
from tests.processes import EXAMPLES, Server, ropewalk


@pytest.fixture(params=["notes_psycopg", "notes_sqlalchemy psycopg", "notes_sqlalchemy asyncpg"])
def server(request: pytest.FixtureRequest, database: Database) -> Iterator[Server]:
    """An example that cuts requests off half a second after a stop begins."""
    name, _, driver = request.param.partition(" ")
    environment = {"DATABASE_URL": database.url_for(driver) if driver else database.url}
    arguments = ("--limit", "drain_timeout=0.5", "--limit", "drain_grace=0")
    with ropewalk("run", EXAMPLES / f"{name}.py", *arguments, environment=environment) as server:
        yield server


@contextmanager
def locked_notes(database: Database) -> Iterator[psycopg.Connection]:
    """Lock the table of notes, so that every statement on it waits."""
    with psycopg.connect(database.url) as connection:
        connection.execute("LOCK TABLE notes IN ACCESS EXCLUSIVE MODE")
        yield connection


def wait_for_a_waiting_statement(database: Database) -> None:
    while not database.run("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
        pass


def test_it_is_cancelled_and_the_connections_are_closed(server: Server, database: Database) -> None:
    """A request that still waits for the database when the server stops is cancelled. All connections to the database
    are closed: otherwise the fixture `database` would fail."""
    address = urlsplit(server.url)
    with locked_notes(database), socket.create_connection((address.hostname, address.port or 0)) as client:
        client.sendall(b"DELETE /notes/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_for_a_waiting_statement(database)
        assert server.stop() == 0
        with pytest.raises(ConnectionResetError):  # the response is cut off
            client.recv(4096)
    assert "Traceback" not in server.errors


def test_it_ends_if_the_database_does_its_work(server: Server, database: Database) -> None:
    database.run("INSERT INTO notes (title, text) VALUES ('rope', '')")
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port or 0)) as client:
        with locked_notes(database):
            client.sendall(b"DELETE /notes/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wait_for_a_waiting_statement(database)
        assert client.recv(4096).startswith(b"HTTP/1.1 204 ")
        assert database.run("SELECT * FROM notes") == []
        assert server.stop() == 0
    assert "Traceback" not in server.errors
