"""Opens descriptors 0 to 2 in a process that was started without them, by `>&-` or by some supervisors."""

import os
import sys
from typing import Final

_STREAMS: Final = (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_WRONLY, "w"), ("stderr", os.O_WRONLY, "w"))


def reserve_standard_streams() -> None:
    """Open the null device where a standard stream is closed, as descriptor and as the object in `sys`.

    Otherwise a socket or a file that is opened later gets the free number, and output meant for the standard error,
    also from a C library, goes to a client or into a file. A number that is in use, such as that of an inherited
    socket, is left alone.
    """
    for number, (name, flags, mode) in enumerate(_STREAMS):
        if not _is_open(number):
            # The lower numbers are open, so the system returns the lowest closed one.
            os.set_inheritable(os.open(os.devnull, flags), True)
            descriptor = number
        elif getattr(sys, name) is None:
            descriptor = os.open(os.devnull, flags | os.O_CLOEXEC)
        else:
            continue
        if getattr(sys, name) is None:
            stream = open(  # noqa: SIM115 - it stays open until the process ends
                descriptor, mode, encoding="utf-8", errors="backslashreplace", closefd=False
            )
            setattr(sys, name, stream)
            if getattr(sys, f"__{name}__") is None:
                setattr(sys, f"__{name}__", stream)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
