"""Make the error RW502, with its remedy, for a socket that cannot be opened, for example because its port is in use."""

import errno
from typing import Final

from ropewalk.errors import EngineError
from ropewalk.server.endpoint_descriptions import Inherited, ParsedEndpoint, Tcp, Unix

_TCP_REMEDIES: Final = {
    errno.EACCES: "Choose a port from 1024 on, let systemd open it, or grant CAP_NET_BIND_SERVICE.",
    errno.EADDRNOTAVAIL: "Use an address of this machine: 127.0.0.1 for local clients, 0.0.0.0 or :: for all of them.",
    errno.EAFNOSUPPORT: "This machine has no addresses of that family. Use an address of the other family.",
}
_UNIX_REMEDIES: Final[dict[int | None, str]] = {
    None: "Choose another path, or remove the file if it is not needed any more.",
    errno.EADDRINUSE: "Stop the program that listens there, or choose another path.",
    errno.EACCES: "Choose a directory in which the user of this process may create files.",
    errno.EROFS: "Choose a directory in which files can be created.",
    errno.ENOENT: "Create the directory first.",
    errno.ENOTDIR: "Use a path whose parent is a directory.",
    errno.ENAMETOOLONG: "Choose a shorter path: a UNIX socket's path has at most 107 bytes.",
}


def cannot_listen(description: str, endpoint: ParsedEndpoint, error: OSError) -> EngineError:
    """The error (RW502) for an endpoint that the operating system refuses to open."""
    reason = error.strerror or str(error)
    return EngineError("RW502", f"{description} cannot be listened on: {reason}.", _remedy(endpoint, error))


def _remedy(endpoint: ParsedEndpoint, error: OSError) -> str | None:
    """The remedy for an endpoint that cannot be opened. None for the default remedy of RW502."""
    match endpoint:
        case Inherited():
            return "Use a descriptor that is a listening stream socket, and that the parent process keeps open."
        case Unix():
            return _UNIX_REMEDIES.get(error.errno)
        case Tcp(host=host):
            if error.errno is None:  # an error of the name resolver has no errno
                return f"Check the name {host}, or use a numeric address."
            return _TCP_REMEDIES.get(error.errno)
