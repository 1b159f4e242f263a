"""`ServedFolder`: opens files below a folder, and never outside of it."""

import os
import stat
from errno import ENOTDIR
from pathlib import Path
from typing import Final

from ropewalk._engine import open_beneath
from ropewalk.files.hot_files import HotFiles, KeptFile
from ropewalk.open_files import OpenFile

_FOLDER: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC


class ServedFolder:
    """A folder whose files are served. It stays open, so that one system call opens a file below it.

    The folder itself may be a symbolic link, and may be replaced: each use checks which folder is at the path. `memory`
    is how many bytes of small files are kept in memory.
    """

    def __init__(self, path: Path, memory: int = 0) -> None:
        self._hot = HotFiles(memory)
        self._path = str(path)
        self._fd = -1
        self._identity = (-1, -1)

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            os.close(self._fd)

    def find(self, path: str) -> KeptFile | None:
        """The file at a path, if its content is in memory and has not changed; otherwise None."""
        return self._hot.find(f"{self._path}/{path}")

    def keep(self, path: str, file: OpenFile, status: os.stat_result) -> OpenFile:
        """Keep the content of a small file in memory. Return the file to send."""
        return self._hot.keep(f"{self._path}/{path}", file, status)

    def open(self, path: str) -> int:
        """Open a file or folder for reading, and return its descriptor, which the caller closes.

        `path` is relative, without `.` and `..`. Symbolic links below the folder are not followed. Raises OSError, or
        ValueError for a path that no file can have.
        """
        return open_beneath(self.descriptor(), os.fsencode(path))

    def open_folder(self, path: str) -> int:
        """Open a folder like `open`. The path "" is the served folder itself. Raises OSError."""
        opened = self.open(path) if path else os.open(".", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.descriptor())
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            os.close(opened)
            raise NotADirectoryError(ENOTDIR, "not a folder", path)
        return opened

    def descriptor(self) -> int:
        """The descriptor of the folder itself, which stays open. Raises OSError if there is no folder at the path."""
        status = os.stat(self._path)  # noqa: PTH116 - faster than the method of Path
        if (status.st_dev, status.st_ino) != self._identity:
            self._reopen()
        return self._fd

    def _reopen(self) -> None:
        opened = os.open(self._path, _FOLDER)
        status = os.fstat(opened)
        former, self._fd = self._fd, opened
        self._identity = status.st_dev, status.st_ino
        if former >= 0:
            os.close(former)
