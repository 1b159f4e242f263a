"""Marks slow tests, resets the signal handlers of child processes, and runs PostgreSQL for the tests that need it."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.postgres_process import Database, Postgres, running_postgres

TESTS: Final = Path(__file__).parent

SLOW_FOLDERS: Final = (
    "attacks",
    "benchmarks",
    "cli",
    "clients",
    "conformance",
    "databases",
    "interop",
    "packaging",
    "proxies",
    "stops",
    "unit/dropin",
    "wire",
)
"""Folders whose tests take more than about ten seconds together. `make quick` leaves them out."""


def is_slow(path: Path) -> bool:
    return any(path.is_relative_to(TESTS / folder) for folder in SLOW_FOLDERS)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import slow folders to leave all their tests out."""
    return True if config.option.markexpr == "not slow" and is_slow(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of a slow folder."""
    for item in items:
        if is_slow(item.path):
            item.add_marker(pytest.mark.slow)


def pytest_configure() -> None:
    """Give child processes the default actions of signals that a shell or nohup(1) has set to be ignored. A shell
    without job control, as in scripts, makes background commands ignore SIGINT and SIGQUIT. Children would inherit
    this, and servers that the tests stop with SIGINT would continue to run. A signal with a handler gets its default
    action after exec(2), so a handler that does nothing is installed here.
    """
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server that tests share. A test that stops the server starts it again."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    """An empty database. The test closes all connections to it."""
    database = postgres.make_database()
    yield database
    database.drop()
