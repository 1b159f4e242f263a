"""`HotFiles`: keeps the content of small files in memory, and notices when they change."""

import os
from time import time
from typing import Final

from ropewalk.open_files import OpenFile, Version, version_of

LARGEST: Final = 64 * 1024
"""The size in bytes of the largest file that is kept. Larger ones go from the kernel to the socket without a copy."""
_SETTLED: Final = 2
"""A file is kept if it was last changed at least so many seconds ago. Two changes of one file may have the same time:
that of some file systems has seconds, and that of others is as coarse as the timer of the kernel, a few
milliseconds."""

_Identity = tuple[int, Version]


class KeptFile(OpenFile):
    """A file whose content is in memory."""

    __slots__ = ("_tag",)

    def __init__(self, content: bytes, file: OpenFile) -> None:
        self.fd = -1
        self.data = content
        self.modified = file.modified
        self.offset = 0
        self.size = len(content)
        self.is_tagged = True
        self.version = file.version
        self._tag = file.tag

    @property
    def tag(self) -> str:
        return self._tag


class HotFiles:
    """The files that were requested last, up to a total size in bytes.

    Each use checks with one system call that the file at the path is still the same and has not changed: its device,
    inode, size, and the times of the last change of its content and of its status.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._kept: dict[str, tuple[_Identity, KeptFile]] = {}
        """The files by path. The one whose last use is the longest ago is the first."""

    def find(self, path: str) -> KeptFile | None:
        """The file at an absolute path; None if it is not kept, or has changed."""
        found = self._kept.pop(path, None)
        if found is None:
            return None
        identity, file = found
        try:
            same = _identity(os.lstat(path)) == identity
        except (OSError, ValueError):
            same = False
        if not same:
            self._size -= file.size
            return None
        self._kept[path] = found
        return KeptFile(file.data or b"", file)  # a middleware may change `is_tagged` of this one

    def keep(self, path: str, file: OpenFile, status: os.stat_result) -> OpenFile:
        """Keep a file that was just opened, if it is small and not changing.

        Return the file with its content, or else `file`.
        """
        if file.size > min(LARGEST, self._limit) or max(status.st_mtime, status.st_ctime) > time() - _SETTLED:
            return file
        content = os.pread(file.fd, file.size + 1, 0)
        identity = _identity(status)
        if len(content) != file.size or _identity(os.fstat(file.fd)) != identity:
            return file  # it is being changed
        kept = KeptFile(content, file)
        former = self._kept.pop(path, None)
        self._kept[path] = identity, kept
        self._size += kept.size - (0 if former is None else former[1].size)
        while self._size > self._limit:
            oldest = next(iter(self._kept))
            self._size -= self._kept.pop(oldest)[1].size
        return KeptFile(content, kept)


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, version_of(status)
