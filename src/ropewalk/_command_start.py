"""Lets Ctrl+C end the command `ropewalk` without a traceback while it imports its modules.

Python's handler raises KeyboardInterrupt inside of an import, before any code of the command can catch it. Importing
this module restores SIGINT's default action, which kills the process, if the process is the command. In a program
that imports the package, nothing is changed.
"""

import os
import signal
import sys


def raise_on_interrupt() -> None:
    """Let Ctrl+C raise KeyboardInterrupt again. The command calls this when its modules are imported."""
    if _is_command() and signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_command() -> bool:
    """Whether the process was started as `ropewalk` or as `python -m ropewalk`.

    `sys.argv` is not enough: it is still incomplete under `-m`, and child processes of `multiprocessing` copy it.
    """
    name = sys.orig_argv[-len(sys.argv) :][:1]
    return bool(name) and os.path.basename(name[0]) in ("ropewalk", "-mropewalk")  # noqa: PTH119 - pathlib imports more


if _is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
