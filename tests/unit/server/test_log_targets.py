"""The outputs to which logs are written."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest

from ropewalk.server.log_targets import DescriptorTarget, FileTarget, LogTarget, StreamTarget, is_writable, target_of


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Limit the size of files: a write is cut short there, and the next one raises EFBIG. Python ignores SIGXFSZ."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_all(target: LogTarget, data: bytes, position: int = 0) -> None:
    while position < len(data):
        position = target.write(data, position)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log"


DATA = b"one\ntwo\n"


class TestCutLines:
    """A line that a full disk has cut."""

    def cut(self, target: LogTarget) -> int:
        with largest_file(6):
            position = target.write(DATA, 0)
            with pytest.raises(OSError, match="File too large"):
                target.write(DATA, position)
        assert position == 6
        return position

    def test_is_completed(self, path: Path) -> None:
        target = FileTarget(path)
        write_all(target, DATA, self.cut(target))
        target.close()
        assert path.read_bytes() == b"one\ntwo\n"

    def test_is_ended_and_repeated_after_the_lines_of_others(self, path: Path) -> None:
        target = FileTarget(path)
        position = self.cut(target)
        with path.open("ab") as other:
            other.write(b"\nother\n")
        write_all(target, DATA, position)
        target.close()
        assert path.read_bytes() == b"one\ntw\nother\n\ntwo\n"

    def test_is_repeated_if_the_file_was_emptied(self, path: Path) -> None:
        target = FileTarget(path)
        position = self.cut(target)
        os.truncate(path, 0)
        write_all(target, DATA, position)
        target.close()
        assert path.read_bytes() == b"two\n"

    def test_is_repeated_if_another_attempt_failed(self, path: Path) -> None:
        target = FileTarget(path)
        position = self.cut(target)
        with path.open("ab") as other:
            other.write(b"\nother\n")
        with largest_file(6), pytest.raises(OSError, match="File too large"):
            target.write(DATA, position)
        write_all(target, DATA, position)
        target.close()
        assert path.read_bytes() == b"one\ntw\nother\n\ntwo\n"

    def test_is_ended_by_another_log_in_the_same_file(self, path: Path) -> None:
        first, second = FileTarget(path), FileTarget(path)
        position = self.cut(first)
        write_all(second, b"second\n")
        write_all(first, DATA, position)
        for target in (first, second):
            target.close()
        assert path.read_bytes().replace(b"\n\n", b"\n") == b"one\ntw\nsecond\ntwo\n"

    def test_is_ended_by_the_next_process(self, path: Path) -> None:
        path.write_bytes(b"one\ntw")
        target = FileTarget(path)
        write_all(target, b"three\n")
        write_all(target, b"four\n")
        target.close()
        assert path.read_bytes() == b"one\ntw\nthree\nfour\n"

    def test_is_ended_in_a_redirected_stream(self, path: Path) -> None:
        path.write_bytes(b"one\ntw")
        with path.open("ab") as redirected:
            write_all(DescriptorTarget(redirected.fileno()), b"three\n")
        assert path.read_bytes() == b"one\ntw\nthree\n"

    def test_in_a_file_that_may_not_be_read(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path.write_bytes(b"one\ntw")
        opens = os.open

        def refusing(name: Path | str, flags: int, *args: int) -> int:
            if not flags & os.O_WRONLY:
                raise PermissionError(13, "Permission denied")
            return opens(name, flags, *args)

        monkeypatch.setattr(os, "open", refusing)
        target = FileTarget(path)
        write_all(target, b"three\n")
        target.close()
        assert path.read_bytes() == b"one\ntwthree\n"


class TestStreams:
    """Targets for `sys.stdout` and other streams."""

    def test_with_a_descriptor(self, path: Path) -> None:
        with path.open("w") as stream:
            stream.write("before\n")
            write_all(target_of(stream), b"one\n")
        assert path.read_text() == "before\none\n"

    def test_without_one(self) -> None:
        stream = StringIO()
        target = target_of(stream)
        assert isinstance(target, StreamTarget)
        assert target.write(b"one\ntwo\n", 4) == 8
        assert stream.getvalue() == "two\n"

    def test_that_is_closed(self) -> None:
        stream = StringIO()
        stream.close()
        with pytest.raises(OSError, match="closed"):
            target_of(stream).write(b"one\n", 0)

    def test_is_writable(self) -> None:
        ours, theirs = os.pipe()
        os.set_blocking(theirs, False)
        with open(theirs, "w") as stream:  # noqa: PTH123 - a descriptor
            assert is_writable(stream)
            while is_writable(stream):
                os.write(theirs, b"x" * 4096)
            os.close(ours)
        assert not is_writable(stream)
        assert is_writable(StringIO())
