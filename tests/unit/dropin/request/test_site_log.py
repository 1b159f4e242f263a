"""Writing to the log files of sites."""

import errno
from collections.abc import Callable, Iterator
from io import RawIOBase, StringIO
from pathlib import Path
from threading import Thread, current_thread
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.world import WAYS, World, in_thread, world
from twisted.python.logfile import BaseLogFile, LogFile
from twisted.web import http, resource, server
from twisted.web.server import NOT_DONE_YET, Site

from ropewalk.dropin import HTTPChannel
from ropewalk.dropin.request.site_log import SiteLogs


class Disk(RawIOBase):
    """A raw file with given outcomes of `write`: a number of bytes, None, or an error. Later calls write everything."""

    def __init__(self, *outcomes: int | OSError | None) -> None:
        self.written = b""
        self._outcomes = list(outcomes)

    def write(self, data: Any) -> int | None:
        outcome = self._outcomes.pop(0) if self._outcomes else len(data)
        if isinstance(outcome, OSError):
            raise outcome
        if outcome is not None:
            self.written += data[:outcome]
        return outcome


FULL = OSError(errno.ENOSPC, "No space left on device")
Logged = Callable[..., tuple[LogFile, Disk]]


@pytest.fixture
def on(tmp_path: Path) -> Logged:
    def on(*outcomes: int | OSError | None) -> tuple[LogFile, Disk]:
        file: Any = LogFile.fromFullPath(str(tmp_path / "site.log"))
        file._file.close()
        file._file = disk = Disk(*outcomes)
        return file, disk

    return on


def test_short_writes_are_completed(on: Logged) -> None:
    file, disk = on(1, 4)
    logs = SiteLogs()
    logs.write(file, "one\ntwo\n")
    assert (disk.written, logs.lost) == (b"one\ntwo\n", {})


@pytest.mark.parametrize(
    ("outcomes", "written", "lost"),
    [
        ((FULL,), b"three\n", 2),
        ((None,), b"three\n", 2),
        ((2, FULL), b"one\nthree\n", 1),
        ((4, FULL), b"one\nthree\n", 1),
        ((6, FULL), b"one\ntwo\nthree\n", 0),
        ((6, FULL, FULL), b"one\ntwo\nfour\n", 1),
        ((6, FULL, 1, FULL), b"one\ntwo\nfour\n", 1),
    ],
)
def test_a_line_that_was_cut_is_completed(
    outcomes: tuple[int | OSError | None, ...], written: bytes, lost: int, on: Logged, log: Log
) -> None:
    file, disk = on(*outcomes)
    logs = SiteLogs()
    logs.write(file, "one\ntwo\n")
    logs.write(file, "three\n")
    if b"four" in written:
        logs.write(file, "four\n")
    assert disk.written == written
    assert sum(event.get("log_format") == "Lines of {file} {fate}." for event in log) == 1
    lines = {0: "no line is", 1: "1 line is"}.get(lost, f"{lost} lines are")
    assert f"has a gap: {lines} lost." in log.text


def test_lost_lines_are_reported_at_the_end(on: Logged, log: Log) -> None:
    file, _ = on(FULL, FULL)
    logs = SiteLogs()
    logs.write(file, "one\ntwo\n")
    logs.write(file, "three\n")
    logs.close()
    assert "has a gap: 3 lines are lost." in log.text


def test_a_file_that_rotates(tmp_path: Path) -> None:
    path = tmp_path / "site.log"
    file: Any = LogFile.fromFullPath(str(path), rotateLength=4)
    logs = SiteLogs()
    for line in ("one\n", "two\n", "three\n"):
        logs.write(file, line)
    file.close()
    written = [path.with_suffix(f".log{suffix}").read_text() for suffix in (".2", ".1", "")]
    assert written == ["one\n", "two\n", "three\n"]


def test_a_log_file_of_another_class() -> None:
    class Own(BaseLogFile):
        lines = ""

        def __init__(self) -> None:
            """A log file that does not open a file and has no `shouldRotate`."""

        def write(self, data: Any) -> None:
            self.lines += data

    file, logs = Own(), SiteLogs()
    logs.write(file, "one\n")
    assert (file.lines, logs.lost) == ("one\n", {})


class Failing(StringIO):
    """A file that an application provides, whose writes may fail."""

    error: Exception | None = None

    __hash__ = None  # type: ignore[assignment]

    def write(self, text: str) -> int:
        if self.error:
            raise self.error
        return super().write(text)

    def close(self) -> None:
        """Do nothing, so that the file can be read afterwards."""


