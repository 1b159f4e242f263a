"""Sockets that systemd passes to the process (socket activation), according to sd_listen_fds(3).

`LISTEN_PID` is the id of the process for which the sockets are meant. `LISTEN_FDS` is the number of sockets, whose
descriptors begin with 3. `LISTEN_FDNAMES` is optional and has the names of the sockets, separated by colons; several
sockets may have the same name.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ropewalk.twisted_private import SystemdParser

FIRST: Final = 3
"""The descriptor of the first socket."""

VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


class NotActivated(ValueError):
    """systemd has not passed the requested socket. The text of the exception gives the reason."""


@dataclass(frozen=True, slots=True)
class ActivatedSocket:
    """A socket that systemd has passed to this process."""

    descriptor: int
    name: str | None
    """The socket's name; None if systemd has not given it a name."""


def activated_sockets() -> list[ActivatedSocket]:
    """All sockets that systemd passed to this process. Raises NotActivated if there are none.

    The variables are removed from the environment and the descriptors are made non-inheritable, so that child processes
    do not use them.
    """
    twisted = SystemdParser._sddaemon  # noqa: SLF001 - Twisted has already removed the variables from the environment
    descriptors = twisted.inheritedDescriptors()
    names: list[str] | None = list(twisted._names)  # noqa: SLF001 - the public method loses names that several sockets share
    if not descriptors:
        descriptors, names = _parse(_environment())
    for variable in VARIABLES:
        os.environ.pop(variable, None)
    for descriptor in descriptors:
        with suppress(OSError):  # a closed descriptor is reported later, when the listener is opened
            os.set_inheritable(descriptor, False)
    if not names:
        return [ActivatedSocket(descriptor, None) for descriptor in descriptors]
    return [ActivatedSocket(descriptor, name) for descriptor, name in zip(descriptors, names, strict=True)]


def _environment() -> Mapping[str, str]:
    """The environment at the start of the process, because Twisted removes systemd's variables even if it does not use
    them."""
    if "LISTEN_PID" in os.environ:
        return os.environ
    try:
        block = Path("/proc/self/environ").read_bytes()
    except OSError:
        return os.environ
    pairs = (os.fsdecode(each).partition("=") for each in block.split(b"\0"))
    return {name: value for name, _, value in pairs}


def _parse(environ: Mapping[str, str]) -> tuple[list[int], list[str] | None]:
    process, count, names = map(environ.get, VARIABLES)
    if process is None or count is None:
        unset = [name for name, value in zip(VARIABLES, (process, count), strict=False) if value is None]
        verb = "is" if len(unset) == 1 else "are"
        raise NotActivated(f"systemd has passed no sockets ({' and '.join(unset)} {verb} not set)")
    if process != str(os.getpid()):
        raise NotActivated(
            f"the sockets of systemd are meant for process {process} (LISTEN_PID), and this is {os.getpid()}: start "
            "this program without a shell or another program in between, or make that program use exec"
        )
    if not count.isdecimal() or count == "0":
        raise NotActivated(f"LISTEN_FDS must be the number of sockets, not {count!r}")
    descriptors = list(range(FIRST, FIRST + int(count)))
    if not names:
        return descriptors, None
    named = names.split(":")
    if len(named) != len(descriptors):
        raise NotActivated(f"LISTEN_FDS says {len(descriptors)} sockets, and LISTEN_FDNAMES has {len(named)} names")
    return descriptors, named
