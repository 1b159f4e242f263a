"""Writes a log from its own thread, so that a slow disk or an unread pipe does not block the reactor.

The reactor cannot watch the descriptor instead: non-blocking mode would affect other processes that share the standard
streams, and poll() does not report whether a disk will block.

Lines are written whole and in order. While they cannot be written, they wait in a queue with a size limit. Lines that
exceed the limit are lost and counted. The first loss is logged at once; the number of lost lines is logged when lines
are written again, or at the end.

A child of fork() starts its own thread when it logs its first line. os._exit() discards lines that are still waiting,
like the buffers of the standard streams.
"""

import atexit
import errno
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread
from time import monotonic
from typing import Final
from weakref import WeakSet

from twisted.logger import Logger

from ropewalk.server.log_targets import POLL, LogTarget, start_of_line

log = Logger(namespace="ropewalk.log")

MOST_WAITING: Final = 16 << 20
"""The default limit of the queue, in bytes."""

RETRY: Final = 1.0
"""Seconds from a failed write to a file to the next attempt."""

FLUSH_TIMEOUT: Final = 3.0
"""The maximum number of seconds for which the process waits at its exit until lines are written. It is short, because
systemd and container engines kill a process that stops slowly."""

_GONE: Final = {errno.EPIPE, errno.EBADF, errno.ECONNRESET, errno.ENOTCONN, errno.ENXIO, errno.EIO}
"""The errors of writing to a pipe, socket or terminal that no process reads any more. For a file, errors such as EIO
may be temporary."""

_writers: "WeakSet[LogWriter]" = WeakSet()