def _process(request: Any) -> None:
    request.write(b"whole")
    request.finish()
    request.finished_paths.append(request.uri)


class Page(resource.Resource):
    isLeaf = True

    def render_GET(self, request: Any) -> int:
        _process(request)
        return NOT_DONE_YET


class OwnServerRequest(server.Request):
    """A request class that an application defines."""


class OwnHTTPRequest(http.Request):
    """A request that does not use resources."""

    def process(self) -> None:
        _process(self)


class LoggingSite(Site):
    """A site that overrides `log`."""

    def log(self, request: Any) -> None:
        super().log(request)


def _formatted(timestamp: str, request: Any) -> str:
    return f"{timestamp} {request.code}"


def _encoding(reactor: Any) -> Site:
    return Site(resource.EncodingResourceWrapper(Page(), [server.GzipEncoderFactory()]), reactor=reactor)


FACTORIES: dict[str, Callable[[Any], http.HTTPFactory]] = {
    "site": lambda reactor: Site(Page(), reactor=reactor),
    "own request": lambda reactor: Site(Page(), OwnServerRequest, reactor=reactor),
    "own formatter": lambda reactor: Site(Page(), reactor=reactor, logFormatter=_formatted),
    "own log": lambda reactor: LoggingSite(Page(), reactor=reactor),
    "own log and request": lambda reactor: LoggingSite(Page(), OwnServerRequest, reactor=reactor),
    "encoder": _encoding,
    "without resources": lambda reactor: FactoryWithoutResources(reactor=reactor),
}


class FactoryWithoutResources(http.HTTPFactory):
    """A factory whose channel makes requests without resources."""

    protocol = HTTPChannel  # type: ignore[assignment]

    def buildProtocol(self, addr: Any) -> Any:
        channel: Any = super().buildProtocol(addr)
        channel.requestFactory = OwnHTTPRequest
        return channel


@pytest.fixture
def there() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EAGAIN, errno.EPIPE], ids=errno.errorcode.get)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", FACTORIES)
def test_finish_does_not_fail_if_the_log_fails(
    kind: str, way: str, number: int, there: World, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished: list[bytes] = []
    monkeypatch.setattr(http.Request, "finished_paths", finished, raising=False)
    factory: Any = FACTORIES[kind](there.reactor)
    file = Failing()
    factory._openLogFile = lambda path: file
    factory.logPath = "a path"
    client = there.connect(there.listen(factory, way))
    for path in "/1", "/2", "/3":
        file.error = OSError(number, "no") if path != "/3" else None
        client.get(path)
        client.until(b"0\r\n\r\n")
    assert finished == [b"/1", b"/2", b"/3"]
    assert file.getvalue().count("\n") == 1
    assert log.text.count("> may be lost.") == 1
    assert log.text.count("may have a gap: 2 lines were not written at once, and may be lost.") == 1


class RecordingLogFile(LogFile):
    """Records the threads that write to it."""

    def __init__(self, folder: Path) -> None:
        super().__init__("site.log", str(folder))
        self.writers: list[Thread] = []

    def write(self, data: Any) -> None:
        self.writers.append(current_thread())
        super().write(data)


class RecordingFile(StringIO):
    """Records the threads that write to it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.writers: list[Thread] = []

    def write(self, data: str) -> int:
        self.writers.append(current_thread())
        return super().write(data)


class Overriding(HTTPChannel):
    """A channel with an override, so that all methods of twisted.web are called."""

    def allHeadersReceived(self) -> None:
        super().allHeadersReceived()


@pytest.mark.parametrize("way", [*WAYS, "overriding"])
@pytest.mark.parametrize("kind", [RecordingLogFile, RecordingFile])
def test_only_the_reactor_thread_writes_the_log(kind: type[Any], way: str, there: World, tmp_path: Path) -> None:
    class Threaded(resource.Resource):
        isLeaf = True

        def render(self, request: Any) -> Any:
            in_thread(request.finish)
            return NOT_DONE_YET

    factory: Any = Site(Threaded(), reactor=there.reactor, logPath="a path")
    file = kind(tmp_path)
    factory._openLogFile = lambda path: file
    if way == "overriding":
        factory.protocol = lambda: http._GenericHTTPChannelProtocol(Overriding())
    client = there.connect(there.listen(factory, "adopted" if way == "overriding" else way))
    for _ in range(2):
        client.get()
        client.until(b"0\r\n\r\n")
    there.until(lambda: len(file.writers) == 2)
    assert set(file.writers) == {current_thread()}
