"""The file of the access log, and the lines that the engine counts as lost."""

import sys
from io import StringIO
from pathlib import Path

import pytest
from tests.unit.conftest import Log
from twisted.internet.task import Clock

from ropewalk import App
from ropewalk.server.access_log_writer import AccessLog
from ropewalk.server.service import Service


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


def test_a_full_disk_is_reported_once(log: Log) -> None:
    writer = AccessLog(Path("/dev/full"))
    writer.write(b"one\n")
    writer.write(b"two\n")
    writer.close()
    assert log.text.count("The access log cannot be written") == 1
    assert "The access log has a gap: 2 lines are lost." in log.text


def test_the_standard_output_without_a_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", shown := StringIO())
    writer = AccessLog()
    writer.write(b"one\n")
    writer.close()
    assert shown.getvalue() == "one\n"


def test_the_engine_counts_lost_lines(log: Log) -> None:
    clock = Clock()
    service = Service(App(), clock.callLater)
    writer = AccessLog(Path("/dev/full"))
    service.log_access("combined", writer)
    assert service.engine.counters()["log_lines_lost"] == 0
    writer.write(b"one\ntwo\n")
    service.close()
    writer.close()
    assert service.engine.counters()["log_lines_lost"] == writer.lost == 2
