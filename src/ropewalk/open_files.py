"""Files that are open to be sent, and what the system says of paths that a client chose."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ELOOP, ENAMETOOLONG, ENODEV, ENOENT, ENOTDIR, ENXIO, ESTALE
from pathlib import Path
from typing import Final

from ropewalk.errors import HTTPError

_ABSENT: Final = frozenset(
    (
        *(ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG),
        *(ENXIO, ENODEV),  # a socket, or a device without a driver
        ESTALE,  # gone from the server of a network file system
    )
)
"""What the system says of paths at which there is no file."""


class OpenFile:
    """A regular file that is open for reading, or a part of it.

    `offset` and `size` (bytes) say what is sent, `modified` is the time of the last change (seconds).
    """

    __slots__ = ("fd", "modified", "offset", "size")

    def __init__(self, fd: int, offset: int = 0, size: int | None = None) -> None:
        """Takes over the descriptor. Raises HTTPError 404 where it is not that of a regular file."""
        self.fd = fd  # from here on it is closed with this object
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise HTTPError(404)
        self.offset = offset
        self.size = status.st_size - offset if size is None else size
        self.modified = status.st_mtime

    def __del__(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def open_file(path: Path | str, *, flags: int = 0, folder: int | None = None) -> OpenFile:
    """Open a file to be sent, relative to the descriptor of a folder where given. Raises HTTPError 404 or 403."""
    with answering_os_errors():
        return OpenFile(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags, dir_fd=folder))


@contextmanager
def answering_os_errors() -> Iterator[None]:
    """What the system says of a path that a client chose, as an HTTPError: 404, or 403 where access is denied."""
    try:
        yield
    except PermissionError:
        raise HTTPError(403) from None
    except ValueError:  # a NUL, or a lone surrogate
        raise HTTPError(404) from None
    except OSError as error:
        if error.errno in _ABSENT:
            raise HTTPError(404) from None
        raise
