"""`wsgi.file_wrapper` (PEP 3333, "Optional Platform-Specific File Handling")."""

import os
import stat
from io import BufferedRandom, BufferedReader, FileIO
from typing import Any, Final

from ropewalk.open_files import OpenFile

_PLAIN: Final = (BufferedReader, BufferedRandom, FileIO)
"""The types that read the bytes of a file unchanged. Other types, such as `gzip.GzipFile`, have a file descriptor, but
return other bytes than the file has."""


class FileWrapper:
    """An iterator over the blocks of a file, with the file's `close`.

    If the file is a regular file, the engine sends it without this iteration.
    """

    def __init__(self, filelike: Any, blksize: int = 8192) -> None:
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self) -> "FileWrapper":
        return self

    def __next__(self) -> bytes:
        block: bytes = self.filelike.read(self.blksize)
        if not block:
            raise StopIteration
        return block

    def rest(self) -> "tuple[OpenFile, int, int] | None":
        """The open file, and the offset and length of its unread part. None if the engine cannot send the file."""
        file = self.filelike
        if type(file) not in _PLAIN or type(getattr(file, "raw", file)) is not FileIO or not file.readable():
            return None
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return None
        if file.writable():
            file.flush()
        opened = OpenFile(os.dup(file.fileno()))
        offset = file.tell()
        return opened, offset, max(opened.size - offset, 0)
