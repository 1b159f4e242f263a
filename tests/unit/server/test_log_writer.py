"""The thread that writes a log."""

import errno
import fcntl
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread, current_thread

import pytest
from tests.unit.conftest import Log

from ropewalk.server import log_writer
from ropewalk.server.log_targets import DescriptorTarget, FileTarget
from ropewalk.server.log_writer import LogWriter, reopen_logs

NO_SPACE = OSError(errno.ENOSPC, "No space left on device")
TOO_BIG = OSError(errno.EFBIG, "File too large")


class Scripted:
    """A target with scripted outcomes: a number of bytes, or an error. After the last one it takes everything."""

    path = None

    def __init__(self, *outcomes: int | OSError, is_file: bool = True) -> None:
        self.written = b""
        self.is_file = is_file
        self._outcomes = list(outcomes)

    def write(self, data: bytes, position: int, /) -> int:
        outcome = self._outcomes.pop(0) if self._outcomes else len(data) - position
        if isinstance(outcome, OSError):
            raise outcome
        self.written += data[position : position + outcome]
        return position + outcome

    def moved(self) -> bool:
        return False

    def reopen(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Do nothing, because no file is open."""


class Stalled(Scripted):
    """A target whose reader stalls until the test releases it."""

    def __init__(self) -> None:
        super().__init__(is_file=False)
        self.asked = Event()
        self.go_on = Event()

    def write(self, data: bytes, position: int, /) -> int:
        self.asked.set()
        return super().write(data, position) if self.go_on.wait(0.01) else position


def written(writer: LogWriter) -> None:
    """Wait until all lines are written. `flush` would not wait for a file that fails or for a stalled reader."""
    with writer._changed:
        assert writer._changed.wait_for(lambda: not writer._waiting, timeout=60)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_writer, "RETRY", 0.001)
    monkeypatch.setattr(log_writer, "POLL", 0.001)


@pytest.mark.parametrize("outcomes", [(1, 3, 0, 2), (2, BlockingIOError(), 3)])
def test_lines_that_are_written_in_parts_are_whole(outcomes: tuple[int | OSError, ...]) -> None:
    target = Scripted(*outcomes)
    writer = LogWriter(target, "The log")
    writer.write(b"one\ntwo\n")
    writer.close()
    assert target.written == b"one\ntwo\n"
    assert writer.lost == 0


@pytest.mark.parametrize("error", [NO_SPACE, TOO_BIG, OSError(errno.EDQUOT, "Quota"), OSError(errno.EIO, "I/O")])
def test_a_full_disk_is_tried_again(error: OSError, log: Log) -> None:
    target = Scripted(5, error, error)
    writer = LogWriter(target, "The log")
    writer.write(b"one\ntwo\n")
    written(writer)
    writer.close()
    assert target.written == b"one\ntwo\n"
    assert writer.lost == 0
    assert log.text.count("The log cannot be written") == 1
    assert log.text.count("The log is written again.") == 1


def test_a_stop_does_not_wait_for_a_full_disk(log: Log) -> None:
    writer = LogWriter(Scripted(*[NO_SPACE] * 10_000), "The log")
    writer.write(b"one\ntwo\n")
    writer.close(seconds=60)
    assert writer.lost == 2
    assert "The log has a gap: 2 lines are lost." in log.text


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EBADF, errno.EIO])
def test_a_reader_that_has_left(number: int, log: Log) -> None:
    target = Scripted(OSError(number, "gone"), OSError(number, "gone"), is_file=False)
    writer = LogWriter(target, "The log")
    for line in (b"one\n", b"two\n"):
        writer.write(line)
        written(writer)
    writer.write(b"three\n")  # the terminal works again
    writer.close()
    assert (target.written, writer.lost) == (b"three\n", 2)
    assert log.text.count("The log cannot be written: [Errno") == 1
    assert "2 lines are lost" in log.text


def test_lines_past_the_limit_are_counted_and_reported(log: Log) -> None:
    target = Stalled()
    writer = LogWriter(target, "The log", most_waiting=10)
    counted: list[int] = []
    writer.on_lost = counted.append
    writer.write(b"one\n")
    target.asked.wait()
    writer.write(b"two\n")
    writer.write(b"three\nfour\n")
    writer.write(b"five\n")
    assert log.text == "The log is written too slowly. From now on, lines are dropped and counted."
    target.go_on.set()
    assert writer.flush()
    assert target.written == b"one\ntwo\n"
    writer.close()
    assert (writer.lost, counted) == (3, [2, 1])
    assert "The log has a gap: 3 lines are lost." in log.text


def test_a_close_ends_in_time(log: Log) -> None:
    target = Stalled()
    writer = LogWriter(target, "The log")
    writer.write(b"one\ntwo\n")
    target.asked.wait()
    writer.close(seconds=0)
    assert writer.lost == 2
    assert "The log has a gap: 2 lines are lost." in log.text
    writer.write(b"late\n")
    assert writer.lost == 3
    target.go_on.set()
    assert writer._thread is not None
    writer._thread.join()


def test_a_stop_waits_once_for_a_stalled_reader() -> None:
    target = Stalled()
    writer = LogWriter(target, "The log")
    writer.write(b"one\n")
    assert not writer.flush(seconds=0)
    assert writer._timeout(60) == 0
    target.go_on.set()
    written(writer)
    assert writer._timeout(60) == 60
    writer.close()


def test_a_line_after_close_is_written_at_once() -> None:
    target = Scripted()
    writer = LogWriter(target, "The log")
    writer.close()
    writer.write(b"late\n")
    assert target.written == b"late\n"


def test_no_line_is_written_to_a_closed_file(tmp_path: Path) -> None:
    writer = LogWriter(FileTarget(tmp_path / "log"), "The log")
    writer.close()
    writer.write(b"late\n")
    assert writer.lost == 1


def test_close_writes_if_there_is_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoThread:
        def __init__(self, **_: object) -> None:
            pass

        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(log_writer, "Thread", NoThread)
    target = Scripted()
    writer = LogWriter(target, "The log")
    writer.write(b"one\n")
    assert target.written == b""
    writer.close()
    assert target.written == b"one\n"


FORKING = """
import os, sys
from ropewalk.server.log_targets import DescriptorTarget
from ropewalk.server.log_writer import LogWriter

writer = LogWriter(DescriptorTarget(1), "The log")
writer.write(b"parent\\n")
writer.flush()
if not (child := os.fork()):
    writer.write(b"child\\n")
    sys.exit()
os.waitpid(child, 0)
writer.write(b"parent again\\n")  # written when the interpreter exits
"""


def test_a_child_and_the_end_of_the_interpreter() -> None:
    shown = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, check=True)
    assert shown.stdout == "parent\nchild\nparent again\n"


def test_a_forked_child_has_its_own_thread() -> None:
    """A forked child starts its own thread for the log, because it may serve as its parent does, and a stalled reader
    must not block it."""

    class Threaded(Scripted):
        by: set[Thread] = set()

        def write(self, data: bytes, position: int, /) -> int:
            self.by.add(current_thread())
            return super().write(data, position)

    target = Threaded()
    writer = LogWriter(target, "The log")
    writer.after_fork_in_child()
    writer.write(b"child\n")
    written(writer)
    assert target.written == b"child\n"
    assert current_thread() not in target.by
    writer.close()


def test_a_forked_child_reports_only_its_own_lost_lines(log: Log) -> None:
    writer = LogWriter(Scripted(), "The log", most_waiting=4)
    writer.write(b"longer than the bound\n")
    assert writer.lost == 1
    writer.after_fork_in_child()
    writer.write(b"one\n")
    writer.close()
    assert writer.lost == 0
    assert "has a gap" not in log.text


def test_lines_after_close_wait_once_for_a_stalled_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(Scripted):
        attempts = 0

        def write(self, data: bytes, position: int, /) -> int:
            self.attempts += 1
            return position

    monkeypatch.setattr(log_writer, "monotonic", count().__next__)  # each reading is a second later
    target = Counting(is_file=False)
    writer = LogWriter(target, "The log")
    writer.close()
    writer.write(b"late\n")
    assert target.attempts > 1
    target.attempts = 0
    writer.write(b"later\n")
    assert (target.attempts, writer.lost) == (1, 2)


class TestPipes:
    """The reader of a pipe is slow."""

    @pytest.fixture
    def pipe(self) -> Iterator[tuple[int, int]]:
        ours, theirs = os.pipe()
        yield ours, theirs
        os.close(ours)
        os.close(theirs)

    @pytest.mark.parametrize("blocking", [True, False])
    def test_whole_lines_come_out(self, pipe: tuple[int, int], blocking: bool) -> None:
        ours, theirs = pipe
        os.set_blocking(theirs, blocking)
        fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
        lines = b"".join(b"%d %b\n" % (number, b"x" * 97) for number in range(2000))
        writer = LogWriter(DescriptorTarget(theirs), "The log")
        writer.write(lines)
        came = b""
        while len(came) < len(lines):
            part = os.read(ours, 65536)
            assert part.endswith(b"\n")
            came += part
        writer.close()
        assert (came, writer.lost) == (lines, 0)

    def test_a_line_longer_than_a_pipe_takes_at_once(self, pipe: tuple[int, int]) -> None:
        ours, theirs = pipe
        line = b"x" * (select.PIPE_BUF + 10) + b"\n"
        writer = LogWriter(DescriptorTarget(theirs), "The log")
        writer.write(line + b"next\n")
        writer.close()
        assert os.read(ours, 65536) == line + b"next\n"

    def test_a_full_pipe_that_is_not_read(self, pipe: tuple[int, int], log: Log) -> None:
        _, theirs = pipe
        fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
        os.write(theirs, b"x" * 4096)
        writer = LogWriter(DescriptorTarget(theirs), "The log")
        writer.write(b"one\n")
        writer.close(seconds=0)
        assert writer.lost == 1

    def test_a_named_pipe_without_a_reader(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        writer = LogWriter(FileTarget(tmp_path / "pipe"), "The log")
        writer.write(b"one\n")
        assert writer.flush()
        reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        assert os.read(reader, 100) == b"one\n"
        os.close(reader)
        writer.close()


class TestRotation:
    """A file that is renamed, removed or emptied."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        (tmp_path / "logs").mkdir()
        return tmp_path / "logs" / "log"

    @pytest.fixture
    def writer(self, path: Path) -> Iterator[LogWriter]:
        writer = LogWriter(FileTarget(path), "The log")
        writer.write(b"one\n")
        assert writer.flush()
        yield writer
        writer.close()

    def test_renamed(self, writer: LogWriter, path: Path) -> None:
        path.rename(path.with_suffix(".1"))
        writer.write(b"two\n")
        assert writer.flush()
        assert (path.with_suffix(".1").read_bytes(), path.read_bytes()) == (b"one\n", b"two\n")

    def test_removed(self, writer: LogWriter, path: Path) -> None:
        path.unlink()
        writer.write(b"two\n")
        assert writer.flush()
        assert path.read_bytes() == b"two\n"

    def test_emptied(self, writer: LogWriter, path: Path) -> None:
        os.truncate(path, 0)
        writer.write(b"two\n")
        assert writer.flush()
        assert path.read_bytes() == b"two\n"

    def test_reopened_before_there_is_a_line(self, tmp_path: Path) -> None:
        target = FileTarget(tmp_path / "log")
        reopen = target.reopen
        opened: SimpleQueue[None] = SimpleQueue()

        def reopening() -> None:
            reopen()
            opened.put(None)

        target.reopen = reopening  # type: ignore[method-assign]
        writer = LogWriter(target, "The log of this test")
        target.path.rename(tmp_path / "log.1")
        assert "The log of this test" in reopen_logs()
        opened.get(timeout=60)
        assert target.path.read_bytes() == b""
        writer.close()

    def test_a_cut_line_is_whole_in_the_next_file(self, path: Path) -> None:
        """A line that a full disk has cut is written as a whole to the next file: the file is renamed, and the new one
        is on another disk."""

        class Full(FileTarget):
            room: int | None = 6

            def write(self, data: bytes, position: int, /) -> int:
                if self.room is None:
                    return super().write(data, position)
                if position >= self.room:
                    path.rename(path.with_suffix(".1"))
                    Full.room = None
                    raise NO_SPACE
                return super().write(data[: self.room], position)

        writer = LogWriter(Full(path), "The log")
        writer.write(b"one\ntwo\nthree\n")
        written(writer)
        writer.close()
        assert (path.with_suffix(".1").read_bytes(), path.read_bytes()) == (b"one\ntw", b"two\nthree\n")
        assert writer.lost == 0

    @pytest.mark.parametrize("closed", [False, True], ids=["by the thread", "after the end"])
    def test_a_full_file_that_is_rotated_during_a_write(self, closed: bool, log: Log) -> None:
        """The file is renamed between the writer's check of the path and the write that fails."""

        class Rotated(Scripted):
            def moved(self) -> bool:
                return bool(self._outcomes) and self.failed

            failed = False

            def write(self, data: bytes, position: int, /) -> int:
                self.failed = True
                return super().write(data, position)

            def reopen(self) -> None:
                self._outcomes.clear()

        target = Rotated(NO_SPACE, NO_SPACE)
        writer = LogWriter(target, "The log")
        if closed:
            writer.close()
        writer.write(b"one\n")
        if not closed:
            written(writer)
        writer.close()
        assert (target.written, writer.lost, log.text) == (b"one\n", 0, "")

    def test_a_directory_that_was_removed(self, writer: LogWriter, path: Path, log: Log) -> None:
        kept = path.parent.parent / "kept"
        path.rename(kept)
        path.parent.rmdir()
        for line in (b"two\n", b"three\n"):
            writer.write(line)
            assert writer.flush()
        assert log.text.count("The log cannot be opened again") == 1
        assert writer.reopen()
        writer.write(b"four\n")
        assert writer.flush()
        assert log.text.count("The log cannot be opened again") == 2  # each call of `reopen` reports the failure
        assert "is opened again" not in log.text
        path.parent.mkdir()
        assert writer.reopen()
        writer.write(b"five\n")
        assert writer.flush()
        assert (kept.read_bytes(), path.read_bytes()) == (b"one\ntwo\nthree\nfour\n", b"five\n")
        assert log.text.count("The log is opened again.") == 1
