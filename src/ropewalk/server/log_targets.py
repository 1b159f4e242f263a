"""The targets to which a log is written: a file that may be rotated, a descriptor such as the standard output, or a
Python stream.

`write(data, position)` writes `data` from `position` on, and returns the position that it reached. It may write only a
part of the data, or nothing if the reader of a pipe is not ready. If a full disk cuts off a line, the rest of the line
is written before the next line. If another process has changed the file meanwhile, the line is instead written again as
a whole, after a newline. So two lines are never joined. Only one thread at a time may use a target.
"""

import fcntl
import os
import select
import stat
from pathlib import Path
from typing import Any, Final, Protocol

PIPE_BUF: Final = select.PIPE_BUF
"""The maximum number of bytes that a pipe accepts atomically: a write of at most this size is not mixed with the writes
of other processes, and does not block if poll() reports the pipe as writable (POSIX, write(), "pipe or FIFO")."""

POLL: Final = 0.25
"""Seconds for which one attempt to write to a pipe waits for the pipe's reader."""

_cut_files: "dict[tuple[int, int], DescriptorTarget]" = {}
"""Maps the device and inode of a file to the target whose last line in this file was cut off. Two targets may write to
one file, because the standard output and error may be the same."""


class LogTarget(Protocol):
    """The interface of a target to which log lines are written."""

    @property
    def path(self) -> Path | None:
        """The path with which the file can be opened again; None if the target has no path."""

    is_file: bool
    """Whether the target is a regular file, which never makes its writer wait for a reader."""

    def write(self, data: bytes, position: int, /) -> int:
        """Write `data` from `position` on, and return the position that was reached.

        Raises OSError if nothing can be written.
        """

    def moved(self) -> bool:
        """Whether the file was renamed or removed, so that a new file must be opened at its path."""

    def reopen(self) -> None:
        """Open the file again at its path. If that fails, keep the open file and raise OSError."""

    def close(self) -> None:
        """Close the file if this target opened it."""


class DescriptorTarget:
    """A target for a descriptor that it does not own, so it neither opens the descriptor again nor closes it."""

    path: Path | None = None

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._cut: int | None = None
        """The size of the file after a line was cut off; None if the last line is complete."""
        self._unfinished = False
        """Whether the file ends within a line of another process. If so, a newline is written first."""
        self._examine()

    def write(self, data: bytes, position: int, /) -> int:
        """Write data: to a pipe, the whole lines for which the pipe has space; to a file, as much as the disk has space
        for."""
        if self.is_file:
            return self._write_file(data, position)
        if not self._ready.poll(POLL * 1000):
            return position
        return position + os.write(self._descriptor, data[position : _end_of_piece(data, position)])

    def moved(self) -> bool:
        """Return False, because the file belongs to the process that redirected the stream."""
        return False

    def reopen(self) -> None:
        """Do nothing, because the path of the descriptor's file is not known."""

    def close(self) -> None:
        """Leave the descriptor open, because this target does not own it."""

    def _examine(self) -> None:
        """Find out the descriptor's type, and whether the file ends within a line."""
        status = os.fstat(self._descriptor)
        self._file = status.st_dev, status.st_ino
        self.is_file = stat.S_ISREG(status.st_mode)
        self._cut = None
        self._unfinished = False
        if not self.is_file:
            self._ready = select.poll()
            self._ready.register(self._descriptor, select.POLLOUT)
        elif fcntl.fcntl(self._descriptor, fcntl.F_GETFL) & os.O_APPEND:
            name = self.path or f"/proc/self/fd/{self._descriptor}"
            self._unfinished = _ends_within_a_line(name, status.st_size)

    def _write_file(self, data: bytes, position: int) -> int:
        unfinished = self._unfinished or _cut_files.get(self._file, self) is not self
        if self._cut is not None:
            size = os.fstat(self._descriptor).st_size
            if size != self._cut:  # another process has changed the file, so write the whole line again
                position = start_of_line(data, position)
                unfinished = size > 0
        if unfinished:
            position += os.write(self._descriptor, b"\n" + data[position:]) - 1
            self._unfinished = False
        else:
            position += os.write(self._descriptor, memoryview(data)[position:])
        _cut_files.pop(self._file, None)
        self._cut = None
        if position > start_of_line(data, position):
            _cut_files[self._file] = self
            self._cut = os.fstat(self._descriptor).st_size
        return position


class FileTarget(DescriptorTarget):
    """A file to which lines are appended. Raises OSError if it cannot be opened."""

    path: Path

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(_open(path))

    def moved(self) -> bool:
        """Whether the path now leads to another file, or to no file."""
        if not self.is_file or self._descriptor < 0:
            return False
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return True
        except OSError:  # the directory cannot be searched any more, so keep the open file
            return False
        return not os.path.samestat(there, os.fstat(self._descriptor))

    def reopen(self) -> None:
        """Open the path again, and create the file if it does not exist."""
        descriptor = _open(self.path)
        self.close()
        self._descriptor = descriptor
        self._examine()

    def close(self) -> None:
        """Close the log file."""
        descriptor, self._descriptor = self._descriptor, -1
        _cut_files.pop(self._file, None)
        os.close(descriptor)


class StreamTarget:
    """A target for a text stream without a descriptor, such as `sys.stdout` in a notebook or a test."""

    path: Path | None = None
    is_file = False

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, data: bytes, position: int, /) -> int:
        """Write all data to the stream."""
        try:
            self._stream.write(data[position:].decode(errors="replace"))
            self._stream.flush()
        except ValueError as error:  # raised if the stream is closed
            raise OSError(str(error)) from error
        return len(data)

    def moved(self) -> bool:
        """Return False, because a stream without a descriptor has no path."""
        return False

    def reopen(self) -> None:
        """Do nothing, because the stream has no path."""

    def close(self) -> None:
        """Leave the stream open, because this target does not own it."""


def target_of(stream: Any) -> LogTarget:
    """Flush a text stream, and return a target for its descriptor, or for the stream itself if it has no descriptor."""
    try:
        descriptor = stream.fileno()
        stream.flush()
    except (AttributeError, OSError, ValueError):
        return StreamTarget(stream)
    return DescriptorTarget(descriptor)


def is_writable(stream: Any) -> bool:
    """Whether a short line can be written without blocking. A stream without a descriptor never blocks."""
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError, ValueError):
        return not getattr(stream, "closed", False)
    ready = select.poll()
    ready.register(descriptor, select.POLLOUT)
    return [(descriptor, select.POLLOUT)] == ready.poll(0)


def start_of_line(data: bytes, position: int) -> int:
    """The position in `data` at which the line around `position` begins."""
    return data.rfind(b"\n", 0, position) + 1


def _end_of_piece(data: bytes, position: int) -> int:
    """The position up to which a pipe accepts data atomically: the end of as many whole lines as fit. If not even one
    line fits, it is the end of the first PIPE_BUF bytes of the line."""
    end = position + PIPE_BUF
    if end >= len(data):
        return len(data)
    return data.rfind(b"\n", position, end) + 1 or end


def _open(path: Path) -> int:
    flags = os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    if path.is_fifo():  # opened for reading, too, so that `open` does not wait for a reader
        return os.open(path, flags | os.O_RDWR)
    return os.open(path, flags | os.O_WRONLY, 0o666)


def _ends_within_a_line(name: Path | str, size: int) -> bool:
    """Whether a file ends without a newline, because the disk was full or its writer was killed."""
    if not size:
        return False
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # the file may be writable but not readable
        return False
    try:
        return os.pread(descriptor, 1, size - 1) not in (b"\n", b"")
    finally:
        os.close(descriptor)
