"""Thousands of connections with one habit, in one process and one epoll loop."""

import errno
import os
import select
import socket
import struct
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from typing import Final

from benchmarks.attacks.habits import Habit, Parting
from benchmarks.attacks.target import HOST

NICENESS: Final = 19
SPARE_CONNECTS: Final = 64
"""The number of connects before the crowd handles events of its other connections."""
SENDS: Final = 4
"""The number of sends on one connection of a flood before the next connection is served."""
A_MOMENT: Final = 0.001
RESET: Final = struct.pack("ii", 1, 0)
ENDED: Final = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


@dataclass(slots=True)
class Tally:
    """The actions of a crowd, and their results."""

    connects: int = 0
    not_connected: int = 0
    gone: int = 0
    """Connections that the server has ended."""
    responses: Counter[str] = field(default_factory=Counter)
    """How many connections got each status in their first response."""
    bytes_sent: int = 0
    bytes_read: int = 0


@dataclass(slots=True)
class Attacker:
    socket: socket.socket
    rest: memoryview
    """The bytes of the current piece that are not sent yet."""
    drip: memoryview
    """The index of the next piece, if the habit sends piece by piece."""
    opened: bool = False
    answered: bool = False


class Crowd:
    """Connects at `rate` a second up to `size` connections, then keeps them until it is stopped."""

    def __init__(self, port: int, habit: Habit, size: int, rate: float) -> None:
        self.port = port
        self.habit = habit
        self.size = size
        self.rate = rate
        self.tally = Tally()
        self.members: dict[int, Attacker] = {}
        self.missing = size
        """Connections that are not opened yet."""
        self.budget = float("inf")
        """Bytes that may be sent before the crowd exceeds its pace."""
        self.dripping: deque[tuple[float, int, Attacker]] = deque()
        """The times at which members act next."""
        self.epoll = select.epoll()
        self.first = memoryview(habit.first)
        self.then = memoryview(habit.then)
        self.drip = memoryview(habit.drip)
        self.flood = memoryview(habit.flood)

    def run(self, stop: Pipe) -> Tally:
        """Attack until `stop` is readable."""
        began = time.monotonic()
        allowed = 0.0
        self.epoll.register(stop.fileno(), select.EPOLLIN)
        while True:
            elapsed = time.monotonic() - began
            allowed = self._connect(allowed, elapsed)
            self._keep_the_pace(elapsed)
            for number, events in self.epoll.poll(self._pause(), 512):
                if number == stop.fileno():
                    self.close()
                    return self.tally
                self._serve(number, events)
            self._drip()

    def close(self) -> None:
        """Close all connections."""
        for member in self.members.values():
            member.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            member.socket.close()
        self.members.clear()
        self.epoll.close()

    def _keep_the_pace(self, elapsed: float) -> None:
        """Sleep while the crowd exceeds its pace. A wait in epoll would end at once: the sockets are writable."""
        self.budget = self.habit.pace * elapsed - self.tally.bytes_sent
        if self.budget <= 0:
            time.sleep(A_MOMENT)

    def _pause(self) -> float:
        pause = 1.0
        if self.missing:
            pause = min(pause, max(1 / self.rate, 0.001))
        if self.dripping:
            pause = min(pause, max(self.dripping[0][0] - time.monotonic(), 0))
        return pause

    def _connect(self, already: float, elapsed: float) -> float:
        """Open the connections that are due. Returns how many were allowed so far."""
        due = min(int(elapsed * self.rate - already), self.missing, SPARE_CONNECTS)
        for _ in range(due):
            self._open()
        if due == self.missing == 0:
            return elapsed * self.rate
        return already + due

    def _open(self) -> None:
        connection = socket.socket()
        connection.setblocking(False)
        if self.habit.window is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.habit.window)
        outcome = connection.connect_ex((HOST, self.port))
        self.missing -= 1
        if outcome not in (0, errno.EINPROGRESS):
            self.tally.not_connected += 1
            connection.close()
            self.missing += self.habit.comes_back
            return
        self.tally.connects += 1
        member = Attacker(connection, self.first or self.flood, self.then or self.drip)
        self.members[connection.fileno()] = member
        self.epoll.register(connection, select.EPOLLOUT | self._interest())

    def _interest(self) -> int:
        return ENDED if self.habit.deaf else ENDED | select.EPOLLIN

    def _serve(self, number: int, events: int) -> None:
        member = self.members.get(number)
        if member is None:
            return
        if events & select.EPOLLOUT and not events & select.EPOLLERR:
            self._write(number, member)
        if number in self.members and events & (select.EPOLLIN | ENDED):
            self._read(number, member, ended=bool(events & ENDED))

    def _write(self, number: int, member: Attacker) -> None:
        for _ in range(SENDS):
            if not member.rest or self.budget <= 0:
                break
            if not self._send(number, member):
                return
            if not member.rest:
                member.rest = self.flood
        if not member.opened and (self.habit.flood or not member.rest):
            member.opened = True
            if self.habit.parting is not Parting.STAY:
                self._part(number, member)
                return
            if self.habit.drip or (self.habit.deaf and self.habit.reads):
                self.dripping.append((time.monotonic() + self.habit.interval, number, member))
        if not member.rest:
            self.epoll.modify(number, self._interest())

    def _send(self, number: int, member: Attacker) -> bool:
        try:
            count = member.socket.send(member.rest)
        except BlockingIOError:
            return False
        except OSError:
            self._lose(number, member)
            return False
        self.tally.bytes_sent += count
        self.budget -= count
        member.rest = member.rest[count:]
        return True

    def _read(self, number: int, member: Attacker, *, ended: bool) -> None:
        if self.habit.deaf and not ended:
            return
        try:
            data = member.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._note(member, data)
        if not data:
            self._lose(number, member)

    def _note(self, member: Attacker, data: bytes) -> None:
        self.tally.bytes_read += len(data)
        if not member.answered and data.startswith(b"HTTP/1.1 "):
            member.answered = True
            self.tally.responses[data[9:12].decode("ascii")] += 1

    def _drip(self) -> None:
        now = time.monotonic()
        while self.dripping and self.dripping[0][0] <= now:
            _, number, member = self.dripping.popleft()
            if self.members.get(number) is not member:
                continue
            if self.habit.deaf:
                try:
                    self._note(member, member.socket.recv(self.habit.reads))
                except BlockingIOError:
                    pass  # The response has not arrived yet.
                except OSError:
                    self._lose(number, member)
                    continue
            if self.drip:
                if not member.rest:
                    member.rest, member.drip = member.drip, self.drip
                self._send(number, member)
            if number in self.members:
                self.dripping.append((now + self.habit.interval, number, member))

    def _part(self, number: int, member: Attacker) -> None:
        if self.habit.parting is Parting.RST:
            member.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._forget(number, member)

    def _lose(self, number: int, member: Attacker) -> None:
        self.tally.gone += 1
        self._forget(number, member)

    def _forget(self, number: int, member: Attacker) -> None:
        del self.members[number]
        member.socket.close()
        self.missing += self.habit.comes_back


def attack(pipe: Pipe, port: int, habit: Habit, size: int, rate: float, core: int | None) -> None:
    """Run in a separate process: attack until the pipe is readable, then send the tally."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    os.nice(NICENESS)
    pipe.send(Crowd(port, habit, size, rate).run(pipe))