class LogWriter:
    """Writes lines to a target. Any thread may call its methods.

    `name` is the subject of the messages about this log, such as "The access log".
    """

    def __init__(self, target: LogTarget, name: str, *, most_waiting: int = MOST_WAITING) -> None:
        self.name = name
        self.on_lost: Callable[[int], object] | None = None
        """If it is not None, a function that is called, from any thread, with the number of lines that were just
        lost."""
        self._target = target
        self._most_waiting = most_waiting
        self._stalled_at: int | None = None
        """The value of `_progress` when a wait last timed out; None if no wait has timed out."""
        self._closing = False
        self._abandoned = False
        self._direct = False
        """Whether the writer is closed and has no thread. If so, `write` itself writes to the target."""
        self._reset()
        _writers.add(self)
        atexit.register(self.close)

    def write(self, lines: bytes) -> None:
        """Queue whole lines to be written."""
        if not lines:
            return
        first = False
        with self._changed:
            if self._abandoned:
                self._lose(lines.count(b"\n"))
            elif self._waiting + len(lines) > self._most_waiting:
                first = not self._unreported
                self._lose(lines.count(b"\n"))
            else:
                self._waiting += len(lines)
                self._queue.append(lines)
                if self._direct:
                    self._write_now(FLUSH_TIMEOUT)
                else:
                    self._start()
                    self._changed.notify_all()
        if first:
            log.error("{name} is written too slowly. From now on, lines are dropped and counted.", name=self.name)

    def reopen(self) -> bool:
        """Have the thread open the file again at its path before it writes the next line. Return False if the target
        has no path."""
        if self._target.path is None:
            return False
        with self._changed:
            self._reopening = True
            self._start()
            self._changed.notify_all()
        return True

    def flush(self, seconds: float = FLUSH_TIMEOUT) -> bool:
        """Block until all lines are written, for up to `seconds`. Return whether all were written."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._waiting or self._failing, self._timeout(seconds)):
                self._stalled_at = self._progress
            return not self._waiting

    def finish(self) -> None:
        """Have the thread end after it has written the waiting lines."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def close(self, seconds: float = FLUSH_TIMEOUT) -> None:
        """Finish, and block until the thread ends.

        Lines that are not written within `seconds` are lost, which is logged.
        """
        atexit.unregister(self.close)
        self.finish()
        if self._thread is not None:
            self._thread.join(self._timeout(seconds))
        with self._changed:
            if self._direct:
                return
            self._direct = True
            if self._thread is not None and self._thread.is_alive():  # a slow disk or an unread pipe blocks the thread
                self._abandoned = True
                self._discard()
            else:
                self._write_now(seconds)
        self._report_lost()
        if not self._abandoned:
            self._target.close()

    def after_fork_in_child(self) -> None:
        """Reset the state in a forked child, because the waiting lines, the lost lines and the thread belong to the
        parent."""
        self._reset()

    def _reset(self) -> None:
        """Initialize the state that belongs to one process and its thread."""
        self.lost = 0
        """The number of lines that will never be written."""
        self._changed = Condition()
        self._queue: deque[bytes] = deque()
        self._batch = b""
        """The lines that are being written. The bytes from `_position` on are not yet written."""
        self._position = 0
        self._waiting = 0
        """The number of bytes in the queue and the batch that are not yet written."""
        self._unreported = 0
        self._failing = False
        """Whether a failure was logged, and nothing has been written since."""
        self._misplaced = False
        """Whether a failure to open the file again was logged."""
        self._progress = 0
        """The number of attempts that have written at least one byte."""
        self._stalled_at = None
        self._reopening = False
        self._thread: Thread | None = None

    def _timeout(self, seconds: float) -> float:
        """The seconds to wait. They are 0 if a wait has timed out and nothing has been written since, so that the
        process waits only once at its exit."""
        return 0 if self._stalled_at == self._progress else seconds

    def _start(self) -> None:
        if not self._direct and (self._thread is None or not self._thread.is_alive()):
            thread = Thread(target=self._run, name=f"ropewalk: {self.name}", daemon=True)
            with suppress(RuntimeError):  # the thread limit is reached; the next `write` or `close` tries again
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        while self._wait():
            self._attempt()

    def _wait(self) -> bool:
        """Wait for lines to write. Return False if the writer is closed and no more lines will come."""
        with self._changed:
            while True:
                if self._abandoned:
                    return False
                if self._reopening:
                    self._reopening = False
                    break
                if self._take():
                    return True
                if self._closing:
                    return False
                self._changed.wait()
        if self._reopen(asked=True):
            log.info("{name} is opened again.", name=self.name)
        return self._wait()

    def _take(self) -> bool:
        """Take the next batch if the last one is written. Return whether there are lines to write."""
        if self._position == len(self._batch):
            self._batch = b"".join(self._queue)
            self._position = 0
            self._queue.clear()
        return bool(self._batch)

    def _attempt(self) -> bool:
        """Try once to write the batch. Return False if this failed, and an immediate second attempt would fail, too."""
        batch, position = self._batch, self._position
        if not position and self._target.moved():
            self._reopen()
        try:
            reached = self._target.write(batch, position)
        except BlockingIOError:  # another process that shares the pipe has filled it
            self._pause(POLL)
            return True
        except OSError as error:
            return self._fail(error)
        with self._changed:
            if self._abandoned:
                return False
            self._waiting -= reached - position
            self._position = reached
            self._progress += reached != position
            self._changed.notify_all()
        if reached > position:
            if self._failing:
                self._failing = False
                log.info("{name} is written again.", name=self.name)
            if reached == len(batch):
                self._report_lost()
        return True

    def _fail(self, error: OSError) -> bool:
        """Log the error. Discard the waiting lines if the target has no reader any more, or if the writer is closing.
        Then pause, unless the target has no reader.

        Return True if the file was rotated and the new one is open.
        """
        if self._target.moved() and self._reopen():
            return True
        failing, self._failing = self._failing, True
        gone = not self._target.is_file and error.errno in _GONE
        if not failing:
            fate = "its lines are lost" if gone else "its lines wait, as long as there is space for them"
            log.error("{name} cannot be written: {error}; {fate}.", name=self.name, error=error, fate=fate)
        with self._changed:
            self._changed.notify_all()
            if gone or self._closing:
                self._discard()
        self._pause(0 if gone else RETRY)
        return False

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._reopening or self._direct, seconds)

    def _reopen(self, *, asked: bool = False) -> bool:
        """Open the file again. If a line was cut off in the old file, the whole line is written to the new file.

        Return False if opening fails.

        With `asked`, every failure to open the file is logged, otherwise only the first one.
        """
        try:
            self._target.reopen()
        except OSError as error:
            if asked or not self._misplaced:
                reason = "{name} cannot be opened again: {error}; it continues in the file that is open."
                log.error(reason, name=self.name, error=error)
            self._misplaced = True
            return False
        self._misplaced = False
        with self._changed:
            start = start_of_line(self._batch, self._position)
            self._waiting += self._position - start
            self._position = start
        return True

    def _write_now(self, seconds: float) -> None:
        """Write the waiting lines in this thread, for up to `seconds`."""
        until = monotonic() + self._timeout(seconds)
        while self._take():
            if not self._attempt():
                self._discard()
            elif monotonic() > until:
                self._stalled_at = self._progress
                self._discard()

    def _discard(self) -> None:
        """Discard all waiting lines and count them as lost."""
        waiting = [self._batch[start_of_line(self._batch, self._position) :], *self._queue]
        if self._position == len(self._batch):
            waiting[0] = b""
        self._queue.clear()
        self._batch = b""
        self._position = self._waiting = 0
        self._lose(sum(lines.count(b"\n") for lines in waiting))
        self._changed.notify_all()

    def _lose(self, count: int) -> None:
        self.lost += count
        self._unreported += count
        if self.on_lost is not None and count:
            self.on_lost(count)

    def _report_lost(self) -> None:
        with self._changed:
            count, self._unreported = self._unreported, 0
        if count:
            lines = "1 line is" if count == 1 else f"{count} lines are"
            log.warn("{name} has a gap: {lines} lost.", name=self.name, lines=lines)


def reopen_logs() -> list[str]:
    """Open the files of all logs again at their paths. Return the names of these logs. Each log's writer logs whether
    this has succeeded."""
    return [writer.name for writer in tuple(_writers) if writer.reopen()]


def _after_fork_in_child() -> None:
    for writer in tuple(_writers):
        writer.after_fork_in_child()


os.register_at_fork(after_in_child=_after_fork_in_child)
