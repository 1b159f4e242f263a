"""The content of all files of one form: in memory, or in one temporary file if it exceeds a limit, until the exchange
ends.

The temporary file has no name in the file system where the system allows that, so that nothing of it remains after a
crash. All files of a form share it, so that a form with many files uses one descriptor.
"""

import os
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, BinaryIO

from ropewalk.errors import HandlerError
from ropewalk.waiting import Waiter


class Spool:
    """Bytes that are appended once, and read at any position. Several threads may read at the same time."""

    __slots__ = ("_closing", "_file", "_limit", "_memory", "_readers", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._memory = bytearray()
        self._file: BinaryIO | None = None
        self._readers = 0
        """The number of threads that read the file. If `close` is called meanwhile, the file is closed when the last of
        them has ended.
        """
        self._closing = False
        self.size = 0

    @property
    def in_memory(self) -> bool:
        """Whether the bytes are in memory."""
        return self._file is None

    @property
    def closed(self) -> bool:
        """Whether `close` has been called."""
        return self._closing

    def append(self, data: bytes) -> None:
        """Add bytes to the end. Raises OSError if the disk is full."""
        self.size += len(data)
        if self._file is None:
            if self.size <= self._limit:
                self._memory += data
                return
            self._file = TemporaryFile(buffering=0)  # noqa: SIM115 - `close` closes it
            _write_all(self._file, self._memory)
            self._memory = bytearray()
        _write_all(self._file, data)

    def read(self, position: int, size: int) -> bytes:
        """At most `size` bytes from a position. Raises HandlerError (RW276) after `close`."""
        if self._closing and not self._readers:
            raise HandlerError("RW276", "A file of a form was read after it was closed.")
        if self._file is None:
            return bytes(self._memory[position : position + size])
        return os.pread(self._file.fileno(), size, position)

    def delete_after(self, ended: Waiter[Any]) -> None:
        """Delete the bytes when the exchange has ended: after its response, or when its client has disconnected."""
        ended.addCallback(lambda _: self.close())

    def close(self) -> None:
        """Delete the bytes. If threads still read, the bytes are deleted when the last of them has ended."""
        self._closing = True
        if not self._readers:
            self._memory = bytearray()
            if self._file is not None:
                self._file.close()

    def __enter__(self) -> "Spool":
        """Keep the bytes until `__exit__`, so that a thread can read them. Call both on the thread of the reactor."""
        if self._closing:
            raise HandlerError("RW276", "A file of a form was read after it was closed.")
        self._readers += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._readers -= 1
        if self._closing:
            self.close()


def _write_all(file: BinaryIO, data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
