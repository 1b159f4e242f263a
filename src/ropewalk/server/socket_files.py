"""The files of UNIX sockets on which ports of Twisted's listen.

Twisted removes what is at the port's path when the port closes, even where that is a successor's socket by then, and
leaves the port open where nothing is there.
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
"""The attribute of a port that holds its `_SocketFile`."""

_Identity = tuple[int, int]


def leave_to_others(port: Any) -> None:
    """Have a port of Twisted's leave an inherited socket as it is when it closes: listening, and with its file.

    The process that has made the socket, such as systemd, may listen on, or hand it to a successor. Twisted would shut
    down a UNIX socket for all of them, and remove its file.
    """
    if isinstance(port, unix.Port):
        port._shouldShutdown = False  # noqa: SLF001 - as tcp.Port has it for an inherited socket
        _look_after(port, inherited=True)


def remove_only_own_file(port: Any, maker: int | None = None) -> None:
    """Have a listening UNIX port of Twisted's remove its file only if it is still the one that the port has made.

    Other ports, and those of which this has been asked already, are left as they are. `maker` is the process that has
    opened the port, where that may be another one than this.
    """
    _look_after(port, inherited=False, maker=maker)


def share(port: Any, children: ServingChildren | None = None) -> None:
    """Have a port of Twisted's leave its socket to the other processes that accept on it, when it closes.

    Twisted would shut it down, for all of them. With `children`, it still does where none of these serves by then.
    """
    if isinstance(port, tcp.Port) and port._shouldShutdown:  # noqa: SLF001 - False for an inherited socket
        port._shouldShutdown = children is not None and _Unserved(children)  # type: ignore[assignment]  # noqa: SLF001


def _look_after(port: Any, *, inherited: bool, maker: int | None = None) -> None:
    if type(port) is not unix.Port or not in_filesystem(bind_path(port)):
        return
    known: _SocketFile | None = vars(port).get(_OWN)
    if known is None:
        port.connectionLost = _closing(port)  # type: ignore[method-assign]
    elif known.socket is port.socket:
        return
    setattr(port, _OWN, _SocketFile(port, inherited, maker or os.getpid()))


class _Unserved:
    """True as long as no child serves. Twisted asks it when it closes the socket."""

    def __init__(self, children: ServingChildren) -> None:
        self._children = children

    def __bool__(self) -> bool:
        return not self._children


class _SocketFile:
    """What a port has made at its path, by device and inode. The kernel keeps these while the socket is open."""

    def __init__(self, port: Any, inherited: bool, maker: int) -> None:
        path = Path(os.fsdecode(bind_path(port)))
        self.socket = port.socket
        self._path = path.parent.resolve() / path.name
        if port.lockFile is not None:  # the working directory may change before it is unlocked
            port.lockFile.name = os.fsencode(self._path) + b".lock"
        self._process = maker
        self._identity = None if inherited else _identity(self._path)

    def remove(self) -> None:
        """Remove it, if it is there, and this is no forked copy of a process that has made it and lives on."""
        if self._identity is not None and self._is_ours() and _identity(self._path) == self._identity:
            with suppress(FileNotFoundError):
                self._path.unlink()

    def unlock(self, port: Any) -> None:
        """Let others have the port's lock file, where it has one and this process has made it."""
        if port.lockFile is not None and self._process == os.getpid():
            port.lockFile.unlock()

    def _is_ours(self) -> bool:
        if self._process == os.getpid():
            return True
        try:
            os.kill(self._process, 0)
        except ProcessLookupError:  # as after a program has become a daemon
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
    """None where there is no socket."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISSOCK(found.st_mode) else None
