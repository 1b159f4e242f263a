"""A worker process of `ropewalk dev`, as the supervisor sees it."""

import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ropewalk.dev.messages import MessageSocket


class Worker:
    """A process that has imported Ropewalk, and waits for the order to load and serve the program.

    `command` starts the process, with the descriptor of its message socket as the last argument. `descriptors` are
    those of the listening sockets, which the process inherits.
    """

    def __init__(self, command: Sequence[str], descriptors: Sequence[int]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(  # the standard input is inherited, so that a debugger works in a handler
                [*command, str(theirs.fileno())], pass_fds=[theirs.fileno(), *descriptors]
            )
        self.messages = MessageSocket(ours)
        self.is_waiting = False
        """Whether the worker has said that it waits for the order."""
        self.since: float | None = None
        """When the worker got the order, on the supervisor's clock; None before."""
        self.deadline: float | None = None
        """When the worker is killed, unless it has ended by then. None while the worker need not end."""
        self.asked_where = False
        """Whether the supervisor has sent `where`."""
        self.is_broken = False
        """Whether the worker serves only the page with an error."""
        self.pages_are_cached = True

    def send(self, kind: str, **values: Any) -> None:
        """Send a message to the worker."""
        self.messages.send(kind, **values)

    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while the process runs."""
        return self.process.poll()

    def kill(self) -> None:
        """Kill the process, and wait for its end."""
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Close the message socket. If the process still runs, it then stops by itself."""
        self.messages.close()


def ending(code: int) -> str:
    """How a process has ended: `exited with status 3`, `was killed by SIGKILL`."""
    if code >= 0:
        return f"exited with status {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def changed_names(paths: Sequence[str]) -> str:
    """Changed files, for a message: two names, and how many more."""
    names = [os.path.relpath(path) for path in sorted(paths)]
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(names[:2]) + more
