"""The access log's writer: a thread of its own, so that a slow disk holds up nobody."""

import sys
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import BinaryIO, Final

from twisted.logger import Logger

log = Logger(namespace="ropewalk.access")

MOST_WAITING: Final = 16 << 20
"""Bytes that may wait for the disk. What comes beyond is dropped and counted."""


class AccessLog:
    """Appends lines to a file, or to the standard output where `path` is None. Raises OSError."""

    def __init__(self, path: Path | None = None) -> None:
        self._file: BinaryIO = sys.stdout.buffer if path is None else path.open("ab", buffering=0)
        self._own = path is not None
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._lock = Lock()
        self._waiting = 0
        self._dropped = 0
        self._thread = Thread(target=self._run, name="ropewalk access log", daemon=True)
        self._thread.start()

    def write(self, lines: bytes) -> None:
        """Have whole lines written soon."""
        if not lines:
            return
        with self._lock:
            if self._waiting > MOST_WAITING:
                self._dropped += lines.count(b"\n")
                return
            self._waiting += len(lines)
        self._queue.put(lines)

    def close(self) -> None:
        """Write what waits, then close the file."""
        self._queue.put(None)
        self._thread.join()
        if self._dropped:
            log.warn("{count} lines of the access log were dropped: the disk did not keep up.", count=self._dropped)

    def _run(self) -> None:
        failing = False
        while (lines := self._queue.get()) is not None:
            try:
                self._file.write(lines)
                self._file.flush()
                failing = False
            except OSError as error:
                if not failing:
                    log.error("The access log cannot be written: {error}", error=error)
                failing = True
            with self._lock:
                self._waiting -= len(lines)
        if self._own:
            self._file.close()
