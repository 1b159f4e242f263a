"""Measures how long the server keeps each connection, by reading the server's sockets with ss(8).

The attackers cannot measure this: a client that leaves a response unread does not see that its connection has ended.
"""

import re
import subprocess
import threading
import time
from types import TracebackType
from typing import Final, Self

from benchmarks.attacks.target import HOST

INTERVAL: Final = 0.5
"""Seconds between two readings, which is the precision of every lifetime."""
NOT_CLOSED: Final = ("ESTAB", "CLOSE-WAIT")
COOKIE: Final = re.compile(r"\bsk:(\w+)")
"""The kernel's cookie of a socket identifies a connection. A port does not: another connection may soon use it."""
HELD: Final = re.compile(r"[(,][rfw](\d+)")
"""The fields of ss's skmem: received, reserved, and to be sent."""


class Lifetimes:
    """A thread that observes the attackers' connections that the server has not closed."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.open = 0
        self.most = 0
        """The most connections at the same time."""
        self.longest = 0.0
        """The lifetimes in seconds, of closed and of open connections."""
        self.kernel_bytes = 0
        """The most memory that the kernel held for the server's sockets, including closed ones with unsent data."""
        self._since: dict[str, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lifetimes")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(INTERVAL):
            self._look()

    def _look(self) -> None:
        names, kernel_bytes = look(self.port)
        now = time.monotonic()
        self._since = {name: self._since.get(name, now) for name in names}
        self.open = len(names)
        self.most = max(self.most, self.open)
        self.longest = max(self.longest, now - min(self._since.values(), default=now))
        self.kernel_bytes = max(self.kernel_bytes, kernel_bytes)


def look(port: int) -> tuple[list[str], int]:
    """Return the cookies of the attackers' connections, and the kernel's memory for all connections of the server."""
    command = ["nice", "ss", "--no-header", "--numeric", "--tcp", "--memory", "--extended", "--oneline"]
    shown = subprocess.run([*command, f"( sport = :{port} )"], capture_output=True, text=True, check=True)
    names, held = [], 0
    for line in shown.stdout.splitlines():
        state, _, _, _, peer, rest = line.split(maxsplit=5)
        if state in NOT_CLOSED and peer.startswith(f"{HOST}:"):
            names.append(COOKIE.findall(rest)[0])
        held += sum(map(int, HELD.findall(rest)))
    return names, held
