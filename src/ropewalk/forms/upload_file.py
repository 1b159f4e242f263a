"""A file of a form: its content is in memory or in a temporary file, until the response is complete."""

import os
from collections.abc import Callable, Iterator
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

from ropewalk.dropped_failures import begin_operation
from ropewalk.errors import HandlerError
from ropewalk.forms.saving import save_atomically
from ropewalk.forms.temporary_files import Spool
from ropewalk.thread_calls import call_in_thread
from ropewalk.waiting import Waiter, failed, ready

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Result = TypeVar("Result")

_PART: Final = 64 * 1024
"""The number of bytes that are read at a time."""
_IN_THREAD: Final = 256 * 1024
"""A read of more bytes from a temporary file happens in a thread."""


class UploadFile:
    """A file of a form.

    `filename` is what the client has sent, without folders. It is data for a page or a database: never use it as a
    path, or as a part of one. The client may choose `content_type` freely, too.

    The content is available until the response is complete, or until `close`. After that, methods that read it raise
    HandlerError (RW276).
    """

    __slots__ = ("_position", "_spool", "_start", "content_type", "filename", "name", "size")

    def __init__(self, spool: Spool, start: int, size: int, *, name: str, filename: str, content_type: str) -> None:
        self._spool = spool
        self._start = start
        self._position = 0
        self.name = name
        """The name of the field."""
        self.filename = filename
        """The name of the file on the client's machine, without folders; "" if there is none."""
        self.content_type = content_type
        """The media type that the client has sent, in lower case and without parameters."""
        self.size = size
        """The size in bytes."""

    def __repr__(self) -> str:
        return f"UploadFile(filename={self.filename!r}, content_type={self.content_type!r}, size={self.size})"

    def read(self, size: int = -1) -> Waiter[bytes]:
        """Read at most `size` bytes, or all bytes, from the current position. The result is b"" at the end."""
        left = max(self.size - self._position, 0)
        wanted = left if size < 0 else min(size, left)
        start = self._start + self._position
        self._position += wanted
        if self._spool.in_memory or wanted <= _IN_THREAD:
            try:
                return ready(self._spool.read(start, wanted))
            except HandlerError as error:
                return failed(error)
        return self._in_thread(lambda: b"".join(_parts(self._spool, start, wanted)))

    def seek(self, position: int) -> None:
        """Set the position in bytes at which the next `read` begins. Raises ValueError for a negative one."""
        if position < 0:
            raise ValueError(f"The position {position} is negative. Give 0 or more.")
        self._position = position

    def open(self) -> BinaryIO:
        """Open the content as a binary file for reading, for a library that takes one. Each call returns a file at its
        first byte.

        The file can be read until this object is closed. Its methods block: use it in a thread, or for small files.
        """
        return BufferedReader(_Window(self._spool, self._start, self.size))

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = True, fsync: bool = False) -> Waiter[None]:
        """Await this to save the whole content under a path, in a thread.

        The path is the program's: choose a name yourself, such as `f"{secrets.token_hex(16)}.jpg"`, and never
        `filename`. The file appears under the path in one step, when it is complete. With `fsync`, it is on the disk
        when the wait ends. Fails with FileExistsError if the path exists and `overwrite` is False, with HandlerError
        (RW277) if the path is a folder, and with OSError if the file cannot be written.
        """

        def save() -> None:
            parts = _parts(self._spool, self._start, self.size)
            save_atomically(parts, Path(path), overwrite=overwrite, fsync=fsync)

        return self._in_thread(save)

    def __aiter__(self) -> "UploadFile":
        return self

    async def __anext__(self) -> bytes:
        part = await self.read(_PART)
        if not part:
            raise StopAsyncIteration
        return part

    def close(self) -> None:
        """Delete the content of all files of the form. This happens by itself when the response is complete."""
        self._spool.close()

    def _in_thread(self, function: Callable[[], Result]) -> Waiter[Result]:
        """Call a function in a thread. The content is kept until the function has ended, even if the wait for it was
        cancelled.
        """
        waiter: Waiter[Result] = Waiter[Result]().begun_here()

        def end(result: Any) -> None:
            nonlocal waiter
            self._spool.__exit__(None, None, None)
            if not waiter.called:  # otherwise the wait was cancelled
                waiter.callback(result)  # a Failure makes it fail
            del waiter  # so that a failure which no code awaits is reported
            if settle is not None:
                settle()

        try:
            self._spool.__enter__()
        except HandlerError as error:
            return failed(error)
        settle = begin_operation()
        made = waiter
        call_in_thread(function).addBoth(end)
        return made

    # For models of pydantic

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.is_instance_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "format": "binary"}


class _Window(RawIOBase):
    """A file that reads a part of a spool."""

    def __init__(self, spool: Spool, start: int, size: int) -> None:
        self._spool = spool
        self._start = start
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        wanted = max(min(len(view), self._size - self._position), 0)
        data = self._spool.read(self._start + self._position, wanted)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"The position {base + offset} is negative. Give 0 or more.")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position


def _parts(spool: Spool, start: int, size: int) -> Iterator[bytes]:
    end = start + size
    while start < end:
        part = spool.read(start, min(_PART * 4, end - start))
        start += len(part)
        yield part
