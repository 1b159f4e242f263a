"""The files of UNIX sockets on which Twisted ports listen.

When a port closes, Twisted removes the file at its path, even if another process has put its own socket there. If the
file does not exist, Twisted raises an error and leaves the port open. The functions here prevent both.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from twisted.internet import tcp, unix
from twisted.python.failure import Failure

from ropewalk.forks import ServingChildren
from ropewalk.twisted_private import bind_path, in_filesystem

_OWN: Final = "_ropewalk_socket_file"
"""The name of the attribute in which a port holds its `_SocketFile`."""

_Identity = tuple[int, int]


def leave_to_others(port: Any) -> None:
    """Make a Twisted port leave an inherited socket open, and keep its file, when the port closes.

    The process that created the socket, such as systemd, may continue to listen, or pass the socket to another process.
    Without this, Twisted would shut down a UNIX socket for all processes and remove its file.
    """
    if isinstance(port, unix.Port):
        port._shouldShutdown = False  # noqa: SLF001 - tcp.Port sets this for an inherited socket, but unix.Port does not
        _protect(port, inherited=True)


def remove_only_own_file(port: Any, maker: int | None = None) -> None:
    """Make a listening UNIX port of Twisted remove its file only if the port itself has created that file.

    This does nothing for other ports, or if it was already called for the port. `maker` is the id of the process that
    opened the port, by default this process.
    """
    _protect(port, inherited=False, maker=maker)


def share(port: Any, children: ServingChildren | None = None) -> None:
    """Make a Twisted port leave its socket open for other processes when the port closes.

    Without this, Twisted would shut down the socket for all processes. With `children`, Twisted still shuts down the
    socket if no child serves by then.
    """
    if isinstance(port, tcp.Port) and port._shouldShutdown:  # noqa: SLF001 - False for an inherited socket
        port._shouldShutdown = children is not None and _Unserved(children)  # type: ignore[assignment]  # noqa: SLF001


def _protect(port: Any, *, inherited: bool, maker: int | None = None) -> None:
    if type(port) is not unix.Port or not in_filesystem(bind_path(port)):
        return
    known: _SocketFile | None = vars(port).get(_OWN)
    if known is None:
        port.connectionLost = _closing(port)  # type: ignore[method-assign]
    elif known.socket is port.socket:
        return
    setattr(port, _OWN, _SocketFile(port, inherited, maker or os.getpid()))


class _Unserved:
    """An object that is true as long as no child serves. Twisted evaluates it when it closes the socket."""

    def __init__(self, children: ServingChildren) -> None:
        self._children = children

    def __bool__(self) -> bool:
        return not self._children


class _SocketFile:
    """The file that a port has created, identified by device and inode.

    The kernel does not reuse these numbers while the socket is open.
    """

    def __init__(self, port: Any, inherited: bool, maker: int) -> None:
        path = Path(os.fsdecode(bind_path(port)))
        self.socket = port.socket
        self._path = path.parent.resolve() / path.name
        if port.lockFile is not None:  # absolute, because the working directory may change before `unlock`
            port.lockFile.name = os.fsencode(self._path) + b".lock"
        self._process = maker
        self._identity = None if inherited else _identity(self._path)

    def remove(self) -> None:
        """Remove the file if it still is the one that the port has created. A forked process keeps it as long as the
        process that created it runs."""
        if self._identity is not None and self._may_remove() and _identity(self._path) == self._identity:
            with suppress(FileNotFoundError):
                self._path.unlink()

    def unlock(self, port: Any) -> None:
        """Release the port's lock file if there is one and this process has created it."""
        if port.lockFile is not None and self._process == os.getpid():
            port.lockFile.unlock()

    def _may_remove(self) -> bool:
        if self._process == os.getpid():
            return True
        try:
            os.kill(self._process, 0)
        except ProcessLookupError:  # the creator has ended, for example because the process has become a daemon
            return True
        except PermissionError:
            pass
        return False


def _closing(port: Any) -> Any:
    def connectionLost(reason: Failure) -> None:
        own: _SocketFile = getattr(port, _OWN)
        try:
            own.remove()
            own.unlock(port)
        finally:
            tcp.Port.connectionLost(port, reason)

    return connectionLost


def _identity(path: Path) -> _Identity | None:
    """The device and inode of the socket at a path. None if there is no socket."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISSOCK(found.st_mode) else None
