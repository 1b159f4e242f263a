"""Open the descriptors 0 to 2 in a process that was started without them, for example with `>&-` in a shell or by a
supervisor."""

import os
import sys
from typing import Final

_STREAMS: Final = (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_WRONLY, "w"), ("stderr", os.O_WRONLY, "w"))


def reserve_standard_streams() -> None:
    """Replace each closed standard stream with the null device, both its descriptor and its object in `sys`. Otherwise
    a socket or file that is opened later would get the number of the closed descriptor. Output meant for the standard
    error, also from a C library, would then go to a client or into a file. A descriptor that is open, for example
    because it is an inherited socket, is not replaced.
    """
    for number, (name, flags, mode) in enumerate(_STREAMS):
        if not _is_open(number):
            # `os.open` returns `number`, which is the lowest free descriptor, because all lower ones are open.
            os.set_inheritable(os.open(os.devnull, flags), True)
            descriptor = number
        elif getattr(sys, name) is None:
            descriptor = os.open(os.devnull, flags | os.O_CLOEXEC)
        else:
            continue
        if getattr(sys, name) is None:
            stream = open(  # noqa: SIM115 - stays open until the process ends
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
