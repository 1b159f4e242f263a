"""The examples on different reactors. Libraries for asyncio need its reactor and raise an error at the start on any
other; adbapi works on all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.postgres_process import Database
from tests.processes import ROOT, SECONDS_TO_STOP

PROGRAM = Path(__file__).parent / "reactors.py"


def run(reactor: str, how: str, example: str, url: str) -> tuple[str, str]:
    ended = subprocess.run(
        [sys.executable, "-W", "error", PROGRAM, reactor, how, example],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=2 * SECONDS_TO_STOP,
        check=True,
    )
    return ended.stdout, ended.stderr


@pytest.fixture(params=["notes_psycopg", "notes_sqlalchemy psycopg", "notes_sqlalchemy asyncpg"])
def example(request: pytest.FixtureRequest, database: Database) -> tuple[str, str]:
    """An example that needs asyncio, and the URL for it."""
    name, _, driver = request.param.partition(" ")
    return name, database.url_for(driver) if driver else database.url


@pytest.mark.parametrize("how", ["listen", "Site"])
class TestReactors:
    def test_asyncio(self, how: str, example: tuple[str, str]) -> None:
        output, errors = run("asyncio", how, *example)
        assert output.startswith('201 {"id":1,"title":"rope"')
        assert "RW" not in errors

    def test_another(self, how: str, example: tuple[str, str]) -> None:
        """On a reactor without asyncio, the start fails at once. The error names the hook and its line, and the call of
        `install_reactor` that the program needs."""
        output, errors = run("epoll", how, *example)
        failure = "StartError RW403 A start hook failed with RW203." if how == "listen" else "ResponseNeverReceived"
        assert output.startswith(failure)
        assert f"RW203 open_{'pool' if example[0] == 'notes_psycopg' else 'database'} at " in errors
        assert "install_reactor()" in errors

    @pytest.mark.parametrize("reactor", ["asyncio", "epoll"])
    def test_adbapi(self, how: str, reactor: str, database: Database) -> None:
        output, errors = run(reactor, how, "notes_adbapi", database.url)
        assert output == '201 {"title":"rope"}\n'
        assert "RW" not in errors
