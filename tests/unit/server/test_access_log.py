"""The writer of the access log."""

from pathlib import Path

import pytest
from tests.unit.conftest import Log

from ropewalk.server import access_log
from ropewalk.server.access_log import AccessLog


def test_lines_are_appended(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    file.write_bytes(b"before\n")
    log = AccessLog(file)
    log.write(b"one\n")
    log.write(b"")
    log.write(b"two\nthree\n")
    log.close()
    assert file.read_bytes() == b"before\none\ntwo\nthree\n"


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        AccessLog(tmp_path / "none" / "access.log")


def test_a_disk_that_is_full_is_told_once(log: Log) -> None:
    writer = AccessLog(Path("/dev/full"))
    writer.write(b"one\n")
    writer.write(b"two\n")
    writer.close()
    assert log.text.count("The access log cannot be written") == 1


def test_lines_beyond_the_bound_are_dropped_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    monkeypatch.setattr(access_log, "MOST_WAITING", -1)
    writer = AccessLog(tmp_path / "access.log")
    writer.write(b"one\ntwo\n")
    writer.close()
    assert (tmp_path / "access.log").read_bytes() == b""
    assert "2 lines of the access log were dropped" in log.text
