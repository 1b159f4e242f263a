"""`wsgi.file_wrapper` (PEP 3333, "Optional Platform-Specific File Handling")."""

import os
import stat
from io import BufferedRandom, BufferedReader, FileIO
from typing import Any, Final

from ropewalk.open_files import OpenFile

_PLAIN: Final = (BufferedReader, BufferedRandom, FileIO)
"""What reads a file as it is. Others may have a descriptor too, and read what they make of it: `gzip.GzipFile` does."""


class FileWrapper:
    """An iterable of the blocks of a file, which is closed with it. One of the system's is sent without being read."""

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
        """The file, and offset and length of what has not been read of it; None where it has to be read."""
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
