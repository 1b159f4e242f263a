"""How long the server keeps each connection, seen from its own side by ss(8).

The attackers could not report it: a client that does not read a response does not see the end after it.
"""

import re
import subprocess
import threading
import time
from types import TracebackType
from typing import Final, Self

from benchmarks.attacks.target import HOST

INTERVAL: Final = 0.5
"""Seconds between two looks, and the precision of every lifetime."""
NOT_CLOSED: Final = ("ESTAB", "CLOSE-WAIT")
COOKIE: Final = re.compile(r"\bsk:(\w+)")
"""A port may be in use again within a moment; the kernel's cookie of a socket is never."""
HELD: Final = re.compile(r"[(,][rfw](\d+)")
"""Of ss's skmem: received, reserved, to be sent."""


class Lifetimes:
    """A thread that looks at the connections that attackers have and the server has not closed."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.open = 0
        self.most = 0
        """At the same time."""
        self.longest = 0.0
        """Seconds, of those that are gone and those that are not."""
        self.kernel_bytes = 0
        """The most that the kernel held for the server's sockets, closed ones that are not yet empty among them."""
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
    """The kernel's names for the attackers' connections, and what it holds at the server's end of all connections."""
    command = ["nice", "ss", "--no-header", "--numeric", "--tcp", "--memory", "--extended", "--oneline"]
    shown = subprocess.run([*command, f"( sport = :{port} )"], capture_output=True, text=True, check=True)
    names, held = [], 0
    for line in shown.stdout.splitlines():
        state, _, _, _, peer, rest = line.split(maxsplit=5)
        if state in NOT_CLOSED and peer.startswith(f"{HOST}:"):
            names.append(COOKIE.findall(rest)[0])
        held += sum(map(int, HELD.findall(rest)))
    return names, held
