"""A real PostgreSQL server in its own folder, which tests can stop and start again."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

SECONDS_TO_STOP: Final = 30

MEMORY: Final = Path("/dev/shm")

SETTINGS: Final = {
    "listen_addresses": "",  # a UNIX socket only
    "fsync": "off",
    "log_checkpoints": "off",
    "log_min_messages": "log",  # errors of statements are not logged, because nothing reads the log
    "max_connections": "50",
    "shared_buffers": "16MB",
}


class Postgres:
    """A server on a UNIX socket. After a restart it uses the same socket."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        # The path of a socket must be short, and the paths of pytest's folders are too long. A folder in memory makes
        # the creation of a database fast.
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=MEMORY if MEMORY.is_dir() else None))
        # The server ends with the tests, however they end.
        self._as_user: list[str | Path] = ["setpriv", "--pdeathsig", "QUIT"]
        if os.geteuid() == 0:  # the server refuses to run as root; its package has created this user
            shutil.chown(self._folder, "postgres", "postgres")
            self._as_user += ["--reuid", "postgres", "--regid", "postgres", "--init-groups"]
        self._data = self._folder / "data"
        self._process: subprocess.Popen[str] | None = None
        self._databases = 0
        options = ("--username=postgres", "--auth=trust", "--no-sync", "--locale=C.UTF-8", "--encoding=UTF8")
        subprocess.run(
            [*self._as_user, self._programs / "initdb", "--pgdata", self._data, *options],
            check=True,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )

    def start(self) -> None:
        """Start the server, and return when it accepts connections."""
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        process = self._process = subprocess.Popen(
            [*self._as_user, self._programs / "postgres", "-D", self._data, "-k", self._folder, *settings],
            cwd=self._folder,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "is ready to accept connections" in line:
                return
        raise AssertionError("".join(lines))

    @property
    def runs(self) -> bool:
        """Whether the server was started, and not stopped since."""
        return self._process is not None

    def stop(self) -> None:
        """Stop the server, which ends its connections and running statements."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGINT)  # "fast"
            process.wait(SECONDS_TO_STOP)
            assert process.stderr is not None
            process.stderr.close()

    def remove(self) -> None:
        """Stop the server, and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder)

    def make_database(self) -> "Database":
        """A new, empty database."""
        self._databases += 1
        name = f"test{self._databases}"
        Database(self._folder, "postgres").run(f"CREATE DATABASE {name}")
        return Database(self._folder, name)


class Database:
    """A database of the server, with which the tests check the results."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.url = f"postgresql://postgres@/{name}?host={folder}"
        self.name = name

    def url_for(self, driver: str) -> str:
        """The URL for SQLAlchemy with a driver."""
        return self.url.replace("postgresql:", f"postgresql+{driver}:")

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """The rows of one statement, outside transactions and on a connection of its own."""
        import psycopg  # not at the top: `make interop` runs some tests in environments without it

        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return [] if cursor.description is None else cursor.fetchall()

    def sessions(self) -> list[str]:
        """The states of the connections that others have to it, such as "idle", sorted."""
        states = self.run(
            "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return sorted(str(state) for (state,) in states)

    def drop(self) -> None:
        """Remove the database. The server waits some seconds for its connections to end; if any remain, this raises
        ObjectInUse."""
        Database(self._folder, "postgres").run(f"DROP DATABASE {self.name}")

    def terminate_sessions(self) -> None:
        """End the connections of others, as a failover does."""
        self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A running server. Skips the test if PostgreSQL is not installed, except in continuous integration, which installs
    it."""
    programs = _find_programs()
    if programs is None:
        message = "PostgreSQL is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    server = Postgres(programs)
    try:
        server.start()
        yield server
    finally:
        server.remove()


def _find_programs() -> Path | None:
    """The folder of the newest server: Debian keeps it off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    program = shutil.which("postgres")
    return None if program is None else Path(program).resolve().parent
