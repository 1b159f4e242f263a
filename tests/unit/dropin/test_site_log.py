"""Lines for the log files of sites."""

import errno
from collections.abc import Callable
from io import RawIOBase
from pathlib import Path
from typing import Any

import pytest
from tests.unit.conftest import Log
from twisted.python.logfile import LogFile

from ropewalk.dropin.site_log import SiteLogs


class Disk(RawIOBase):
    """A raw file that takes what a test says: so many bytes, None for not now, or an error. After that, all."""

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


def test_what_is_taken_in_parts_is_whole(on: Logged) -> None:
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
    assert sum(event.get("log_format") == "Lines of {file} are lost." for event in log) == 1
    said = {0: "no line is", 1: "1 line is"}.get(lost, f"{lost} lines are")
    assert f"has a gap: {said} lost." in log.text


def test_what_is_never_written_is_reported_at_the_end(on: Logged, log: Log) -> None:
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
