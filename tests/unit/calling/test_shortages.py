"""Shortages of the system: the responses to clients, and how often they are logged."""

import errno
import os
import tempfile
from asyncio import gather
from collections.abc import AsyncIterator, Callable, Coroutine
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from tests.problems import problem
from tests.unit.calling.test_task import later
from tests.unit.conftest import Log
from twisted.internet.task import Clock
from twisted.logger import LogLevel

from ropewalk import App, Files, HTTPError, Limits, Request, Response
from ropewalk.calling import ShortageLog
from ropewalk.calling.shortages import INTERVAL, shortage_in
from ropewalk.testing import AsyncClient, Client, ClientResponse, ProtocolError

Run = Callable[[Coroutine[Any, Any, Any]], Any]

CODES = {
    errno.EMFILE: "RW506",
    errno.ENFILE: "RW506",
    errno.ENOSPC: "RW507",
    errno.EDQUOT: "RW507",
    errno.EFBIG: "RW507",
}


def lacking(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def refusing(number: int) -> Any:
    """Make a replacement for a function that opens a file. It raises this error."""

    def refuse(*args: Any, **options: Any) -> Any:
        raise lacking(number)

    return refuse


def assert_logged(log: Log, code: str) -> None:
    """Check that the log has one warning with this code, and no traceback."""
    assert [(event["log_level"], event["code"], "log_failure" in event) for event in log] == [
        (LogLevel.warn, code, False)
    ]


class Full(FileIO):
    """A file on a disk that is full."""

    def __init__(self) -> None:
        super().__init__("/dev/full", "w+")

    def __del__(self) -> None:
        self.close()


class TestResponses:
    @pytest.mark.parametrize("number", CODES)
    def test_without_an_error_handler(self, number: int, log: Log) -> None:
        app = App(debug=True)

        @app.get("/")
        def handler(request: Request) -> str:
            raise lacking(number)

        response = Client(app).get("/")
        if CODES[number] == "RW506":
            assert (response.status, response.text) == (503, problem(503))
            assert response.headers["retry-after"] == "1"
        else:
            assert (response.status, response.text) == (507, problem(507))
        assert_logged(log, CODES[number])
        assert "handler at tests/unit/calling/test_shortages.py:" in log.text

    def test_by_the_error_handler_of_the_status(self, log: Log) -> None:
        app = App()
        seen: list[object] = []

        @app.error(503)
        def busy(request: Request, error: HTTPError) -> str:
            seen.append(error.status)
            return "busy"

        @app.error(500)
        def failed(request: Request, error: Exception) -> str:
            raise AssertionError("not called")

        @app.get("/")
        async def handler(request: Request) -> str:
            await later()
            raise lacking(errno.EMFILE)

        response = Client(app).get("/")
        assert (response.status, response.text, response.headers["retry-after"]) == (503, "busy", "1")
        assert seen == [503]
        assert_logged(log, "RW506")

    def test_an_app_may_handle_it_by_its_class(self, log: Log) -> None:
        app = App()

        @app.error(OSError)
        def handle(request: Request, error: OSError) -> Response:
            return Response("mine", 500 + (error.errno or 0))

        app.get("/")(refusing(errno.EMFILE))
        assert Client(app).get("/").status == 524
        assert log == []

    def test_after_the_head(self, log: Log) -> None:
        app = App()

        @app.get("/")
        async def handler(request: Request) -> AsyncIterator[bytes]:
            yield b"x"
            raise lacking(errno.EMFILE)

        with pytest.raises(ProtocolError, match="closed the connection in the middle of its response"):
            Client(app).get("/")
        assert_logged(log, "RW506")

    def test_other_errors_of_the_system_are_what_they_were(self, log: Log) -> None:
        app = App()
        app.get("/")(refusing(errno.EIO))
        assert Client(app, raise_errors=False).get("/").status == 500
        assert "RW208 GET /: " in log.text


class TestSources:
    """The sources of a shortage error."""

    @pytest.mark.parametrize("mounted", [True, False])
    def test_files(self, mounted: bool, tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "a.txt").write_text("a")
        app = App()
        if mounted:
            app.mount("/", Files(tmp_path))
        else:
            app.get("/a.txt")(lambda request: tmp_path / "a.txt")
        monkeypatch.setattr(os, "open", refusing(errno.EMFILE))
        assert Client(app).get("/a.txt").status == 503
        assert_logged(log, "RW506")

    @pytest.mark.parametrize(("number", "status"), [(errno.EMFILE, 503), (errno.ENOSPC, 507)])
    @pytest.mark.parametrize("whole", [True, False])
    def test_a_body_that_finds_no_file(
        self, whole: bool, number: int, status: int, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.TemporaryFile", refusing(number))
        assert self.upload(whole).status == status
        assert_logged(log, CODES[number])

    @pytest.mark.parametrize("whole", [True, False])
    def test_a_body_that_finds_no_room(self, whole: bool, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tempfile.TemporaryFile", Full)
        assert self.upload(whole).status == 507
        assert_logged(log, "RW507")

    @pytest.mark.parametrize("whole", [True, False])
    def test_no_temporary_folder_can_be_written(self, whole: bool, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "tempdir", None)
        monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/dev/null"])
        assert self.upload(whole).status == 507
        assert_logged(log, "RW507")

    def upload(self, whole: bool) -> ClientResponse:
        app = App(limits=Limits(spool_size=1000))

        def plain(request: Request) -> str:
            raise AssertionError("not called")

        async def reading(request: Request) -> bytes:
            return await request.body()

        app.post("/")(plain if whole else reading)
        return Client(app).post("/", body=b"x" * 5000)


class TestTelling:
    def test_many_at_once(self, run: Run, log: Log) -> None:
        app = App()

        @app.get("/{number:int}")
        async def handler(request: Request, number: int) -> None:
            await later()
            raise lacking(errno.ENOSPC if number % 2 else errno.EMFILE)

        async def ask() -> list[int]:
            client = AsyncClient(app, raise_errors=False)
            return [response.status for response in await gather(*(client.get(f"/{number}") for number in range(20)))]

        assert run(ask()) == [503, 507] * 10
        assert sorted(event["code"] for event in log) == ["RW506", "RW507"]

    def test_it_is_logged_again_after_the_interval(self) -> None:
        clock = Clock()
        shortages = ShortageLog(clock.seconds)
        shortage = shortage_in(lacking(errno.EMFILE))
        other = shortage_in(lacking(errno.ENOSPC))
        assert shortage is not None
        assert other is not None
        assert [shortages.is_news(each) for each in (shortage, shortage, other, shortage)] == [True, False, True, False]
        clock.advance(INTERVAL - 0.1)
        assert not shortages.is_news(shortage)
        clock.advance(0.2)
        assert [shortages.is_news(shortage), shortages.is_news(shortage)] == [True, False]

    def test_no_temporary_folder_because_of_the_descriptors(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "tempdir", None)
        monkeypatch.setattr(os, "open", refusing(errno.EMFILE))
        with pytest.raises(FileNotFoundError) as raised:
            tempfile.gettempdir()
        assert shortage_in(raised.value) == shortage_in(lacking(errno.EMFILE))

    def test_a_missing_file_is_no_shortage(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(tempfile, "tempdir", None)
        with pytest.raises(FileNotFoundError) as raised:
            (tmp_path / "absent").read_bytes()
        assert shortage_in(raised.value) is None

    def test_what_lacks_nothing(self) -> None:
        assert [shortage_in(error) for error in (OSError(), OSError("full"), ValueError(errno.EMFILE))] == [None] * 3
