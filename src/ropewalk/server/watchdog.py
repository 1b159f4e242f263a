"""The watchdog of the event loop: it reports which code blocks the reactor, while this code still runs.

A thread asks the reactor from time to time to call a function. The call is late if other code blocks the reactor. Then
the thread looks at the frames of the reactor's thread, twice within the limit. If the event loop makes the same call
for as long as the limit, the thread reports the call, with the line that runs now. When the reactor has called the
function, the thread reports the duration.

A sequence of many short calls is therefore not reported. Time in which the process does not run, because it was stopped
by a signal or gets no CPU time, is not reported either. The thread notices it because it wakes up late itself, and the
process has used no CPU time meanwhile.
"""

import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread, get_ident
from time import monotonic, process_time
from types import FrameType
from typing import Any, Final

from twisted.logger import Logger

from ropewalk.app import App
from ropewalk.errors import CATALOGUE
from ropewalk.server.blocking_code import BlockingCode, blocking_code, called_frames

MOST_REPORTS: Final = 10
"""The maximum number of blocks that are reported in a minute."""
MINUTE: Final = 60.0

log = Logger(namespace="ropewalk.server")


def _frame_of(ident: int) -> FrameType | None:
    return sys._current_frames().get(ident)  # noqa: SLF001 - the documented name


@dataclass(frozen=True, kw_only=True)
class System:
    """The functions of the system that the watchdog calls. Tests replace them."""

    now: Callable[[], float] = monotonic
    cpu_time: Callable[[], float] = process_time
    """The CPU time of all threads of the process, in seconds."""
    frame_of: Callable[[int], FrameType | None] = _frame_of
    """The innermost frame of a thread."""
    wait: Callable[[Event, float], object] = Event.wait
    """Waits for an event, for at most a number of seconds."""


class Watchdog:
    """Reports calls that block the reactor for longer than a number of seconds. `start_watchdog` makes it."""

    def __init__(self, reactor: Any, seconds: float, app: App | None = None, system: System = System()) -> None:
        self.has_reported = False
        """Whether the call that blocks the reactor now has been reported. Other reports of it are then left out."""
        self.is_paused = False
        """Whether nothing is reported now, because the reactor does work of the development server, not of the
        program."""
        self._reactor = reactor
        self._app = app
        self._system = system
        self._pause = seconds / 2
        self._limit = seconds
        self._thread: Thread | None = None
        self._ident = 0
        self._wake = Event()
        """Set when the reactor has called `_called_by_reactor`, and when the watchdog stops."""
        self._stopped = False
        self._called: float | None = None
        """When the reactor called `_called_by_reactor`; None while the call is outstanding."""
        self._frames: list[FrameType] = []
        """The frames at the call of `start`. Those of the event loop exist as long as the reactor runs, so
        `called_frames` can tell them from the frames of the code that the loop calls."""
        self._reports: deque[float] = deque(maxlen=MOST_REPORTS)
        self._unreported = 0

    def start(self) -> None:
        """Begin to watch the thread in which this is called: the thread of the running reactor."""
        self._ident = get_ident()
        frame: FrameType | None = sys._getframe()  # noqa: SLF001 - the documented name
        while frame is not None:
            self._frames.append(frame)
            frame = frame.f_back
        self._thread = Thread(target=self._watch, name="ropewalk watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._frames = []

    def _watch(self) -> None:
        while not self._stopped:
            self.watch_once()
            self._called = None
            self._wait()

    def watch_once(self) -> None:
        """Ask the reactor to make one call, and report the code that blocks the reactor until it makes this call."""
        self._called = None
        since = self._system.now()
        self._reactor.callFromThread(self._called_by_reactor)
        call: FrameType | None = None
        while True:
            lost = self._wait()
            if self._is_done():
                return
            frames = None if lost else self._look()
            now = self._system.now()
            if frames is None:
                call, since = None, now
            elif frames[0] is not call:
                since = since if call is None else now
                call = frames[0]
            elif now - since >= self._limit:
                self._report(blocking_code(frames, self._app), since)
                return

    def _report(self, found: BlockingCode, since: float) -> None:
        """Report a block, wait for its end, and report how long it was."""
        now = self._system.now()
        reported = len(self._reports) < MOST_REPORTS or now - self._reports[0] >= MINUTE
        if reported:
            self._reports.append(now)
            self.has_reported = True
            more = f" {self._unreported} more blocks were not reported." if self._unreported else ""
            self._unreported = 0
            log.warn(
                "{code} {who} has blocked the reactor for {seconds:.2f} s, and now runs {where}. {remedy}{more}",
                code="RW306",
                who=found.who,
                seconds=now - since,
                where=found.where,
                remedy=CATALOGUE["RW306"].remedy,
                more=more,
            )
        else:
            self._unreported += 1
        lost = 0.0
        while not self._is_done():
            lost += self._wait()
        if reported and self._called is not None:
            seconds = self._called - since - lost
            log.warn(
                "{code} {who} blocked the reactor for {seconds:.2f} s.", code="RW306", who=found.who, seconds=seconds
            )

    def _wait(self) -> float:
        """Wait for half of the limit, or until the reactor makes the call.

        Return the number of seconds in which the process did not run; 0 if it ran. A thread that cannot run because
        another thread does not release the interpreter's lock wakes up late, too, but then the process uses CPU time.
        """
        self._wake.clear()
        if self._is_done():  # the event may have been set just before it was cleared
            return 0.0
        before, cpu_before = self._system.now(), self._system.cpu_time()
        self._system.wait(self._wake, self._pause)
        late = self._system.now() - before - self._pause
        used = self._system.cpu_time() - cpu_before
        return late if late > self._limit and used < late / 2 else 0.0

    def _is_done(self) -> bool:
        return self._stopped or self._called is not None

    def _look(self) -> list[FrameType] | None:
        """The frames of the call that the event loop is making; None if it is idle, or if the watchdog is paused."""
        if self.is_paused:
            return None
        return called_frames(self._system.frame_of(self._ident), self._frames) or None

    def _called_by_reactor(self) -> None:
        """Called by the reactor in its thread."""
        self.has_reported = False
        self._called = self._system.now()
        self._wake.set()


def start_watchdog(reactor: Any, seconds: float, app: App | None = None) -> Watchdog:
    """Report calls that block a reactor for longer than a number of seconds, from its start to its stop.

    With an app, the routes of its handlers are named.
    """
    watchdog = Watchdog(reactor, seconds, app)
    # `callFromThread`, because an asyncio reactor runs `callWhenRunning` functions before its loop runs.
    reactor.callWhenRunning(reactor.callFromThread, watchdog.start)
    reactor.addSystemEventTrigger("after", "shutdown", watchdog.stop)
    return watchdog
