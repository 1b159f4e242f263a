"""Each test in this folder that takes `kit` runs once with each library."""

import sys

import pytest
from tests.postgres_process import Database
from tests.processes import EXAMPLES

sys.path.insert(0, str(EXAMPLES))


@pytest.fixture(params=["psycopg", "sqlalchemy with psycopg", "sqlalchemy with asyncpg"])
def kit(request: pytest.FixtureRequest) -> object:
    from tests.databases.kits import KITS

    return KITS[request.param]


@pytest.fixture
def notes(database: Database) -> Database:
    """A database with a table whose constraint is checked at the commit."""
    database.run("CREATE TABLE notes (title text UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    return database
