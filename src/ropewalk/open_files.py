"""Open files to send, and convert file system errors to responses."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ELOOP, ENAMETOOLONG, ENODEV, ENOENT, ENOTDIR, ENXIO, ESTALE
from pathlib import Path
from typing import Final

from ropewalk.errors import HTTPError
from ropewalk.etags import digest_tag

_ABSENT: Final = frozenset(
    (
        *(ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG),
        *(ENXIO, ENODEV),  # the path names a socket, or a device without a driver
        ESTALE,  # a file that was deleted on the server of a network file system
    )
)
"""Errors of the operating system that mean there is no file at a path."""


Version = tuple[int, int, int, int]
"""What tells whether a file has changed: the time of the last change of its content (nanoseconds), its size and inode,
and the time of the last change of its status."""


def version_of(status: os.stat_result) -> Version:
    """The version of a file.

    The time of the status is needed because a program can set the other time: builds give all files one time, and a
    file that replaces another may get its inode.
    """
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns


class OpenFile:
    """A regular file that is open for reading, and the part of it to send.

    `offset` and `size` (bytes) select the part; `modified` is the time of the last change (seconds since 1970).
    `is_tagged` is whether the file is sent with an ETag. `data` is the content, if it is in memory; then `fd` is -1.
    """

    __slots__ = ("data", "fd", "is_tagged", "modified", "offset", "size", "version")

    def __init__(
        self, fd: int, offset: int = 0, size: int | None = None, *, status: os.stat_result | None = None
    ) -> None:
        """Take ownership of a file descriptor, whose status may be known.

        Raises HTTPError 404 if it does not belong to a regular file.
        """
        self.fd = fd  # from now on, this object closes the descriptor
        if status is None:
            status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise HTTPError(404)
        self.offset = offset
        self.size = status.st_size - offset if size is None else size
        self.modified = status.st_mtime
        self.data: bytes | None = None
        self.is_tagged = True
        self.version = version_of(status)

    @property
    def tag(self) -> str:
        """The strong entity tag of the part: a hash of the version of the file, and of the position of the part."""
        return digest_tag(repr((self.version, self.offset, self.size)).encode("ascii"))

    def read(self, start: int, count: int) -> bytes:
        """Read up to `count` bytes of the part, from `start` on. Empty at the end of the file."""
        if self.data is not None:
            return self.data[self.offset + start : self.offset + start + count]
        return os.pread(self.fd, count, self.offset + start)

    def __del__(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def open_file(path: Path | str) -> OpenFile:
    """Open a file to send. Raises HTTPError 404 or 403."""
    with os_errors_as_http_errors():
        return OpenFile(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))


@contextmanager
def os_errors_as_http_errors() -> Iterator[None]:
    """Convert file system errors to HTTPError: 403 if access is denied, 404 if there is no file."""
    try:
        yield
    except PermissionError:
        raise HTTPError(403) from None
    except ValueError:  # the path contains a NUL or a lone surrogate
        raise HTTPError(404) from None
    except OSError as error:
        if error.errno in _ABSENT:
            raise HTTPError(404) from None
        raise
